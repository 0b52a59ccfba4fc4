"""Changes of what clients may ask."""

from contracts.tests.planting import (
    TOMORROW,
    YESTERDAY,
    Document,
    add_member,
    additive,
    breaking,
    drop_member,
    member,
    operation,
    parameter,
    schema,
)

# -- operations ---------------------------------------------------------------------------------


@breaking()
def a_path_is_gone(contract: Document) -> None:
    del contract["paths"]["/api/v1/courses/{course_id}/reviews/summary"]


@breaking()
def a_method_is_gone(contract: Document) -> None:
    del contract["paths"]["/api/v1/courses/{course_id}"]["patch"]


@breaking()
def a_path_is_renamed(contract: Document) -> None:
    contract["paths"]["/api/v1/catalogue"] = contract["paths"].pop("/api/v1/courses")


@breaking()
def a_path_parameter_is_renamed(contract: Document) -> None:
    methods = contract["paths"].pop("/api/v1/courses/{course_id}")
    contract["paths"]["/api/v1/courses/{id}"] = methods
    for each in methods.values():
        each["parameters"][0]["name"] = "id"


@breaking()
def an_operation_id_is_changed(contract: Document) -> None:
    operation(contract, "GET /courses")["operationId"] = "courses.browse"


@breaking()
def an_operation_moves_to_another_tag(contract: Document) -> None:
    operation(contract, "GET /courses")["tags"] = ["Events"]


@breaking()
def a_server_is_gone(contract: Document) -> None:
    contract["servers"] = [{"url": "/elsewhere"}]


@additive()
def a_path_is_new(contract: Document) -> None:
    contract["paths"]["/api/v1/catalogue"] = {
        "get": {**operation(contract, "GET /courses"), "operationId": "courses.catalogue"}
    }


@additive()
def a_method_is_new(contract: Document) -> None:
    contract["paths"]["/api/v1/courses/{course_id}"]["delete"] = {
        **operation(contract, "DELETE /courses/{course_id}/reviews/me"),
        "operationId": "courses.delete",
    }


def leaving_yesterday(contract: Document) -> None:
    operation(contract, "GET /courses").update({"deprecated": True, "x-sunset": YESTERDAY})
    parameter(contract, "GET /events", "type").update({"deprecated": True, "x-sunset": YESTERDAY})
    member(contract, "Course.summary").update({"deprecated": True, "x-sunset": YESTERDAY})
    member(contract, "CreateCourseRequest.summary").update({"deprecated": True, "x-sunset": YESTERDAY})


def leaving_tomorrow(contract: Document) -> None:
    operation(contract, "GET /courses").update({"deprecated": True, "x-sunset": TOMORROW})
    parameter(contract, "GET /events", "type").update({"deprecated": True, "x-sunset": TOMORROW})
    member(contract, "Course.summary").update({"deprecated": True, "x-sunset": TOMORROW})


def leaving_some_day(contract: Document) -> None:
    operation(contract, "GET /courses")["deprecated"] = True


@additive(given=leaving_yesterday)
def an_operation_leaves_after_its_date(contract: Document) -> None:
    del contract["paths"]["/api/v1/courses"]["get"]
    del contract["components"]["schemas"]["CoursePage"], contract["components"]["schemas"]["CourseSort"]


@additive(given=leaving_yesterday)
def a_parameter_leaves_after_its_date(contract: Document) -> None:
    taken = operation(contract, "GET /events")["parameters"]
    taken.remove(parameter(contract, "GET /events", "type"))


@additive(given=leaving_yesterday)
def a_field_of_answers_leaves_after_its_date(contract: Document) -> None:
    drop_member(contract, "Course.summary")


@additive(given=leaving_yesterday)
def a_field_of_requests_leaves_after_its_date(contract: Document) -> None:
    drop_member(contract, "CreateCourseRequest.summary")


