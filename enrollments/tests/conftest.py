"""Fixtures that take a lock away, so that a test of a race can show what it is good for."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import pytest

from common import db
from enrollments.services import CourseFull
from enrollments.services.enrolling import courses


@pytest.fixture
def without_lock(monkeypatch: pytest.MonkeyPatch, any_lock_order: None) -> None:
    """`lock_places` looks at the places without taking them."""
    monkeypatch.setattr(courses, "lock_places", courses.get_places)


@pytest.fixture
def looking_before_claiming(monkeypatch: pytest.MonkeyPatch, any_lock_order: None) -> None:
    """`claim_place` looks, decides, and then writes what it had counted."""

    def claim_place(*, course_id: UUID, now: datetime, unless: db.Part, then: Sequence[db.Part]) -> courses.Seat:
        places = courses.get_places(course_id=course_id)
        if places.capacity is None or places.seats_taken >= places.capacity:
            raise CourseFull(places.seats_taken)
        courses.CoursePlaces.objects.filter(pk=course_id).update(seats_taken=places.seats_taken + 1)
        parts = "".join(f", {part.name} AS ({part.sql})" for part in then)
        values = {name: value for part in then for name, value in part.values.items()}
        claimed = "SELECT NULL::integer AS position, NULL::bigint AS queue_number"
        db.execute(f"WITH claimed AS ({claimed}){parts} SELECT FROM claimed", values)
        return courses.Seat(claimed_at=now)

    monkeypatch.setattr(courses, "claim_place", claim_place)
