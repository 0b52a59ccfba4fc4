"""Changes of what clients are told."""

import copy

from contracts.tests.planting import (
    TOMORROW,
    Document,
    add_member,
    additive,
    answer,
    breaking,
    drop_member,
    member,
    operation,
    rename_schema,
    schema,
)

# -- members ------------------------------------------------------------------------------------


@breaking()
def a_member_is_gone(contract: Document) -> None:
    drop_member(contract, "Course.title")


@breaking()
def a_member_is_not_always_there(contract: Document) -> None:
    schema(contract, "Course")["required"].remove("title")


@breaking()
def a_member_that_was_not_always_there_is_gone(contract: Document) -> None:
    drop_member(contract, "Problem.seats_taken")


@breaking()
def a_member_is_renamed(contract: Document) -> None:
    add_member(contract, "Course.name", drop_member(contract, "Course.title"), required=True)


@breaking()
def the_envelope_of_lists_is_another(contract: Document) -> None:
    add_member(contract, "CoursePage.items", drop_member(contract, "CoursePage.data"), required=True)


@breaking()
def a_number_becomes_text(contract: Document) -> None:
    member(contract, "Review.rating").clear()
    member(contract, "Review.rating")["type"] = "string"


@breaking()
def a_text_becomes_a_number(contract: Document) -> None:
    member(contract, "Course.title")["type"] = "integer"


@breaking()
def a_whole_number_may_have_a_fraction(contract: Document) -> None:
    member(contract, "Course.waitlist_length")["type"] = "number"


@breaking()
def a_text_becomes_a_list(contract: Document) -> None:
    member(contract, "Course.instructor").clear()
    member(contract, "Course.instructor").update({"type": "array", "items": {"type": "string"}})


@breaking()
def a_member_may_be_null(contract: Document) -> None:
    member(contract, "Course.title")["type"] = ["string", "null"]


@breaking()
def an_object_may_be_null(contract: Document) -> None:
    rating = member(contract, "Course.rating")
    schema(contract, "Course")["properties"]["rating"] = {"oneOf": [dict(rating), {"type": "null"}]}


@breaking()
def a_member_far_inside_may_be_null(contract: Document) -> None:
    member(contract, "Author.display_name")["type"] = ["string", "null"]


@breaking()
def a_time_is_written_otherwise(contract: Document) -> None:
    member(contract, "Course.created_at")["format"] = "date"


@breaking()
def a_time_may_be_any_text(contract: Document) -> None:
    del member(contract, "Course.created_at")["format"]


@breaking()
def ids_look_otherwise(contract: Document) -> None:
    member(contract, "Course.id")["pattern"] = "^course-[0-9]+$"


@breaking()
def a_number_may_be_larger_than_was_said(contract: Document) -> None:
    member(contract, "Review.rating")["maximum"] = 10


@breaking()
def a_constant_is_another(contract: Document) -> None:
    member(contract, "Enrolled.outcome")["const"] = "in"


@breaking()
def a_member_may_have_another_shape(contract: Document) -> None:
    member(contract, "MyStanding.enrollment")["oneOf"].append({"$ref": "#/components/schemas/CourseLabel"})


@breaking()
def the_rows_of_a_list_are_others(contract: Document) -> None:
    member(contract, "CoursePage.data")["items"] = {"$ref": "#/components/schemas/CourseLabel"}


@additive()
def a_member_is_new(contract: Document) -> None:
    add_member(contract, "Course.language", {"type": "string"}, required=True)


@additive()
def a_member_that_is_not_always_there_is_new(contract: Document) -> None:
    add_member(contract, "Course.language", {"type": "string"}, required=False)


@additive()
def a_member_of_problems_is_new(contract: Document) -> None:
    add_member(contract, "Problem.opens_at", {"type": "string", "format": "date-time"}, required=False)


@additive()
def a_member_is_always_there(contract: Document) -> None:
    schema(contract, "Problem")["required"].append("errors")


@additive()
def a_member_is_never_null_any_more(contract: Document) -> None:
    member(contract, "Course.capacity")["type"] = "integer"


# -- enums --------------------------------------------------------------------------------------


@breaking()
def a_settled_enum_grows(contract: Document) -> None:
    schema(contract, "CourseStatus")["enum"].append("cancelled")


@breaking()
def a_settled_enum_becomes_any_text(contract: Document) -> None:
    status = {"anyOf": [{"$ref": "#/components/schemas/CourseStatus"}, {"type": "string"}]}
    schema(contract, "Course")["properties"]["status"] = status


@breaking()
def an_enum_loses_a_value(contract: Document) -> None:
    schema(contract, "EnrollmentSource")["enum"].remove("staff")


