"""Leaving, completing, revoking: how a standing ends, and who gets the seat that comes free."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from common import db
from common.errors import PreconditionFailed
from common.failpoints import failpoint
from common.outcomes import use_case
from common.types import Actor
from courses import services as courses
from courses.services import CourseNotFound
from enrollments import rules
from enrollments.errors import EnrollmentNotFound
from enrollments.selectors import find_standing, get_enrollment
from enrollments.services.line import PROMOTION, free_seat
from enrollments.services.recording import record
from enrollments.types import Enrollment, EnrollmentChanged, Status, Via, Withdrawn, version_of, via_from

_END = """
    UPDATE enrollments_enrollment SET status = %s, ended_at = now() WHERE id = %s RETURNING partner_id, external_id
"""


@use_case
@transaction.atomic
def withdraw(
    *, course_id: UUID, learner_id: UUID, expected_version: str | None, actor: Actor, now: datetime
) -> Withdrawn:
    """The learner is out of the course, or out of its line. A freed seat has gone to the head of the line.

    Possible whatever the state of the course.

    Raises:
        EnrollmentNotFound: the learner neither is in the course nor waits for it.
        EnrollmentCompleted: a completed enrollment keeps its seat.
        PreconditionFailed: the standing is no longer at `expected_version`.
    """
    nothing_to_leave = EnrollmentNotFound("You are neither enrolled in this course nor in line for it.")
    try:
        places = courses.lock_places(course_id=course_id)
    except CourseNotFound:
        raise nothing_to_leave from None
    standing = find_standing(course_id=course_id, learner_id=learner_id)
    if standing is None:
        raise nothing_to_leave
    standing_id, status = standing
    if expected_version is not None and version_of(standing_id=standing_id, status=status) != expected_version:
        raise PreconditionFailed
    return leave(standing_id, status, course_id, learner_id, places, actor, now)


@db.step
def leave(
    standing_id: UUID,
    status: Status,
    course_id: UUID,
    learner_id: UUID,
    places: courses.Places,
    actor: Actor,
    now: datetime,
) -> Withdrawn:
    """The learner's live row has ended, under the lock of the course, whose `places` are from before.

    Raises:
        EnrollmentCompleted: a completed enrollment keeps its seat.
    """
    left = rules.state_after_withdrawing(standing_id=standing_id, status=status)
    via = _ended(standing_id, left)
    failpoint("leave.half_done")
    if left is Status.LEFT:
        courses.move_places(course_id=course_id, seats=0, waiting=-1)
        record("waitlist.left", course_id, standing_id, learner_id, via, actor)
        return Withdrawn(outcome="left_waitlist")
    record("enrollment.withdrawn", course_id, standing_id, learner_id, via, actor)
    free_seat(course_id, places, actor, now)
    return Withdrawn(outcome="withdrawn")


@use_case
@transaction.atomic
def complete(*, enrollment_id: UUID, reason: str, actor: Actor, now: datetime) -> EnrollmentChanged:
    """The enrollment is completed and keeps its seat for good.

    Raises:
        EnrollmentNotFound: there is no such enrollment.
        InvalidEnrollmentTransition: it is not active.
    """
    enrollment, _ = _locked(enrollment_id)
    changed = _end(enrollment, Status.COMPLETED, reason, actor)
    return EnrollmentChanged(
        outcome="completed", message="The enrollment is completed.", enrollment=changed, triggered=[]
    )


@use_case
@transaction.atomic
def revoke(*, enrollment_id: UUID, reason: str, actor: Actor, now: datetime) -> EnrollmentChanged:
    """The learner is out of the course. The freed seat has gone to the head of the line.

    Raises:
        EnrollmentNotFound: there is no such enrollment.
        InvalidEnrollmentTransition: it is not active.
    """
    enrollment, places = _locked(enrollment_id)
    changed = _end(enrollment, Status.REVOKED, reason, actor)
    promoted = free_seat(enrollment.course_id, places, actor, now)
    message = "The enrollment is revoked."
    if promoted:
        message += " Its seat went to the head of the waitlist."
    return EnrollmentChanged(
        outcome="revoked", message=message, enrollment=changed, triggered=[PROMOTION] if promoted else []
    )


def _locked(enrollment_id: UUID) -> tuple[Enrollment, courses.Places]:
    """The enrollment as it is under its course's lock, and the places."""
    course_id = get_enrollment(enrollment_id=enrollment_id).course_id
    places = courses.lock_places(course_id=course_id)
    return get_enrollment(enrollment_id=enrollment_id), places


def _end(enrollment: Enrollment, wanted: Status, reason: str, actor: Actor) -> Enrollment:
    rules.check_transition(status=enrollment.status, wanted=wanted)
    via = _ended(enrollment.id, wanted)
    type = f"enrollment.{wanted}"
    record(type, enrollment.course_id, enrollment.id, enrollment.learner_id, via, actor, reason=reason)
    return get_enrollment(enrollment_id=enrollment.id)


def _ended(row_id: UUID, status: Status) -> Via | None:
    """The row's life is over; through which partner it came."""
    row = db.fetch_one(_END, [status.value, row_id])
    assert row is not None
    return via_from(*row)
