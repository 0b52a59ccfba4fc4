"""Changes of what clients are told: statuses, forms, headers, problems, webhooks, and words that change nothing."""

import copy

from contracts.tests.planting import (
    TOMORROW,
    Document,
    additive,
    answer,
    breaking,
    drop_member,
    member,
    operation,
    schema,
)

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
