"""The check that compares summaries with reviews."""

from uuid import UUID

import pytest
from django.db import connection

from common.tests.operating import apply, operate
from common.tests.races import rival
from common.tests.recorded import recording
from courses.tests.factories import an_open_course, crs, rating_of
from reviews.models import CourseSummary
from reviews.tests.factories import a_held_review, a_review, an_author, kept_counts, write

REPAIR = ("repair_enrollments", "--all", "--check", "review-summaries")


def run_sql(sql: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def set_summary(course_id: UUID, *counts: int) -> None:
    """The summary says this, whatever the reviews say."""
    names = ("ones", "twos", "threes", "fours", "fives")
    CourseSummary.objects.filter(pk=course_id).update(**dict(zip(names, counts, strict=True)))


@pytest.mark.django_db
class TestReviewSummaries:
    def test_are_right_after_whatever_learners_and_moderators_do(self) -> None:
        course_id = an_open_course()
        a_review(course_id, rating=4)
        a_held_review()
        assert operate(*REPAIR).code == 0

    def test_that_are_wrong_are_counted_anew_with_the_rating_in_the_catalogue(self) -> None:
        course_id = an_open_course()
        for rating in (5, 4, 4):
            a_review(course_id, rating=rating)
        set_summary(course_id, 0, 0, 0, 9, 1)
        run_sql("UPDATE courses_course SET rating_average = 1, rating_count = 7 WHERE id = %s", course_id)
        (found,) = operate(*REPAIR).items
        assert found["subject"] == crs(course_id)
        assert (found["before"]["fours"], found["after"]["fours"]) == (9, 2)
        with recording() as events:
            assert apply(*REPAIR).outcomes == [("review-summaries", "done", "recounted")]
        assert kept_counts(course_id) == (0, 0, 0, 2, 1)
        assert (rating_of(course_id).average, rating_of(course_id).count) == (4.33, 3)
        assert [(event.type, event.subject) for event in events] == [("enrollment.repaired", crs(course_id))]
        assert operate(*REPAIR).code == 0

    def test_are_wrong_also_if_only_the_catalogue_is(self) -> None:
        course_id = a_review(rating=2).course_id
        run_sql("UPDATE courses_course SET rating_average = NULL WHERE id = %s", course_id)
        assert apply(*REPAIR).code == 0
        assert rating_of(course_id).average == 2

    def test_that_are_missing_are_made(self) -> None:
        course_id = a_review(rating=2).course_id
        run_sql("DELETE FROM reviews_coursesummary")
        assert apply(*REPAIR).code == 0
        assert kept_counts(course_id) == (0, 1, 0, 0, 0)

    def test_of_other_courses_are_left_alone(self) -> None:
        here, there = a_review(rating=2).course_id, a_review(rating=2).course_id
        for course_id in (here, there):
            set_summary(course_id, 0, 0, 0, 0, 0)
        ran = apply("repair_enrollments", "--course", crs(here))
        assert [item["subject"] for item in ran.items] == [crs(here)]
        assert (kept_counts(here), kept_counts(there)) == ((0, 1, 0, 0, 0), (0, 0, 0, 0, 0))

    def test_are_wrong_again_after_an_undo_and_right_after_its_undo(self) -> None:
        course_id = a_review(rating=2).course_id
        set_summary(course_id, 3, 0, 0, 0, 0)
        repaired = apply(*REPAIR).run
        undone = apply("undo_run", repaired)
        assert undone.outcomes == [("review-summaries", "done", "recounted")]
        assert kept_counts(course_id) == (3, 0, 0, 0, 0)
        apply("undo_run", undone.run)
        assert kept_counts(course_id) == (0, 1, 0, 0, 0)

    def test_that_have_changed_since_are_not_undone(self) -> None:
        course_id = a_review(rating=2).course_id
        set_summary(course_id, 3, 0, 0, 0, 0)
        repaired = apply(*REPAIR).run
        a_review(course_id, rating=5)
        undone = apply("undo_run", repaired)
        assert (undone.code, undone.outcomes) == (1, [("review-summaries", "changed", "changed_since")])
        assert kept_counts(course_id) == (0, 1, 0, 0, 1)


@pytest.mark.django_db(transaction=True)
def test_a_review_that_is_written_meanwhile_is_counted_once() -> None:
    course_id = a_review(rating=2).course_id
    set_summary(course_id, 3, 0, 0, 0, 0)
    author = an_author(course_id)
    with rival(lambda: write(course_id, author, rating=5), holds=True) as writer:
        writer.stand_still()
        with rival(lambda: apply(*REPAIR)) as operator:
            assert operator.waits_for(writer)
            writer.commit()
            assert operator.result().code == 0
    assert kept_counts(course_id) == (0, 1, 0, 0, 1)
