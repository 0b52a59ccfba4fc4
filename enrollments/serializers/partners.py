"""What partners send and get: their shapes, in which a seat and a place in line are one thing."""

from typing import Any, ClassVar

from rest_framework import serializers

from common import examples, ids
from common.accounts.serializers import Email
from common.fields import Choice, Constant, Line, Null, PublicId, Text
from common.texts import EMAIL_LENGTH
from common.wire import Body, PageQuery, View
from enrollments.types import EXTERNAL_ID_LENGTH, NAME_LENGTH, PartnerStatus

_REFERENCE = "Names this enrollment, or place in line, from now on; the same from the line into the course. Opaque."
_EXTERNAL_ID = "The partner's own id of the learner."


class LearnerBody(Body):
    """Somebody whom the partner enrolls. `email` and `name` count where `external_id` is seen for the first time."""

    external_id = Line(max_length=EXTERNAL_ID_LENGTH, help_text=_EXTERNAL_ID)
    email = Email(max_length=EMAIL_LENGTH)
    name = Line(max_length=NAME_LENGTH)

    example: ClassVar = {"external_id": "emp-1042", "email": "ada@example.org", "name": "Ada Lovelace"}


class PartnerEnrollBody(Body):
    """Who comes into which course."""

    course_id = Text(max_length=100)
    learner = LearnerBody()

    example: ClassVar = {"course_id": examples.COURSE, "learner": LearnerBody.example}


class PartnerEnrollmentQuery(PageQuery):
    """Which of the partner's enrollments."""

    course_id = Text(required=False)
    external_id = Text(required=False, help_text=_EXTERNAL_ID)
    status = Choice("PartnerEnrollmentStatus", PartnerStatus, required=False)


class PartnerEnrolledView(View):
    """The learner has a seat."""

    result = Constant("enrolled")
    reference = PublicId(ids.ENROLLMENT, help_text=_REFERENCE)
    course_id = PublicId(ids.COURSE)
    external_id = serializers.CharField(help_text=_EXTERNAL_ID)
    waitlist_position = Null()

    example: ClassVar = {
        "result": "enrolled",
        "reference": examples.ENROLLMENT,
        "course_id": examples.COURSE,
        "external_id": "emp-1042",
        "waitlist_position": None,
    }


class PartnerWaitlistedView(View):
    """The learner has a place in line."""

    result = Constant("waitlisted")
    reference = PublicId(ids.ENROLLMENT, help_text=_REFERENCE)
    course_id = PublicId(ids.COURSE)
    external_id = serializers.CharField(help_text=_EXTERNAL_ID)
    waitlist_position = serializers.IntegerField(min_value=1)

    example: ClassVar = {**PartnerEnrolledView.example, "result": "waitlisted", "waitlist_position": 3}


class PartnerEnrollmentView(View):
    """What came of bringing a learner to a course."""

    reference = PublicId(ids.ENROLLMENT, help_text=_REFERENCE)
    course_id = PublicId(ids.COURSE)
    external_id = serializers.CharField(help_text=_EXTERNAL_ID)
    status = Choice("PartnerEnrollmentStatus", PartnerStatus)
    waitlist_position = serializers.IntegerField(allow_null=True, min_value=1, help_text="null unless `waitlisted`.")
    joined_at = serializers.DateTimeField(help_text="When the partner enrolled the learner.")
    enrolled_at = serializers.DateTimeField(allow_null=True, help_text="When the learner got the seat.")
    ended_at = serializers.DateTimeField(allow_null=True)

    example: ClassVar = {
        "reference": examples.ENROLLMENT,
        "course_id": examples.COURSE,
        "external_id": "emp-1042",
        "status": "enrolled",
        "waitlist_position": None,
        "joined_at": "2026-11-20T09:30:00.120331Z",
        "enrolled_at": "2026-11-20T09:30:00.120331Z",
        "ended_at": None,
    }


class PartnerWithdrawnView(View):
    """The learner is out of the course, or of its line."""

    result = Choice("WithdrawalOutcome", ["withdrawn", "left_waitlist"])
    reference = PublicId(ids.ENROLLMENT)

    example: ClassVar = {"result": "withdrawn", "reference": examples.ENROLLMENT}


def render_placed(
    *, result: str, reference: Any, course_id: Any, external_id: str, waitlist_position: int | None
) -> dict[str, Any]:
    """What enrolling came to, in the shape of `PartnerEnrolledView` or `PartnerWaitlistedView`."""
    return {
        "result": result,
        "reference": ids.encode(ids.ENROLLMENT, reference),
        "course_id": ids.encode(ids.COURSE, course_id),
        "external_id": external_id,
        "waitlist_position": waitlist_position,
    }
