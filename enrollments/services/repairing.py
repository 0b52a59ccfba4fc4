"""Mending rows and counters that contradict each other, and taking such repairs back: the services of the checks.

Each is a step of a repair's transaction, in which the courses are locked (`lock_courses`) and the items were found anew
since. Each item that was mended leaves an event, and answers with its state before and after.
"""

import json
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from uuid import UUID

from common import db
from common.events import services as events
from common.events.types import Happening
from common.ops.types import Item, Outcome, Result, State
from common.types import Actor
from courses import services as courses
from enrollments.services.line import InLine, expire_rows, seat_rows
from enrollments.services.recording import event_data
from enrollments.services.repaired import (
    STATE,
    STATE_IN_SQL,
    Counted,
    Row,
    course_ids,
    course_of,
    finish,
    happening,
    key_of,
    keys,
    rows_of,
    share_of,
    tell_of_courses,
    tell_of_rows,
)
from enrollments.types import IN_COURSE

_END_SURPLUS = """
    UPDATE enrollments_enrollment
    SET status = CASE status WHEN 'waiting' THEN 'left' ELSE 'revoked' END, ended_at = now() WHERE id = ANY(%s)
"""
_TO_THE_HEAD = """
    UPDATE enrollments_enrollment AS row
    SET status = 'waiting', queue_number = moved.number, enrolled_at = NULL, ended_at = NULL
    FROM unnest(%s::uuid[], %s::bigint[]) AS moved(id, number) WHERE row.id = moved.id
"""
# Those who once waited keep their numbers, so these are taken as well.
_LOWEST_NUMBERS = """
    SELECT course_id, least(min(queue_number), 1)
    FROM enrollments_enrollment WHERE course_id = ANY(%s) GROUP BY course_id
"""
_COUNT = """
    SELECT course_id, count(*) FILTER (WHERE status IN ('active', 'completed')),
        count(*) FILTER (WHERE status = 'waiting')
    FROM enrollments_enrollment WHERE course_id = ANY(%s) GROUP BY course_id
"""
_RESTORE = f"""
    UPDATE enrollments_enrollment AS row
    SET status = after->>'status', source = after->>'source', queue_number = (after->>'queue_number')::bigint,
        enrolled_at = (after->>'enrolled_at')::timestamptz, ended_at = (after->>'ended_at')::timestamptz
    FROM (
        SELECT id, before::jsonb, after::jsonb FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS t(id, before, after)
    ) AS wanted
    WHERE row.id = wanted.id AND {STATE_IN_SQL} = wanted.before
    RETURNING row.id
"""
# The life of a row, in the events that tell of it.
_STORY = (
    "enrollment.created",
    "waitlist.joined",
    "waitlist.promoted",
    "enrollment.completed",
    "enrollment.withdrawn",
    "enrollment.revoked",
    "waitlist.left",
    "waitlist.expired",
)

_NO_SEAT, _PLACE_IN_LINE, _NO_PLACE_IN_LINE, _SEAT_FOR_A_PLACE = (-1, 0), (0, 1), (0, -1), (1, -1)
_TOUCHED = Result(
    outcome=Outcome.CHANGED, code="changed_since", detail="It has changed since the run, so it was left as it is."
)
_RECOUNTED = Result(outcome=Outcome.DONE, code="recounted")
_TOLD = Result(outcome=Outcome.DONE, code="recorded")
_COUNTERS_DIFFER = Result(
    outcome=Outcome.REFUSED,
    code="counters_differ",
    detail="The counters of the course contradict its rows: repair seat-counters first.",
)


@db.step
def lock_courses(*, course_ids: Collection[UUID]) -> None:
    """Nobody else changes places or rows of these courses until the transaction ends."""
    courses.lock_many_places(course_ids=course_ids)


@db.step
def replace_counters(*, items: Sequence[Item], actor: Actor) -> list[Result]:
    """Where the counters of the items' courses are as before, they are as after; elsewhere they have moved since."""
    changes = {course_of(item): (courses.Counters(**item.before), courses.Counters(**item.after)) for item in items}
    replaced = courses.replace_counters(changes=changes)
    tell_of_courses([item for item in items if item.course_id in replaced], actor)
    return [_RECOUNTED if item.course_id in replaced else _TOUCHED for item in items]


@db.step
def end_surplus_standings(*, items: Sequence[Item], actor: Actor) -> list[Result]:
    """These rows are over: places in line are left, seats revoked. Their learners keep the standing beside them."""
    db.execute_set(_END_SURPLUS, [keys(items)])
    shares = [_NO_SEAT if item.before["status"] in IN_COURSE else _NO_PLACE_IN_LINE for item in items]
    results = finish(items, shares, code="ended", counted=_recount(items))
    tell_of_rows(items, results, actor)
    return results


