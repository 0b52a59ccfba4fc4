"""Defects that the chaos run must find: planted in a running service from outside, to prove that the checker sees."""

import time
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from benchmarks.chaos.plugin import DEFECT_FAILPOINT
from common import db, idempotency
from common.failpoints import failpoint
from courses import rules
from courses import services as courses

# Between a look at the seats and the decision: long enough for a rival to look as well.
_THINK_SECONDS = 0.1

_TAKE_SEAT = """
    WITH claimed AS (
        UPDATE courses_courseplaces SET seats_taken = %(seats)s WHERE course_id = %(course_id)s
        RETURNING NULL::bigint AS position, NULL::bigint AS queue_number
    ){parts} SELECT now() FROM claimed
"""
_TELL_LATE = """
    WITH claimed AS (
        SELECT %(position)s::bigint AS position, %(queue_number)s::bigint AS queue_number
    ){parts} SELECT 1
"""


def plant(name: str) -> None:
    """The service has this defect from now on."""
    _DEFECTS[name]()


def _read_then_write() -> None:
    """A seat is given by what was read before, without a lock."""
    sound = courses.claim_place

    def claim_place(
        *, course_id: UUID, now: datetime, unless: db.Part, then: Sequence[db.Part]
    ) -> courses.Seat | courses.PlaceInLine:
        places = courses.get_places(course_id=course_id)
        has_seat = places.waiting == 0 and (places.capacity is None or places.seats_taken < places.capacity)
        if not has_seat or not rules.is_open(places, now=now):
            return sound(course_id=course_id, now=now, unless=unless, then=then)
        time.sleep(_THINK_SECONDS)
        values = {"course_id": course_id, "seats": places.seats_taken + 1}
        row = db.fetch_one(_TAKE_SEAT.format(parts=_parts(then)), {**values, **_values(then)})
        assert row is not None
        return courses.Seat(claimed_at=row[0])

    courses.claim_place = claim_place


def _event_after_commit() -> None:
    """The event of an enrollment is written when its row has been committed."""
    sound = courses.claim_place

    def claim_place(
        *, course_id: UUID, now: datetime, unless: db.Part, then: Sequence[db.Part]
    ) -> courses.Seat | courses.PlaceInLine:
        row, *events = then
        place = sound(course_id=course_id, now=now, unless=unless, then=[row])
        numbers = {"position": getattr(place, "position", None), "queue_number": getattr(place, "number", None)}

        def record() -> None:
            failpoint(DEFECT_FAILPOINT)
            db.fetch_one(_TELL_LATE.format(parts=_parts(events)), {**numbers, **_values(events)})

        transaction.on_commit(record)
        return place

    courses.claim_place = claim_place


def _no_row() -> None:
    """The answer under a key is not kept."""
    idempotency._keep = lambda *_: None


def _parts(parts: Sequence[db.Part]) -> str:
    return "".join(f", {part.name} AS ({part.sql})" for part in parts)


def _values(parts: Sequence[db.Part]) -> dict[str, object]:
    return {name: value for part in parts for name, value in part.values.items()}


_DEFECTS = {
    "read_then_write": _read_then_write,
    "event_after_commit": _event_after_commit,
    "no_idempotency_row": _no_row,
}
