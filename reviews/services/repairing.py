"""Counting a course's summary anew, and taking such a repair back: the services of the check `review-summaries`.

Each is a step of a repair's transaction, in which the summaries are locked. Whoever publishes a review changes its row
before the summary: so what a count under the lock does not see yet, its author will still add.
"""

from collections.abc import Collection, Sequence
from decimal import Decimal
from uuid import UUID

from common import db, ids
from common.events import services as events
from common.events.types import Happening
from common.ops.types import Item, Outcome, Result, State
from common.types import Actor
from courses import services as courses

_COUNTS = ("ones", "twos", "threes", "fours", "fives")

# Where there is none yet, one without reviews means the same, and can be locked.
_MAKE = """
    INSERT INTO reviews_coursesummary (course_id, ones, twos, threes, fours, fives)
    SELECT course_id, 0, 0, 0, 0, 0 FROM unnest(%s::uuid[]) AS course(course_id) ORDER BY 1 ON CONFLICT DO NOTHING
"""
_LOCK = "SELECT course_id FROM reviews_coursesummary WHERE course_id = ANY(%s) ORDER BY course_id FOR NO KEY UPDATE"
_REPLACE = """
    UPDATE reviews_coursesummary SET ones = new_1, twos = new_2, threes = new_3, fours = new_4, fives = new_5
    FROM unnest(%s::uuid[], %s::int[], %s::int[], %s::int[], %s::int[], %s::int[],
        %s::int[], %s::int[], %s::int[], %s::int[], %s::int[])
        AS change(id, old_1, old_2, old_3, old_4, old_5, new_1, new_2, new_3, new_4, new_5)
    WHERE course_id = id AND (ones, twos, threes, fours, fives) = (old_1, old_2, old_3, old_4, old_5)
    RETURNING course_id
"""
_DONE = Result(outcome=Outcome.DONE, code="recounted")
_TOUCHED = Result(
    outcome=Outcome.CHANGED, code="changed_since", detail="It has changed since the run, so it was left as it is."
)


@db.step
def lock_summaries(*, course_ids: Collection[UUID]) -> None:
    """Each of these courses has a summary, and nobody else changes it until the transaction ends."""
    wanted = list(course_ids)
    db.execute_set(_MAKE, [wanted])
    db.execute_set(_LOCK, [wanted])


@db.step
def replace_summaries(*, items: Sequence[Item], actor: Actor) -> list[Result]:
    """Where the summaries of the items' courses are as before, they are as after, and the catalogue's ratings too."""
    columns = zip(*(_counts(item.before) + _counts(item.after) for item in items), strict=True)
    replaced = {course for (course,) in db.fetch_set(_REPLACE, [[item.key for item in items], *map(list, columns)])}
    done = [item for item in items if item.key in replaced]
    for item in done:
        average = item.after["rating_average"]
        courses.record_rating(
            course_id=_course_of(item),
            average=None if average is None else Decimal(str(average)),
            count=item.after["rating_count"],
        )
    events.record_various(happenings=[_happening(item) for item in done], actor=actor)
    return [_DONE if item.key in replaced else _TOUCHED for item in items]


def _counts(state: State) -> tuple[int, ...]:
    return tuple(state[name] for name in _COUNTS)


def _happening(item: Item) -> Happening:
    course = ids.encode(ids.COURSE, _course_of(item))
    data = {"course_id": course, "check": item.kind, "before": item.before, "after": item.after}
    return Happening(type="enrollment.repaired", subject=course, course=course, data=data)


def _course_of(item: Item) -> UUID:
    assert item.course_id is not None
    return item.course_id