@breaking(given=leaving_tomorrow)
def an_operation_leaves_before_its_date(contract: Document) -> None:
    del contract["paths"]["/api/v1/courses"]["get"]


@breaking(given=leaving_tomorrow)
def a_parameter_leaves_before_its_date(contract: Document) -> None:
    taken = operation(contract, "GET /events")["parameters"]
    taken.remove(parameter(contract, "GET /events", "type"))


@breaking(given=leaving_tomorrow)
def a_field_of_answers_leaves_before_its_date(contract: Document) -> None:
    drop_member(contract, "Course.summary")


@breaking(given=leaving_some_day)
def an_operation_leaves_without_a_date(contract: Document) -> None:
    del contract["paths"]["/api/v1/courses"]["get"]


@breaking(given=leaving_yesterday)
def something_else_leaves_along_with_what_was_announced(contract: Document) -> None:
    del contract["paths"]["/api/v1/courses"]


# -- bodies -------------------------------------------------------------------------------------


@breaking()
def a_required_field_is_new(contract: Document) -> None:
    add_member(contract, "ReviewRequest.title", {"type": "string"}, required=True)


@breaking()
def a_field_becomes_required(contract: Document) -> None:
    schema(contract, "CreateCourseRequest")["required"].append("capacity")


@breaking()
def a_field_is_no_longer_known(contract: Document) -> None:
    drop_member(contract, "CreateCourseRequest.instructor")


def a_body_that_takes_anything(contract: Document) -> None:
    del schema(contract, "CreateCourseRequest")["additionalProperties"]


@breaking(given=a_body_that_takes_anything)
def a_field_is_silently_ignored(contract: Document) -> None:
    drop_member(contract, "CreateCourseRequest.instructor")


@breaking(given=a_body_that_takes_anything)
def unknown_fields_are_refused(contract: Document) -> None:
    schema(contract, "CreateCourseRequest")["additionalProperties"] = False


@breaking()
def a_field_takes_numbers_instead_of_text(contract: Document) -> None:
    member(contract, "ProfileRequest.display_name").clear()
    member(contract, "ProfileRequest.display_name")["type"] = "integer"


@breaking()
def a_field_takes_text_instead_of_numbers(contract: Document) -> None:
    member(contract, "ReviewRequest.rating").clear()
    member(contract, "ReviewRequest.rating")["type"] = "string"


@breaking()
def a_field_no_longer_takes_null(contract: Document) -> None:
    member(contract, "CreateCourseRequest.capacity")["type"] = "integer"


@breaking()
def a_text_may_be_less_long(contract: Document) -> None:
    member(contract, "ReviewRequest.comment")["maxLength"] = 500


@breaking()
def a_text_must_be_longer(contract: Document) -> None:
    member(contract, "RegisterRequest.password")["minLength"] = 12


@breaking()
def a_number_must_be_larger(contract: Document) -> None:
    member(contract, "CreateCourseRequest.capacity")["minimum"] = 1


@breaking()
def a_number_must_be_smaller(contract: Document) -> None:
    member(contract, "ReviewRequest.rating")["maximum"] = 4


@breaking()
def a_text_must_fit_a_pattern(contract: Document) -> None:
    member(contract, "ReviewRequest.comment")["pattern"] = "^[a-z]*$"


@breaking()
def a_text_must_fit_another_pattern(contract: Document) -> None:
    member(contract, "CreateCourseRequest.slug")["pattern"] = "^[a-z]+$"


@breaking()
def a_text_must_have_a_format(contract: Document) -> None:
    member(contract, "CreateCourseRequest.instructor")["format"] = "email"


@breaking()
def a_choice_in_a_body_is_gone(contract: Document) -> None:
    schema(contract, "ModerationDecision")["enum"].remove("hide")


@breaking()
def an_optional_body_becomes_required(contract: Document) -> None:
    operation(contract, "POST /courses/{course_id}/enrollments")["requestBody"]["required"] = True


