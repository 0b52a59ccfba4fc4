"""Moving the line: who waits gets the seats that are free, or waits no longer."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from common import db, ids
from common.events import services as events
from common.events.types import Happening
from common.failpoints import failpoint
from common.outcomes import use_case
from common.types import Actor
from courses import services as courses
from enrollments import selectors
from enrollments.services.recording import event_data, partner_of, subject_of
from enrollments.types import Source, Status, via_from

PROMOTION = "waitlist_promotion"
InLine = tuple[UUID, UUID, UUID]  # a course, a row of its line, and the learner
# One transaction of a promotion or an expiry holds the course's lock for at most this many people.
_BATCH = 200

_SEAT = f"""
    UPDATE enrollments_enrollment SET status = '{Status.ACTIVE}', source = '{Source.WAITLIST}', enrolled_at = now()
    WHERE id = ANY(%s) RETURNING id, partner_id, external_id
"""
_EXPIRE = f"""
    UPDATE enrollments_enrollment SET status = '{Status.EXPIRED}', ended_at = now()
    WHERE id = ANY(%s) RETURNING id, partner_id, external_id
"""


@use_case
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


@use_case
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
    _move_head(head, course_id, "waitlist.expired", actor, _EXPIRE)
    courses.move_places(course_id=course_id, seats=0, waiting=-len(head))
    return len(head)


def free_seat(course_id: UUID, places: courses.Places, actor: Actor, now: datetime) -> bool:
    """Hand the seat that just came free to the head of the line, without its being free in between.

    Returns whether somebody got it. `places` is from before.
    """
    may_hand_over = courses.is_open(places, now=now) and places.waiting > 0
    promoted = _promote(course_id, 1 if may_hand_over else 0, actor)
    courses.move_places(course_id=course_id, seats=promoted - 1, waiting=-promoted)
    return promoted == 1


def _promote(course_id: UUID, count: int, actor: Actor) -> int:
    head = selectors.head_of_line(course_id=course_id, length=count) if count else []
    _move_head(head, course_id, "waitlist.promoted", actor, _SEAT)
    return len(head)


@db.step
def seat_rows(*, rows: Sequence[InLine], actor: Actor) -> None:
    """These who wait have a seat. The places of their courses do not know of it yet."""
    _move(rows, "waitlist.promoted", actor, _SEAT)


@db.step
def expire_rows(*, rows: Sequence[InLine], actor: Actor) -> None:
    """These who wait do so no longer. The places of their courses do not know of it yet."""
    _move(rows, "waitlist.expired", actor, _EXPIRE)


def _move_head(head: Sequence[tuple[UUID, UUID]], course_id: UUID, type: str, actor: Actor, move: str) -> None:
    _move([(course_id, *each) for each in head], type, actor, move)


def _move(rows: Sequence[InLine], type: str, actor: Actor, move: str) -> None:
    if not rows:
        return
    moved = db.fetch_all(move, [[row_id for _, row_id, _ in rows]])
    failpoint("line.half_moved")
    via = {row_id: via_from(partner_id, external_id) for row_id, partner_id, external_id in moved}
    happenings = [
        Happening(
            type=type,
            subject=subject_of(type, row_id),
            course=ids.encode(ids.COURSE, course_id),
            partner=partner_of(via[row_id]),
            data=event_data(course_id, row_id, learner_id, via[row_id]),
        )
        for course_id, row_id, learner_id in rows
    ]
    events.record_various(happenings=happenings, actor=actor)
