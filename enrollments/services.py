"""The use cases of being in a course, waiting for it, and leaving."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from common import db, ids
from common.errors import DomainError, PreconditionFailed
from common.events import services as events
from common.types import Actor, Page, PageRequest
from courses import services as courses
from courses.services import CourseClosed, CourseFull, CourseNotFound
from enrollments import rules, selectors
from enrollments.errors import (
    AlreadyEnrolled,
    AlreadyWaitlisted,
    EnrollmentCompleted,
    EnrollmentNotFound,
    InvalidEnrollmentTransition,
)
from enrollments.models import Enrollment as EnrollmentRow
from enrollments.selectors import get_enrollment, get_standing
from enrollments.types import (
    ENROLLMENT,
    IN_COURSE,
    Enrolled,
    Enrollment,
    EnrollmentChanged,
    EnrollmentOfMine,
    RosterRow,
    Source,
    Standing,
    Status,
    Waitlisted,
    WaitlistEntry,
    WaitlistRow,
    Withdrawn,
)

PROMOTION = "waitlist_promotion"
# One transaction of a promotion or an expiry holds the course's lock for at most this many people.
_BATCH = 200

# -- enrolling ----------------------------------------------------------------------------------

_INSERT = f"""
    INSERT INTO enrollments_enrollment
        (id, course_id, learner_id, status, source, queue_number, joined_at, enrolled_at)
    SELECT %(row_id)s, %(row_course_id)s, %(row_learner_id)s,
        CASE WHEN queue_number IS NULL THEN '{Status.ACTIVE}' ELSE '{Status.WAITING}' END,
        %(row_source)s, queue_number, now(), CASE WHEN queue_number IS NULL THEN now() END
    FROM claimed
