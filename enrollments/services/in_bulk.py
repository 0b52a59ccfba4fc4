"""Enrolling many at once in one course: the rules, the claim and the events of `enroll`, in a set."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from common import db, ids
from common.errors import DomainError
from common.events import services as events
from common.events.types import Occurrence
from common.types import Actor
from courses import services as courses
from courses.services import CourseFull
from enrollments import rules, selectors
from enrollments.services.enrolling import INSERT_MANY
from enrollments.services.recording import event_data, partner_of, subject_of
from enrollments.types import Source, Status, Via


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """What somebody got: a seat, or the place in line with this `position`."""

    row_id: UUID
    learner_id: UUID
    via: Via
    number: int | None
    position: int | None


@db.step
def enroll_many(
    *, course_id: UUID, newcomers: Sequence[tuple[UUID, Via]], source: Source, actor: Actor, now: datetime
) -> list[Admitted | DomainError]:
    """What enrolling each of these learners comes to, as if one came after the other. They are different people.

    Takes the course's places first, so that what it then finds stays true until the commit.

    Raises:
        CourseNotFound, CourseClosed: from courses.services; it is so for all of them.
    """
    places = courses.lock_places(course_id=course_id)
    courses.check_open(places, now=now)
    standings = selectors.find_standings(course_id=course_id, learner_ids=[learner_id for learner_id, _ in newcomers])
    outcomes: list[Admitted | DomainError | None] = [_refusal(standings.get(learner_id)) for learner_id, _ in newcomers]
    free = [index for index, outcome in enumerate(outcomes) if outcome is None]
    if free:
        claimed = courses.claim_places(course_id=course_id, before=places, count=len(free), now=now)
        for place, index in enumerate(free):
            learner_id, via = newcomers[index]
            outcomes[index] = _place(claimed, place, learner_id, via)
        _write([one for one in outcomes if isinstance(one, Admitted)], course_id, source, actor)
    return [outcome for outcome in outcomes if outcome is not None]


def _refusal(standing: tuple[UUID, Status] | None) -> DomainError | None:
    if standing is None:
        return None
    try:
        rules.check_may_enroll(standing_id=standing[0], status=standing[1])
    except DomainError as refusal:
        return refusal
    return None


def _place(claimed: courses.ClaimedPlaces, place: int, learner_id: UUID, via: Via) -> Admitted | DomainError:
    """What the newcomer number `place`, counted from 0, got of what was claimed for all of them."""
    in_line = place - claimed.seats
    if in_line >= claimed.in_line:
        return CourseFull(claimed.seats_taken)
    behind = claimed.in_line - 1 - in_line
    return Admitted(
        row_id=ids.new_uuid(),
        learner_id=learner_id,
        via=via,
        number=claimed.last_number - behind if in_line >= 0 else None,
        position=claimed.last_position - behind if in_line >= 0 else None,
    )


def _write(admitted: Sequence[Admitted], course_id: UUID, source: Source, actor: Actor) -> None:
    if not admitted:
        return
    values = {
        "row_course_id": course_id,
        "row_source": source.value,
        "row_partner_id": admitted[0].via.partner_id,
        "row_ids": [one.row_id for one in admitted],
        "learner_ids": [one.learner_id for one in admitted],
        "external_ids": [one.via.external_id for one in admitted],
        "queue_numbers": [one.number for one in admitted],
    }
    with db.together():
        db.execute(INSERT_MANY, values)
        _record("enrollment.created", [one for one in admitted if one.position is None], course_id, source, actor)
        _record("waitlist.joined", [one for one in admitted if one.position is not None], course_id, source, actor)


def _record(type: str, admitted: Sequence[Admitted], course_id: UUID, source: Source, actor: Actor) -> None:
    if not admitted:
        return
    rows = []
    for one in admitted:
        data = {**event_data(course_id, one.row_id, one.learner_id, one.via), "source": source.value}
        if one.position is not None:
            data["position"] = one.position
        rows.append(Occurrence(subject=subject_of(type, one.row_id), partner=partner_of(one.via), data=data))
    events.record_many(type=type, course=ids.encode(ids.COURSE, course_id), rows=rows, actor=actor)