@breaking()
def an_open_enum_loses_a_value(contract: Document) -> None:
    schema(contract, "Consequence")["enum"].pop()


@breaking()
def a_constant_of_an_enum_is_renamed(contract: Document) -> None:
    schema(contract, "ProblemType")["x-enum-varnames"][0] = "IN_ALREADY"


def an_enum_called_open_that_leaves_no_room(contract: Document) -> None:
    schema(contract, "Enrolled")["properties"]["cause"] = {"$ref": "#/components/schemas/Consequence"}


@breaking(given=an_enum_called_open_that_leaves_no_room)
def an_enum_grows_where_clients_have_no_room_for_it(contract: Document) -> None:
    schema(contract, "Consequence")["enum"].append("refund")


@additive()
def an_open_enum_grows(contract: Document) -> None:
    schema(contract, "EventType")["enum"].append("course.moved")


@additive()
def an_open_enum_of_answers_grows(contract: Document) -> None:
    schema(contract, "Consequence")["enum"].append("refund")


# -- statuses, forms, headers -------------------------------------------------------------------


@breaking()
def success_has_another_status(contract: Document) -> None:
    answers = operation(contract, "POST /courses")["responses"]
    answers["200"] = answers.pop("201")


@breaking()
def one_of_two_successes_is_gone(contract: Document) -> None:
    del operation(contract, "POST /courses/{course_id}/enrollments")["responses"]["202"]


@breaking()
def a_refusal_is_gone(contract: Document) -> None:
    del operation(contract, "GET /courses/{course_id}")["responses"]["404"]


@breaking()
def an_answer_has_another_form(contract: Document) -> None:
    content = answer(contract, "GET /courses", 200)["content"]
    content["application/hal+json"] = content.pop("application/json")


@breaking()
def an_answer_has_no_body_any_more(contract: Document) -> None:
    del answer(contract, "DELETE /courses/{course_id}/enrollments/me", 200)["content"]


@breaking()
def a_header_is_gone(contract: Document) -> None:
    del answer(contract, "POST /courses", 201)["headers"]["Location"]


@breaking()
def a_header_is_not_always_there(contract: Document) -> None:
    contract["components"]["headers"]["ETag"]["required"] = False


@breaking()
def an_answer_may_be_anything(contract: Document) -> None:
    del answer(contract, "POST /courses", 201)["content"]["application/json"]["schema"]


@breaking()
def an_answer_is_another_model(contract: Document) -> None:
    label = {"$ref": "#/components/schemas/CourseLabel"}
    answer(contract, "POST /courses", 201)["content"]["application/json"]["schema"] = label


@breaking()
def nothing_is_known_to_be_unchanged_any_more(contract: Document) -> None:
    del operation(contract, "GET /courses/{course_id}")["responses"]["304"]


@breaking()
def a_header_is_written_otherwise(contract: Document) -> None:
    contract["components"]["headers"]["Retry-After"]["schema"] = {"type": "string", "format": "date-time"}


@breaking()
def problems_have_another_form(contract: Document) -> None:
    content = answer(contract, "POST /courses", 409)["content"]
    content["application/json"] = content.pop("application/problem+json")


@additive()
def a_refusal_is_new(contract: Document) -> None:
    answers = operation(contract, "POST /courses")["responses"]
    answers["410"] = {**answers["409"], "x-problem-types": ["/problems/course-closed"]}


@additive()
def a_success_is_new(contract: Document) -> None:
    answers = operation(contract, "POST /courses")["responses"]
    answers["202"] = copy.deepcopy(answers["201"])


@additive()
def an_answer_has_another_form_too(contract: Document) -> None:
    content = answer(contract, "GET /courses", 200)["content"]
    content["application/hal+json"] = content["application/json"]


@additive()
def a_header_is_new(contract: Document) -> None:
    answer(contract, "GET /courses", 200)["headers"]["Age"] = {"required": False, "schema": {"type": "string"}}


# -- problems -----------------------------------------------------------------------------------


@breaking()
def a_problem_type_is_no_longer_answered(contract: Document) -> None:
    answer(contract, "POST /courses/{course_id}/enrollments", 409)["x-problem-types"].remove("/problems/course-full")


@breaking()
def a_problem_type_has_another_status(contract: Document) -> None:
    call = "POST /courses/{course_id}/enrollments"
    answer(contract, call, 409)["x-problem-types"].remove("/problems/course-full")
    answer(contract, call, 422)["x-problem-types"].append("/problems/course-full")


