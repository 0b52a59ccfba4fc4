"""Changes of what clients may send: bodies and parameters."""

from contracts.tests.planting import (
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
