"""How a repair of rows ends: the counters move with the rows, each item says what changed, and an event tells of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from common import db, ids
from common.events import services as events
from common.events.types import Happening
from common.ops.finding import as_state
from common.ops.types import Item, Outcome, Result, State
from common.types import Actor
from courses import services as courses
from enrollments.services.recording import event_data, partner_of, subject_of
from enrollments.types import Via, via_from

Counted = tuple[int, int]  # seats taken, and people in line

# What of a row a repair may change, and an undo brings back.
STATE_IN_SQL = """jsonb_build_object('status', row.status, 'source', row.source, 'queue_number', row.queue_number,
    'enrolled_at', row.enrolled_at, 'ended_at', row.ended_at)"""
STATE = ("status", "source", "queue_number", "enrolled_at", "ended_at")
EVENT = "enrollment.repaired"

_ROWS = f"""
    SELECT id, learner_id, partner_id, external_id, {STATE_IN_SQL}
    FROM enrollments_enrollment AS row WHERE id = ANY(%s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row as it is, and whom it is about."""

    learner_id: UUID
    via: Via | None
    state: State


@db.step
def finish(
    items: Sequence[Item], shares: Sequence[Counted], *, code: str, counted: Mapping[UUID, Counted] | None = None
) -> list[Result]:
    """The counters have moved with the rows of these items, each by its share, or are what was `counted`.

    What the count finds beyond the shares goes with the first item of the course: so all items together say all that
    has changed, and each that is taken back later takes its share with it.
    """
    before = counters(items)
    shared = _added(before, items, shares)
    after = {course_id: (max(0, seats), max(0, line)) for course_id, (seats, line) in (counted or shared).items()}
    courses.move_many_places(moves={each: _beyond(after[each], before[each]) for each in before})
    rest = {each: _beyond(after[each], shared[each]) for each in before}
    rows, results = rows_of(items), []
    for item, share in zip(items, shares, strict=True):
        at = before[course_of(item)]
        before[course_of(item)] = _plus(_plus(at, share), rest.pop(course_of(item), (0, 0)))
        results.append(
            Result(
                outcome=Outcome.DONE,
                code=code,
                before={**item.before, **_as_state(at)},
                after={**rows[key_of(item)].state, **_as_state(before[course_of(item)])},
            )
        )
    return results


@db.step
def tell_of_rows(items: Sequence[Item], results: Sequence[Result], actor: Actor) -> None:
    """Each of these rows leaves an event that it was repaired."""
    rows = rows_of(items)
    happenings = []
    for item, result in zip(items, results, strict=True):
        row = rows[key_of(item)]
        data = event_data(course_of(item), key_of(item), row.learner_id, row.via)
        changes = {"check": item.kind, "before": result.before, "after": result.after}
        happenings.append(happening(EVENT, item, {**data, **changes}, row.via))
    events.record_various(happenings=happenings, actor=actor)


@db.step
def tell_of_courses(items: Sequence[Item], actor: Actor) -> None:
    """Each of these courses leaves an event that its counters were repaired."""
    happenings = []
    for item in items:
        course = ids.encode(ids.COURSE, course_of(item))
        data = {"course_id": course, "check": item.kind, "before": item.before, "after": item.after}
        happenings.append(Happening(type=EVENT, subject=course, course=course, data=data))
    events.record_various(happenings=happenings, actor=actor)


def happening(type: str, item: Item, data: Mapping[str, Any], via: Via | None) -> Happening:
    """An event of this type about the item's row."""
    return Happening(
        type=type,
        subject=subject_of(type, key_of(item)),
        course=ids.encode(ids.COURSE, course_of(item)),
        partner=partner_of(via),
        data=data,
    )


def counters(items: Sequence[Item]) -> dict[UUID, Counted]:
    """What the places of the items' courses say."""
    places = courses.list_places(course_ids=course_ids(items))
    return {course_id: (each.seats_taken, each.waiting) for course_id, each in places.items()}


def share_of(item: Item) -> Counted:
    """How its course's counters move on the way from the item's state before to the one after."""
    return (
        item.after.get("seats_taken", 0) - item.before.get("seats_taken", 0),
        item.after.get("waiting", 0) - item.before.get("waiting", 0),
    )


def rows_of(items: Sequence[Item]) -> dict[UUID, Row]:
    """The rows that the items are about, by key."""
    return {
        row_id: Row(learner_id=learner_id, via=via_from(partner_id, external_id), state=as_state(state))
        for row_id, learner_id, partner_id, external_id, state in db.fetch_set(_ROWS, [keys(items)])
    }


def keys(items: Sequence[Item]) -> list[UUID]:
    """What the items are about."""
    return [key_of(item) for item in items]


def key_of(item: Item) -> UUID:
    """What the item is about."""
    assert item.key is not None
    return item.key


def course_ids(items: Sequence[Item]) -> list[UUID]:
    """The courses of the items, each once."""
    return list(dict.fromkeys(course_of(item) for item in items))


def course_of(item: Item) -> UUID:
    """The course of the item."""
    assert item.course_id is not None
    return item.course_id


def _added(before: Mapping[UUID, Counted], items: Sequence[Item], shares: Sequence[Counted]) -> dict[UUID, Counted]:
    sums = dict(before)
    for item, share in zip(items, shares, strict=True):
        sums[course_of(item)] = _plus(sums[course_of(item)], share)
    return sums


def _plus(one: Counted, other: Counted) -> Counted:
    return one[0] + other[0], one[1] + other[1]


def _beyond(one: Counted, other: Counted) -> Counted:
    return one[0] - other[0], one[1] - other[1]


def _as_state(counted: Counted) -> dict[str, int]:
    return {"seats_taken": counted[0], "waiting": counted[1]}