@breaking()
def a_problem_type_leaves_the_catalogue(contract: Document) -> None:
    schema(contract, "ProblemType")["enum"].pop()
    schema(contract, "ProblemType")["x-enum-varnames"].pop()


@breaking()
def a_problem_type_has_another_address(contract: Document) -> None:
    schema(contract, "ProblemType")["enum"][0] = "/problems/in-already"


@breaking()
def problems_have_no_code_any_more(contract: Document) -> None:
    drop_member(contract, "Problem.code")


@additive()
def a_problem_type_is_new(contract: Document) -> None:
    schema(contract, "ProblemType")["enum"].append("/problems/too-late")
    schema(contract, "ProblemType")["x-enum-varnames"].append("TOO_LATE")


@additive()
def a_problem_type_is_answered_here_too(contract: Document) -> None:
    answer(contract, "POST /courses", 409)["x-problem-types"].append("/problems/course-full")
    answer(contract, "POST /courses", 409)["description"] += " `course_full`: The course is full."


# -- names in SDKs ------------------------------------------------------------------------------


@breaking()
def a_model_is_renamed(contract: Document) -> None:
    rename_schema(contract, "Course", "CourseDetails")


@breaking()
def a_model_is_gone(contract: Document) -> None:
    schema(contract, "Course")["properties"]["rating"] = contract["components"]["schemas"].pop("Rating")


@additive()
def a_model_is_written_out_in_one_place(contract: Document) -> None:
    schema(contract, "RosterRow")["properties"]["learner"] = copy.deepcopy(schema(contract, "Person"))


# -- webhooks -----------------------------------------------------------------------------------


def a_webhook(contract: Document) -> None:
    body = {"type": "object", "properties": {"kind": {"type": "string", "enum": ["a", "b"]}}, "required": ["kind"]}
    told = {"content": {"application/json": {"schema": body}}, "required": True}
    taken = {"204": {"description": "Taken."}}
    contract["webhooks"] = {"happened": {"post": {"operationId": "happened", "requestBody": told, "responses": taken}}}


def payload(contract: Document) -> Document:
    told = contract["webhooks"]["happened"]["post"]["requestBody"]
    found: Document = told["content"]["application/json"]["schema"]
    return found


@breaking(given=a_webhook)
def a_webhook_is_gone(contract: Document) -> None:
    contract["webhooks"] = {}


@breaking(given=a_webhook)
def a_webhook_tells_less(contract: Document) -> None:
    payload(contract)["properties"] = {}
    payload(contract)["required"] = []


@breaking(given=a_webhook)
def a_webhook_tells_of_more_kinds(contract: Document) -> None:
    payload(contract)["properties"]["kind"]["enum"].append("c")


@additive(given=a_webhook)
def a_webhook_tells_more(contract: Document) -> None:
    payload(contract)["properties"]["extra"] = {"type": "string"}


@additive()
def a_webhook_is_new(contract: Document) -> None:
    a_webhook(contract)


# -- words --------------------------------------------------------------------------------------


@additive()
def a_description_is_another(contract: Document) -> None:
    operation(contract, "GET /courses")["description"] = "All there is."


@additive()
def an_example_is_another(contract: Document) -> None:
    contract["components"]["examples"]["course-full"]["value"]["detail"] = "All seats are taken."


@additive()
def members_are_in_another_order(contract: Document) -> None:
    described = schema(contract, "Course")
    described["properties"] = dict(reversed(described["properties"].items()))
    described["required"].reverse()


@additive()
def an_operation_is_announced_to_leave(contract: Document) -> None:
    operation(contract, "GET /courses").update({"deprecated": True, "x-sunset": TOMORROW})


def an_announced_operation(contract: Document) -> None:
    operation(contract, "GET /courses").update({"deprecated": True, "x-sunset": TOMORROW})
    for each in operation(contract, "GET /courses")["responses"].values():
        each["headers"] |= {name: {"schema": {"type": "string"}} for name in ("Deprecation", "Sunset", "Link")}


@additive(given=an_announced_operation)
def what_was_announced_to_leave_stays(contract: Document) -> None:
    listing = operation(contract, "GET /courses")
    del listing["deprecated"], listing["x-sunset"]
    for each in listing["responses"].values():
        for name in ("Deprecation", "Sunset", "Link"):
            del each["headers"][name]


@additive()
def an_object_is_announced_to_leave(contract: Document) -> None:
    rating = {**member(contract, "Course.rating"), "deprecated": True, "x-sunset": TOMORROW, "description": "Leaves."}
    schema(contract, "Course")["properties"]["rating"] = rating


@additive()
def the_contract_has_another_version(contract: Document) -> None:
    contract["info"]["version"] = "1.99.0"
