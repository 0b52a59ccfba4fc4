"""Fixtures that take a guard away, so that a test of a race can show what it is good for."""

from uuid import UUID

import pytest

from common import db
from reviews.models import Review
from reviews.services import state


@pytest.fixture
def without_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """`state.lock` looks at the review without taking it."""
    monkeypatch.setattr(state, "lock", lambda *, review_id: Review.objects.get(pk=review_id))


@pytest.fixture
def judging_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts are judged whatever others are judged at the same time."""
    monkeypatch.setattr(state, "alone", lambda **_: db.Part("alone", "SELECT", {}))


@pytest.fixture
def counting_by_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    """`state.counting` reads the summary, counts, and writes what it has counted."""

    def counting(*, course_id: UUID, after: int, **_: object) -> list[db.Part]:
        name = ("ones", "twos", "threes", "fours", "fives")[after - 1]
        looked = "SELECT * FROM reviews_coursesummary WHERE course_id = %(looked_course_id)s"
        write = f"UPDATE reviews_coursesummary AS summary SET {name} = looked.{name} + 1 FROM looked"
        return [db.Part("looked", looked, {"looked_course_id": course_id}), db.Part("counted", write, {})]

    monkeypatch.setattr(state, "counting", counting)
