"""The rating in the catalogue, calculated where it is stored, is the one that the rules calculate."""

from decimal import Decimal
from uuid import UUID

import pytest
from django.db import transaction

from common import db
from courses.tests.factories import an_open_course
from reviews import rules
from reviews import services as reviews
from reviews.models import CourseSummary
from reviews.services import state

pytestmark = pytest.mark.django_db
NAMES = ("ones", "twos", "threes", "fours", "fives")


def rating_shown(course_id: UUID) -> tuple[Decimal | None, int]:
    """What the catalogue says of the course."""
    sql = f"SELECT rating_average, rating_count FROM {reviews.RATINGS_IN_SQL} AS rating WHERE course_id = %s"
    average, count = db.fetch_all(sql, [course_id])[0]
    return average, count


class TestCount:
    @pytest.mark.parametrize(
        "counts",
        [(0, 0, 0, 0, 1), (1, 0, 0, 0, 2), (0, 0, 0, 7, 1), (7, 1, 0, 0, 0), (3, 3, 0, 0, 2), (999, 1, 1, 1, 998)],
    )
    def test_rates_the_course_as_the_rules_do(self, counts: tuple[int, ...]) -> None:
        course_id = an_open_course()
        rating = next(stars for stars in range(1, 6) if counts[stars - 1])
        before = [count - (stars == rating) for stars, count in enumerate(counts, start=1)]
        CourseSummary.objects.create(course_id=course_id, **dict(zip(NAMES, before, strict=True)))
        with transaction.atomic():
            state.count(course_id=course_id, before=None, after=rating)
        assert rating_shown(course_id) == (rules.average(counts), sum(counts))

    def test_takes_the_rating_away_with_the_last_review(self) -> None:
        course_id = an_open_course()
        with transaction.atomic():
            state.count(course_id=course_id, before=None, after=3)
            state.count(course_id=course_id, before=3, after=None)
        assert rating_shown(course_id) == (None, 0)
