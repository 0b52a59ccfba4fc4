"""What learners and staff send and get."""

from typing import Any, ClassVar

from rest_framework import serializers

from common import examples, ids
from common.events.serializers import Triggered
from common.fields import Choice, Constant, Null, PublicId, Text
from common.wire import Body, PageQuery, View
from enrollments.types import ENROLLMENT, Enrolled, Source

_ENROLLMENT_STATUSES = ["active", "completed", "withdrawn", "revoked"]
assert set(_ENROLLMENT_STATUSES) == ENROLLMENT


class EnrollmentQuery(PageQuery):
    """Which enrollments."""

    status = Choice("EnrollmentStatus", _ENROLLMENT_STATUSES, required=False)


class ReasonBody(Body):
    """Why; kept in the event."""

    reason = Text(required=False, allow_blank=True, max_length=500)

    example: ClassVar = {"reason": "Passed the final exam."}


class EnrollmentView(View):
    """A learner who is, or was, in a course."""

    id = PublicId(ids.ENROLLMENT)
    course_id = PublicId(ids.COURSE)
    learner_id = PublicId(ids.USER)
    status = Choice("EnrollmentStatus", _ENROLLMENT_STATUSES)
    source = Choice("EnrollmentSource", Source, help_text="Through which door the learner came in.")
    enrolled_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True, help_text="null while `status` is `active`.")

    example: ClassVar = {
        "id": examples.ENROLLMENT,
        "course_id": examples.COURSE,
        "learner_id": examples.PERSON,
        "status": "active",
        "source": "self",
        "enrolled_at": "2026-11-20T09:30:00.120331Z",
        "ended_at": None,
    }


class WaitlistEntryView(View):
    """A place in line, counted from 1."""

    id = PublicId(ids.WAITLIST_ENTRY)
    course_id = PublicId(ids.COURSE)
    learner_id = PublicId(ids.USER)
    status = Choice("WaitlistEntryStatus", ["waiting", "promoted", "left", "expired"])
    position = serializers.IntegerField(allow_null=True, min_value=1, help_text="null once it no longer waits.")
    joined_at = serializers.DateTimeField()

    example: ClassVar = {
        "id": examples.WAITLIST_ENTRY,
        "course_id": examples.COURSE,
        "learner_id": examples.PERSON,
        "status": "waiting",
        "position": 3,
        "joined_at": "2026-11-20T09:30:00.120331Z",
    }


class EnrolledView(View):
    """The learner has a seat."""

    outcome = Constant("enrolled")
    message = serializers.CharField()
    enrollment = EnrollmentView()
    waitlist_entry = Null()

    example: ClassVar = {
        "outcome": "enrolled",
        "message": "You are enrolled.",
        "enrollment": EnrollmentView.example,
        "waitlist_entry": None,
    }


class WaitlistedView(View):
    """The learner has a place in line."""

    outcome = Constant("waitlisted")
    message = serializers.CharField()
    enrollment = Null()
    waitlist_entry = WaitlistEntryView()

    example: ClassVar = {
        "outcome": "waitlisted",
        "message": "The course is full. You are number 3 in line.",
        "enrollment": None,
        "waitlist_entry": WaitlistEntryView.example,
    }


class MyStandingView(View):
    """How the learner stands in a course; one of the two members is given."""

    standing = Choice("Standing", ["enrolled", "completed", "waitlisted"])
    enrollment = EnrollmentView(allow_null=True)
    waitlist_entry = WaitlistEntryView(allow_null=True)

    example: ClassVar = {"standing": "enrolled", "enrollment": EnrollmentView.example, "waitlist_entry": None}


class WithdrawnView(View):
    """The learner is out of the course, or of its line."""

    outcome = Choice("WithdrawalOutcome", ["withdrawn", "left_waitlist"])
    message = serializers.CharField()

    example: ClassVar = {"outcome": "withdrawn", "message": "You are no longer enrolled."}


class EnrollmentChangedView(View):
    """What staff did to an enrollment, and what it set in motion."""

    outcome = Choice("EnrollmentOutcome", ["completed", "revoked"])
    message = serializers.CharField()
    enrollment = EnrollmentView()
    triggered = Triggered()

    example: ClassVar = {
        "outcome": "revoked",
        "message": "The enrollment is revoked. Its seat went to the head of the waitlist.",
        "enrollment": {**EnrollmentView.example, "status": "revoked", "ended_at": "2026-11-21T10:00:00.000001Z"},
        "triggered": ["waitlist_promotion"],
    }


class CourseLabelView(View):
    """How a course is called."""

    id = PublicId(ids.COURSE)
    slug = serializers.CharField()
    title = serializers.CharField()


class PersonView(View):
    """What staff see of a learner."""

    id = PublicId(ids.USER)
    email = serializers.EmailField()
    display_name = serializers.CharField()


_PERSON = {"id": examples.PERSON, "email": "ada@example.org", "display_name": "Ada"}


class MyEnrollmentView(EnrollmentView):
    """One's own enrollment, with the course's names."""

    course = CourseLabelView()

    example: ClassVar = {
        **EnrollmentView.example,
        "course": {
            "id": examples.COURSE,
            "slug": "reading-shakespeare-aloud",
            "title": "Reading Shakespeare Aloud",
        },
    }

    @classmethod
    def render(cls, value: Any) -> dict[str, Any]:
        return {**EnrollmentView.render(value.enrollment), "course": CourseLabelView.render(value.course)}


class RosterRowView(EnrollmentView):
    """An enrollment with its learner, for staff."""

    learner = PersonView()

    example: ClassVar = {**EnrollmentView.example, "learner": _PERSON}

    @classmethod
    def render(cls, value: Any) -> dict[str, Any]:
        return {**EnrollmentView.render(value.enrollment), "learner": PersonView.render(value.learner)}


class WaitlistRowView(WaitlistEntryView):
    """A place in line with its learner, for staff."""

    learner = PersonView()

    example: ClassVar = {**WaitlistEntryView.example, "learner": _PERSON}

    @classmethod
    def render(cls, value: Any) -> dict[str, Any]:
        return {**WaitlistEntryView.render(value.waitlist_entry), "learner": PersonView.render(value.learner)}


def render_outcome(outcome: Any) -> dict[str, Any]:
    """What enrolling came to, in the shape of `EnrolledView` or `WaitlistedView`."""
    if isinstance(outcome, Enrolled):
        return {
            "outcome": "enrolled",
            "message": "You are enrolled.",
            "enrollment": EnrollmentView.render(outcome.enrollment),
            "waitlist_entry": None,
        }
    return {
        "outcome": "waitlisted",
        "message": f"The course is full. You are number {outcome.waitlist_entry.position} in line.",
        "enrollment": None,
        "waitlist_entry": WaitlistEntryView.render(outcome.waitlist_entry),
    }