@breaking()
def a_body_is_no_longer_taken(contract: Document) -> None:
    del operation(contract, "PATCH /users/me")["requestBody"]


@breaking()
def a_body_is_taken_in_another_form(contract: Document) -> None:
    content = operation(contract, "PATCH /users/me")["requestBody"]["content"]
    content["application/merge-patch+json"] = content.pop("application/json")


def a_choice_of_shapes(contract: Document) -> None:
    learner = {"oneOf": [{"$ref": "#/components/schemas/LearnerRequest"}, {"type": "string"}]}
    schema(contract, "PartnerEnrollRequest")["properties"]["learner"] = learner


@breaking(given=a_choice_of_shapes)
def one_of_several_shapes_is_no_longer_taken(contract: Document) -> None:
    member(contract, "PartnerEnrollRequest.learner")["oneOf"].pop()


def a_list_in_a_body(contract: Document) -> None:
    words = {"type": "array", "items": {"type": "string"}, "maxItems": 10}
    add_member(contract, "CreateCourseRequest.words", words, required=False)


@breaking(given=a_list_in_a_body)
def a_list_may_hold_less(contract: Document) -> None:
    member(contract, "CreateCourseRequest.words")["maxItems"] = 5


@breaking(given=a_list_in_a_body)
def a_list_holds_something_else(contract: Document) -> None:
    member(contract, "CreateCourseRequest.words")["items"] = {"type": "integer"}


@additive()
def an_optional_field_is_new(contract: Document) -> None:
    add_member(contract, "ReviewRequest.title", {"type": "string"}, required=False)


@additive()
def a_required_field_becomes_optional(contract: Document) -> None:
    schema(contract, "ReviewRequest")["required"].remove("comment")


@additive()
def a_field_takes_null_too(contract: Document) -> None:
    member(contract, "ReviewRequest.comment")["type"] = ["string", "null"]


@additive()
def a_text_may_be_longer(contract: Document) -> None:
    member(contract, "ReviewRequest.comment")["maxLength"] = 50_000


@additive()
def a_number_may_be_larger(contract: Document) -> None:
    member(contract, "CreateCourseRequest.capacity")["maximum"] = 10_000_000


@additive()
def a_text_need_not_fit_a_pattern(contract: Document) -> None:
    del member(contract, "CreateCourseRequest.slug")["pattern"]


@additive()
def a_choice_in_a_query_is_new(contract: Document) -> None:
    schema(contract, "CourseSort")["enum"].append("oldest")


@additive()
def a_body_is_taken_in_another_form_too(contract: Document) -> None:
    content = operation(contract, "PATCH /users/me")["requestBody"]["content"]
    content["application/merge-patch+json"] = content["application/json"]


# -- parameters ---------------------------------------------------------------------------------


@breaking()
def a_query_parameter_is_no_longer_known(contract: Document) -> None:
    operation(contract, "GET /courses")["parameters"].remove(parameter(contract, "GET /courses", "search"))


@breaking()
def a_query_parameter_becomes_required(contract: Document) -> None:
    parameter(contract, "GET /courses", "search")["required"] = True


@breaking()
def a_required_query_parameter_is_new(contract: Document) -> None:
    new = {"in": "query", "name": "region", "required": True, "schema": {"type": "string"}}
    operation(contract, "GET /courses")["parameters"].append(new)


@breaking()
def a_required_header_is_new(contract: Document) -> None:
    new = {"in": "header", "name": "X-Region", "required": True, "schema": {"type": "string"}}
    operation(contract, "GET /courses")["parameters"].append(new)


@breaking()
def a_header_becomes_required(contract: Document) -> None:
    parameter(contract, "PATCH /courses/{course_id}", "If-Match")["required"] = True


@breaking()
def a_header_is_no_longer_heeded(contract: Document) -> None:
    taken = operation(contract, "POST /courses")["parameters"]
    taken.remove(parameter(contract, "POST /courses", "Idempotency-Key"))