@db.step
def move_to_waitlist(*, items: Sequence[Item], actor: Actor) -> list[Result]:
    """These rows, given the last to come first, are at the head of their lines: who came first stands in front."""
    lowest = dict(db.fetch_set(_LOWEST_NUMBERS, [course_ids(items)]))
    numbers = []
    for item in items:
        lowest[item.course_id] -= 1
        numbers.append(lowest[item.course_id])
    db.execute_set(_TO_THE_HEAD, [keys(items), numbers])
    # Of more seats than there are the counter knows nothing, so it does not move with them.
    results = finish(items, [_PLACE_IN_LINE] * len(items), code="moved_to_waitlist", counted=_recount(items))
    tell_of_rows(items, results, actor)
    return results


@db.step
def expire_waiting(*, items: Sequence[Item], actor: Actor) -> list[Result]:
    """These rows of archived courses wait no longer."""
    expire_rows(rows=_in_line(items), actor=actor)
    return finish(items, [_NO_PLACE_IN_LINE] * len(items), code="expired")


@db.step
def seat_waiting(*, items: Sequence[Item], actor: Actor) -> list[Result]:
    """These rows, the heads of their lines, have the seats that are free.

    They are refused if the counters of their course do not know of those seats or of that line.
    """
    places = courses.list_places(course_ids=course_ids(items))
    seated = set()
    for course_id, count in Counter(course_of(item) for item in items).items():
        each = places[course_id]
        free = count if each.capacity is None else each.capacity - each.seats_taken
        if count <= min(free, each.waiting):
            seated.add(course_id)
    done = [item for item in items if item.course_id in seated]
    seat_rows(rows=_in_line(done), actor=actor)
    results = iter(finish(done, [_SEAT_FOR_A_PLACE] * len(done), code="promoted"))
    return [next(results) if item.course_id in seated else _COUNTERS_DIFFER for item in items]


@db.step
def record_missing_events(*, items: Sequence[Item], actor: Actor) -> list[Result]:
    """The log has the events that these rows lack, each with the time at which it should have been there."""
    rows = rows_of(items)
    happenings = [each for item in items for each in _missing(item, rows[key_of(item)])]
    events.record_various(happenings=happenings, actor=actor)
    return [_TOLD for _ in items]


def _missing(item: Item, row: Row) -> list[Happening]:
    missing = item.after["missing"]
    data = {**event_data(course_of(item), key_of(item), row.learner_id, row.via), "source": row.state["source"]}
    return [
        happening(type, item, {**data, "happened_at": _as_contract(missing[type])}, row.via)
        for type in sorted(missing, key=_STORY.index)
    ]


@db.step
def restore_rows(*, items: Sequence[Item], actor: Actor) -> list[Result]:
    """These rows are again as they were, and the counters of their courses have moved back with them.

    Rows that have been touched since stay as they are.
    """
    befores, afters = [_of_row(item.before) for item in items], [_of_row(item.after) for item in items]
    restored = {row_id for (row_id,) in db.fetch_set(_RESTORE, [keys(items), befores, afters])}
    done = [item for item in items if item.key in restored]
    results = finish(done, [share_of(item) for item in done], code="restored")
    tell_of_rows(done, results, actor)
    answers = iter(results)
    return [next(answers) if item.key in restored else _TOUCHED for item in items]


def _as_contract(time: str) -> str:
    """A time as PostgreSQL writes it into JSON, in the form of the API: in UTC, with `Z`."""
    return datetime.fromisoformat(time).astimezone(UTC).isoformat().replace("+00:00", "Z")


def _recount(items: Sequence[Item]) -> dict[UUID, Counted]:
    """What the counters of the items' courses should say: of more seats than there are, that all are taken."""
    places = courses.list_places(course_ids=course_ids(items))
    found = {course_id: (seats, line) for course_id, seats, line in db.fetch_set(_COUNT, [list(places)])}
    return {
        course_id: (seats if each.capacity is None else min(seats, each.capacity), line)
        for course_id, each in places.items()
        for seats, line in [found.get(course_id, (0, 0))]
    }


def _in_line(items: Sequence[Item]) -> list[InLine]:
    rows = rows_of(items)
    return [(course_of(item), key_of(item), rows[key_of(item)].learner_id) for item in items]


def _of_row(state: State) -> str:
    return json.dumps({name: state.get(name) for name in STATE})
