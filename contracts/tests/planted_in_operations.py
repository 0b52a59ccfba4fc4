"""Changes of what there is to ask for, and of who may: operations, what leaves after its date, and credentials."""

from contracts.tests.planting import (
    TOMORROW,
    YESTERDAY,
    Document,
    additive,
    breaking,
    drop_member,
    member,
    operation,
    parameter,
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
