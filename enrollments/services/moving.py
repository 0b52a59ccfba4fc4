"""Moving a learner from one course to another, and back into a standing that has ended."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from common import db
from common.errors import PreconditionFailed
from common.outcomes import use_case
from common.types import Actor
from courses import services as courses
from courses.services import CourseNotFound
from enrollments import rules, selectors
from enrollments.errors import EnrollmentNotFound, SeatGone, SeatWouldBeLost
from enrollments.services.enrolling import enroll
from enrollments.services.leaving import leave
from enrollments.services.recording import record
from enrollments.types import Enrolled, Source, Status, Waitlisted, version_of

_REVIVE = "UPDATE enrollments_enrollment SET status = %s, ended_at = NULL WHERE id = %s"


@use_case
@transaction.atomic
def transfer(
    *, learner_id: UUID, from_course_id: UUID, to_course_id: UUID, expected_version: str, actor: Actor, now: datetime
) -> Enrolled | Waitlisted:
    """The learner has left the one course and is in the other, or in its line. All of it or nothing.

    Who has a seat gets a seat; who waits gets what a newcomer gets. The seat that comes free goes to the head of the
    line of the course that was left.

    Raises:
        CourseNotFound, CourseClosed, CourseFull, AlreadyEnrolled, AlreadyWaitlisted: of the course to go to.
        SeatWouldBeLost: it has only a place in line to give to who has a seat.
        EnrollmentNotFound: the learner neither is in the course to leave nor waits for it.
        EnrollmentCompleted: a completed enrollment keeps its seat.
        PreconditionFailed: the standing there is no longer at `expected_version`.
    """
    places = courses.lock_many_places(course_ids=[from_course_id, to_course_id])
    if to_course_id not in places:
        raise CourseNotFound
    standing = selectors.find_standing(course_id=from_course_id, learner_id=learner_id)
    if standing is None:
        raise EnrollmentNotFound("The learner neither is in the course to leave nor waits for it.")
    row_id, status = standing
    if version_of(standing_id=row_id, status=status) != expected_version:
        raise PreconditionFailed
    rules.state_after_withdrawing(standing_id=row_id, status=status)
    entered = enroll(
        course_id=to_course_id,
        learner_id=learner_id,
        source=Source.STAFF,
        via=selectors.get_row(row_id=row_id).via,
        actor=actor,
        now=now,
    )
    if status is Status.ACTIVE and isinstance(entered, Waitlisted):
        raise SeatWouldBeLost
    leave(row_id, status, from_course_id, learner_id, places[from_course_id], actor, now)
    return entered


@use_case
@transaction.atomic
def rejoin(*, row_id: UUID, from_status: Status, to_status: Status, actor: Actor, now: datetime) -> None:
    """What has ended lives again: the seat, if one is free and nobody waits for it, or the old place in line.

    Raises:
        EnrollmentNotFound: there is no such row.
        PreconditionFailed: it is not in `from_status`.
        CourseClosed, AlreadyEnrolled, AlreadyWaitlisted: as for who enrolls.
        SeatGone: no seat is free, or others wait for it.
    """
    row = selectors.get_row(row_id=row_id)
    _revive(row_id, courses.lock_places(course_id=row.course_id), from_status, to_status, actor, now)


@use_case
@transaction.atomic
def go_back(
    *,
    row_id: UUID,
    from_status: Status,
    to_status: Status,
    leaving_id: UUID,
    leaving_status: Status,
    actor: Actor,
    now: datetime,
) -> None:
    """As `rejoin`, and the learner has left the other row, in another course. All of it or nothing.

    Raises:
        PreconditionFailed: one of the rows is not in the status that is given for it.
        EnrollmentNotFound, EnrollmentCompleted, CourseClosed, AlreadyEnrolled, AlreadyWaitlisted, SeatGone: as there.
    """
    row, leaving = selectors.get_row(row_id=row_id), selectors.get_row(row_id=leaving_id)
    places = courses.lock_many_places(course_ids=[row.course_id, leaving.course_id])
    if selectors.get_row(row_id=leaving_id).status is not leaving_status:
        raise PreconditionFailed
    _revive(row_id, places[row.course_id], from_status, to_status, actor, now)
    leave(leaving_id, leaving_status, leaving.course_id, leaving.learner_id, places[leaving.course_id], actor, now)


@db.step
def _revive(
    row_id: UUID, places: courses.Places, from_status: Status, to_status: Status, actor: Actor, now: datetime
) -> None:
    """The row lives again, under the lock of its course, whose `places` are from before."""
    row = selectors.get_row(row_id=row_id)
    if row.status is not from_status:
        raise PreconditionFailed
    courses.check_open(places, now=now)
    standing = selectors.find_standing(course_id=row.course_id, learner_id=row.learner_id)
    if standing is not None:
        rules.check_may_enroll(standing_id=standing[0], status=standing[1])
    has_seat = places.capacity is None or places.seats_taken < places.capacity
    if to_status is not Status.WAITING and (places.waiting or not has_seat):
        raise SeatGone
    db.execute(_REVIVE, [to_status.value, row_id])
    is_seat = to_status is not Status.WAITING
    courses.move_places(course_id=row.course_id, seats=int(is_seat), waiting=int(not is_seat))
    change = {"before": {"status": from_status.value}, "after": {"status": to_status.value}}
    record("enrollment.repaired", row.course_id, row_id, row.learner_id, row.via, actor, **change)