"""


def enroll(*, course_id: UUID, learner_id: UUID, source: Source, actor: Actor, now: datetime) -> Enrolled | Waitlisted:
    """The learner has a seat, or the last place in line; the answer says which.

    Looks without a lock, then decides and writes in the one statement that takes the course's places.

    Raises:
        CourseNotFound, CourseClosed, CourseFull: from courses.services.
        AlreadyEnrolled, AlreadyWaitlisted: the learner has a live standing in this course.
    """
    with db.refusing({"enrollment_one_live_standing": lambda: _standing_in_the_way(course_id, learner_id)}):
        _check_standing(course_id, learner_id, now)
        row_id = ids.new_uuid()
        try:
            place = courses.claim_place(
                course_id=course_id, now=now, then=_taking(row_id, course_id, learner_id, source, actor)
            )
        except CourseFull:
            # A rival request of the same learner may have taken the last seat since the first look.
            _check_standing(course_id, learner_id, now)
            raise
        return _admitted(place, row_id, course_id, learner_id, source)


def _check_standing(course_id: UUID, learner_id: UUID, now: datetime) -> None:
    standing = selectors.find_standing(course_id=course_id, learner_id=learner_id)
    if standing is None:
        return
    # That the course is closed comes before what the learner already has.
    courses.check_open(courses.get_places(course_id=course_id), now=now)
    rules.check_may_enroll(standing_id=standing[0], status=standing[1])


def _standing_in_the_way(course_id: UUID, learner_id: UUID) -> DomainError:
    """The refusal for a learner whose row stood in the way a moment ago, even if it has ended since."""
    standing = selectors.find_standing(course_id=course_id, learner_id=learner_id)
    row_id, status = standing or selectors.find_newest(course_id=course_id, learner_id=learner_id)
    return AlreadyEnrolled(row_id) if status in ENROLLMENT else AlreadyWaitlisted(row_id)


def _taking(row_id: UUID, course_id: UUID, learner_id: UUID, source: Source, actor: Actor) -> list[db.Part]:
    """The row and the event of whoever gets a seat or a place in line, as parts of the statement that decides."""
    values = {
        "row_id": row_id,
        "row_course_id": course_id,
        "row_learner_id": learner_id,
        "row_source": source.value,
    }
    seated = _event("enrollment.created", course_id, row_id, learner_id, actor, source=source.value)
    queued = _event("waitlist.joined", course_id, row_id, learner_id, actor, source=source.value)
    return [
        db.Part("row", _INSERT, values),
        events.recording("seated", **seated, source="claimed WHERE queue_number IS NULL"),
        events.recording(
            "queued",
            **queued,
            source="claimed WHERE queue_number IS NOT NULL",
            more="jsonb_build_object('position', position)",
        ),
    ]


def _admitted(
    place: courses.Seat | courses.PlaceInLine, row_id: UUID, course_id: UUID, learner_id: UUID, source: Source
) -> Enrolled | Waitlisted:
    if isinstance(place, courses.Seat):
        return Enrolled(
            enrollment=Enrollment(
                id=row_id,
                course_id=course_id,
                learner_id=learner_id,
                status=Status.ACTIVE,
                source=source,
                enrolled_at=place.claimed_at,
                ended_at=None,
            )
        )
    return Waitlisted(
        waitlist_entry=WaitlistEntry(
            id=row_id,
            course_id=course_id,
            learner_id=learner_id,
            status=Status.WAITING.value,
            position=place.position,
            joined_at=place.claimed_at,
        )
    )


# -- leaving, completing, revoking ---------------------------------------------------------------


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
    try:
        places = courses.lock_places(course_id=course_id)
    except CourseNotFound:
        raise EnrollmentNotFound("You are neither enrolled in this course nor in line for it.") from None
    standing = get_standing(course_id=course_id, learner_id=learner_id)
    if expected_version is not None and standing.version != expected_version:
        raise PreconditionFailed
    left = rules.state_after_withdrawing(standing_id=standing.id, status=standing.status)
    EnrollmentRow.objects.filter(pk=standing.id).update(status=left, ended_at=Now())
    if left is Status.LEFT:
        courses.move_places(course_id=course_id, seats=0, waiting=-1)
        _record("waitlist.left", course_id, standing.id, learner_id, actor)
        return Withdrawn(outcome="left_waitlist")
    _record("enrollment.withdrawn", course_id, standing.id, learner_id, actor)
    _free_seat(course_id, places, actor, now)
    return Withdrawn(outcome="withdrawn")


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


@transaction.atomic
def revoke(*, enrollment_id: UUID, reason: str, actor: Actor, now: datetime) -> EnrollmentChanged:
    """The learner is out of the course. The freed seat has gone to the head of the line.

    Raises:
        EnrollmentNotFound: there is no such enrollment.
        InvalidEnrollmentTransition: it is not active.
    """
    enrollment, places = _locked(enrollment_id)
    changed = _end(enrollment, Status.REVOKED, reason, actor)
    promoted = _free_seat(enrollment.course_id, places, actor, now)
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
    EnrollmentRow.objects.filter(pk=enrollment.id).update(status=wanted, ended_at=Now())
    type = f"enrollment.{wanted}"
    _record(type, enrollment.course_id, enrollment.id, enrollment.learner_id, actor, reason=reason)
    return get_enrollment(enrollment_id=enrollment.id)


# -- moving the line -----------------------------------------------------------------------------


def promote_waitlist(*, course_id: UUID, actor: Actor, now: datetime) -> int:
    """Nobody waits for a free seat of this course while it is open. Returns how many got one. Safe to repeat.

    Works in short transactions, so that a long line does not keep newcomers from the course.
    """
    total = 0
    while promoted := _promote_batch(course_id=course_id, actor=actor, now=now):
        total += promoted
    return total


@transaction.atomic
def _promote_batch(*, course_id: UUID, actor: Actor, now: datetime) -> int:
    places = courses.lock_places(course_id=course_id)
    count = min(courses.seats_to_hand_over(places, now=now), _BATCH)
    promoted = _promote(course_id, count, actor)
    if promoted:
        courses.move_places(course_id=course_id, seats=promoted, waiting=-promoted)
    return promoted


def expire_waitlist(*, course_id: UUID, actor: Actor) -> int:
    """Nobody waits for this course any longer if it is archived. Returns how many did. Safe to repeat."""
    total = 0
    while expired := _expire_batch(course_id=course_id, actor=actor):
        total += expired
    return total


@transaction.atomic
def _expire_batch(*, course_id: UUID, actor: Actor) -> int:
    if courses.lock_places(course_id=course_id).status is not courses.CourseStatus.ARCHIVED:
        return 0
    head = selectors.head_of_line(course_id=course_id, length=_BATCH)
    _move_head(head, course_id, "waitlist.expired", actor, status=Status.EXPIRED, ended_at=Now())
    courses.move_places(course_id=course_id, seats=0, waiting=-len(head))
    return len(head)


def _free_seat(course_id: UUID, places: courses.Places, actor: Actor, now: datetime) -> bool:
    """Hand the seat that just came free to the head of the line, without its being free in between.

    Returns whether somebody got it. `places` is from before.
    """
    may_hand_over = courses.is_open(places, now=now) and places.waiting > 0
    promoted = _promote(course_id, 1 if may_hand_over else 0, actor)
    courses.move_places(course_id=course_id, seats=promoted - 1, waiting=-promoted)
    return promoted == 1


def _promote(course_id: UUID, count: int, actor: Actor) -> int:
    head = selectors.head_of_line(course_id=course_id, length=count) if count else []
    fields = {"status": Status.ACTIVE, "source": Source.WAITLIST, "enrolled_at": Now()}
    _move_head(head, course_id, "waitlist.promoted", actor, **fields)
    return len(head)


def _move_head(head: Sequence[tuple[UUID, UUID]], course_id: UUID, type: str, actor: Actor, **fields: Any) -> None:
    if not head:
        return
    EnrollmentRow.objects.filter(pk__in=[row_id for row_id, _ in head]).update(**fields)
    rows = [
        (ids.encode(ids.WAITLIST_ENTRY, row_id), _event_data(course_id, row_id, learner_id))
        for row_id, learner_id in head
    ]
    events.record_many(type=type, course=ids.encode(ids.COURSE, course_id), rows=rows, actor=actor)


# -- reading -------------------------------------------------------------------------------------


def list_enrollments_of_learner(
    *, learner_id: UUID, status: Status | None, page: PageRequest
) -> Page[EnrollmentOfMine]:
    """The learner's enrollments over all courses, newest first, with the courses' names."""
    found = selectors.list_of_learner(learner_id=learner_id, status=status, page=page)
    labels = courses.get_labels(course_ids=[row.course_id for row in found.rows])
    rows = [EnrollmentOfMine(enrollment=row, course=labels[row.course_id]) for row in found.rows]
    return Page(rows=rows, next_after=found.next_after, has_more=found.has_more)


def list_roster(*, course_id: UUID, status: Status | None, page: PageRequest) -> Page[RosterRow]:
    """The course's enrollments with their learners, newest first.

    Raises:
        CourseNotFound: there is no such course.
    """
    courses.get_places(course_id=course_id)
    return selectors.list_roster(course_id=course_id, status=status, page=page)


def list_waitlist(*, course_id: UUID, page: PageRequest) -> Page[WaitlistRow]:
    """Who waits for the course, in queue order.

    Raises:
        CourseNotFound: there is no such course.
    """
    courses.get_places(course_id=course_id)
    return selectors.list_waitlist(course_id=course_id, page=page)


def has_been_admitted(*, course_id: UUID, learner_id: UUID) -> bool:
    """Whether the learner has an active or completed enrollment in the course."""
    standing = selectors.find_standing(course_id=course_id, learner_id=learner_id)
    return standing is not None and standing[1] in IN_COURSE


def courses_to_promote_in(*, now: datetime) -> list[UUID]:
    """Open courses in which people wait although a seat is free."""
    return courses.find_courses_with_idle_seats(now=now)


# -- events --------------------------------------------------------------------------------------


def _record(type: str, course_id: UUID, row_id: UUID, learner_id: UUID, actor: Actor, **data: Any) -> None:
    events.record(**_event(type, course_id, row_id, learner_id, actor, **data))


def _event(type: str, course_id: UUID, row_id: UUID, learner_id: UUID, actor: Actor, **data: Any) -> dict[str, Any]:
    prefix = ids.WAITLIST_ENTRY if type.startswith("waitlist.") else ids.ENROLLMENT
    return {
        "type": type,
        "subject": ids.encode(prefix, row_id),
        "course": ids.encode(ids.COURSE, course_id),
        "data": {**_event_data(course_id, row_id, learner_id), **data},
        "actor": actor,
    }


def _event_data(course_id: UUID, row_id: UUID, learner_id: UUID) -> dict[str, Any]:
    return {
        "course_id": ids.encode(ids.COURSE, course_id),
        "learner_id": ids.encode(ids.USER, learner_id),
        "enrollment_id": ids.encode(ids.ENROLLMENT, row_id),
    }


__all__ = [
    "AlreadyEnrolled",
    "AlreadyWaitlisted",
    "CourseClosed",
    "CourseFull",
    "CourseNotFound",
    "Enrolled",
    "Enrollment",
    "EnrollmentChanged",
    "EnrollmentCompleted",
    "EnrollmentNotFound",
    "EnrollmentOfMine",
    "InvalidEnrollmentTransition",
    "RosterRow",
    "Source",
    "Standing",
    "Status",
    "WaitlistEntry",
    "WaitlistRow",
    "Waitlisted",
    "Withdrawn",
    "complete",
    "courses_to_promote_in",
    "enroll",
    "expire_waitlist",
    "get_enrollment",
    "get_standing",
    "has_been_admitted",
    "list_enrollments_of_learner",
    "list_roster",
    "list_waitlist",
    "promote_waitlist",
    "revoke",
    "withdraw",
]
