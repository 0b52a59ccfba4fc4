"""Changes of the models that clients are told: their members, their enums, and their names in SDKs."""

import copy

from contracts.tests.planting import (
    Document,
    add_member,
    additive,
    breaking,
    drop_member,
    member,
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
