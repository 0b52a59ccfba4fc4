"""Fixtures that take a guard away, so that a test of a race can show what it is good for."""

from uuid import UUID

import pytest

from reviews.models import CourseSummary, Review
from reviews.services import state


@pytest.fixture
def without_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """`state.lock` looks at the review without taking it."""
    monkeypatch.setattr(state, "lock", lambda *, review_id: Review.objects.get(pk=review_id))


@pytest.fixture
def judging_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts are judged whatever others are judged at the same time."""
    monkeypatch.setattr(state, "judge_alone", lambda **_: None)


@pytest.fixture
def counting_by_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    """`state.count` reads the summary, counts, and writes what it has counted."""

    def count(*, course_id: UUID, before: int | None, after: int | None) -> None:
        row = CourseSummary.objects.get(pk=course_id)
        for stars, name in enumerate(("ones", "twos", "threes", "fours", "fives"), start=1):
            setattr(row, name, getattr(row, name) + (after == stars) - (before == stars))
        row.save()

    monkeypatch.setattr(state, "count", count)