@breaking()
def keys_may_be_less_long(contract: Document) -> None:
    parameter(contract, "POST /courses", "Idempotency-Key")["schema"]["maxLength"] = 64


@breaking()
def a_query_parameter_takes_only_some_values(contract: Document) -> None:
    parameter(contract, "GET /courses", "search")["schema"]["enum"] = ["bread", "knots"]


@breaking()
def a_choice_in_a_query_is_gone(contract: Document) -> None:
    schema(contract, "CourseSort")["enum"].remove("rating")


@breaking()
def a_page_may_be_less_large(contract: Document) -> None:
    parameter(contract, "GET /courses", "limit")["schema"]["maximum"] = 50


@breaking()
def a_query_parameter_has_another_type(contract: Document) -> None:
    parameter(contract, "GET /courses", "search")["schema"] = {"type": "integer"}


@breaking()
def a_default_is_another(contract: Document) -> None:
    parameter(contract, "GET /courses", "limit")["schema"]["default"] = 10


@breaking()
def a_default_is_gone(contract: Document) -> None:
    del parameter(contract, "GET /courses", "limit")["schema"]["default"]


def a_list_in_a_query(contract: Document) -> None:
    words = {"in": "query", "name": "word", "required": False, "schema": {"type": "array", "items": {"type": "string"}}}
    operation(contract, "GET /courses")["parameters"].append(words)


@breaking(given=a_list_in_a_query)
def a_list_is_written_otherwise(contract: Document) -> None:
    parameter(contract, "GET /courses", "word")["explode"] = False


@additive()
def an_optional_query_parameter_is_new(contract: Document) -> None:
    new = {"in": "query", "name": "region", "required": False, "schema": {"type": "string"}}
    operation(contract, "GET /courses")["parameters"].append(new)


@additive()
def an_optional_header_is_new(contract: Document) -> None:
    new = {"in": "header", "name": "X-Region", "required": False, "schema": {"type": "string"}}
    operation(contract, "GET /courses")["parameters"].append(new)


@additive()
def a_page_may_be_larger(contract: Document) -> None:
    parameter(contract, "GET /courses", "limit")["schema"]["maximum"] = 500


# -- who may ask --------------------------------------------------------------------------------


@breaking()
def what_was_public_needs_a_token(contract: Document) -> None:
    operation(contract, "GET /courses")["security"].remove({})


@breaking()
def another_kind_of_credentials_is_needed(contract: Document) -> None:
    operation(contract, "GET /users/me")["security"] = [{"apiKeyAuth": []}]


@breaking()
def two_kinds_of_credentials_are_needed_at_once(contract: Document) -> None:
    operation(contract, "GET /users/me")["security"] = [{"bearerAuth": [], "apiKeyAuth": []}]


@breaking()
def a_key_is_sent_elsewhere(contract: Document) -> None:
    contract["components"]["securitySchemes"]["apiKeyAuth"]["name"] = "X-Api-Key"


@breaking()
def tokens_are_sent_otherwise(contract: Document) -> None:
    contract["components"]["securitySchemes"]["bearerAuth"] = {"type": "http", "scheme": "basic"}


@breaking()
def a_permission_is_needed(contract: Document) -> None:
    operation(contract, "GET /users/me")["x-permission"] = "common.view_user"


def a_permission(contract: Document) -> None:
    operation(contract, "POST /courses")["x-permission"] = "courses.add_course"


@breaking(given=a_permission)
def another_permission_is_needed(contract: Document) -> None:
    operation(contract, "POST /courses")["x-permission"] = "courses.change_course"


@additive()
def another_kind_of_credentials_does_as_well(contract: Document) -> None:
    operation(contract, "GET /users/me")["security"].append({"apiKeyAuth": []})


@additive()
def no_token_is_needed_any_more(contract: Document) -> None:
    operation(contract, "GET /users/me")["security"].insert(0, {})
