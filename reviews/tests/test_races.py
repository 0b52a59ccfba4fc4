"""Rivals on real connections. Beside each race stands what comes of it without its guard: the test would notice."""

from functools import partial
from uuid import UUID

import pytest
from pytest_django import Settings

from common.models import User
from common.tests.factories import a_person, client_of
from common.tests.races import holding, meet, wave, without_index
from courses.tests.factories import an_open_course
from enrollments.tests.factories import an_enrollment
from reviews import services as reviews
from reviews.models import CourseSummary, Review
from reviews.tests.factories import (
    CLEAN,
    HIDE,
    WITH_LINK,
    Written,
    a_review,
    an_author,
    decide,
    kept_counts,
    kinds,
    recorded,
    retract,
    rev,
    reviews_of,
    rewrite,
    summary_is_true,
    write,
)

pytestmark = pytest.mark.django_db(transaction=True)
LONG = "I read a sonnet to my grandmother, who has not cried since 1962. She cried."
TEXT = {"rating": 4, "comment": CLEAN}


def courses_of(author: User, count: int) -> list[UUID]:
    """So many courses that the author is in."""
    courses = [an_open_course() for _ in range(count)]
    for course_id in courses:
        an_enrollment(course_id, author.pk)
    return courses


class TestTwoFirstReviews:
    def test_at_one_instant_are_one_review_and_a_refusal_that_names_it(self) -> None:
        course_id = an_open_course()
        author = an_author(course_id)
        own, refusal = meet(lambda: write(course_id, author, 5), lambda: write(course_id, author, 1))
        assert isinstance(refusal, reviews.ReviewAlreadyExists)
        assert refusal.details == {"review_id": rev(Written(own.review.id, course_id, author))}
        assert (kept_counts(course_id), recorded("review.created")) == ((0, 0, 0, 0, 1), 1)

    def test_by_twenty_requests_are_one_201_and_409s(self) -> None:
        course_id = an_open_course()
        author = an_author(course_id)
        path = reviews_of(course_id)
        assert client_of().get(path).json()["data"] == []  # makes the document that answers are compared with, once
        responses = wave(lambda _: client_of(author).post(path, TEXT), range(20))
        assert sorted(response.status_code for response in responses) == [201] + [409] * 19  # type: ignore[union-attr]
        assert (Review.objects.count(), summary_is_true(course_id)) == (1, True)

    @pytest.mark.usefixtures("judging_side_by_side")
    def test_are_held_apart_by_the_index_alone(self) -> None:
        course_id = an_open_course()
        author = an_author(course_id)
        own, refusal = meet(lambda: write(course_id, author, 5), lambda: write(course_id, author, 1))
        assert isinstance(refusal, reviews.ReviewAlreadyExists)
        assert refusal.details == {"review_id": rev(Written(own.review.id, course_id, author))}
        assert (kept_counts(course_id), recorded("review.created")) == ((0, 0, 0, 0, 1), 1)

    @pytest.mark.usefixtures("any_lock_order", "judging_side_by_side")
    def test_are_two_reviews_without_the_index(self) -> None:
        course_id = an_open_course()
        author = an_author(course_id)
        with without_index("review_one_live"):
            outcomes = meet(lambda: write(course_id, author), lambda: write(course_id, author))
            assert kinds(outcomes) == {"OwnReview": 2}

    def test_are_refused_for_the_one_that_is_there_and_not_for_one_that_was(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Also if the old one came from a machine whose clock ran ahead, so that its id is the greater one."""
        course_id = an_open_course()
        author = an_author(course_id)
        with monkeypatch.context() as ahead:
            ahead.setattr("common.ids.new_uuid", lambda: UUID("7fffffff-ac96-774b-bcce-b302099a8057"))
            old = write(course_id, author)
        retract(Written(old.review.id, course_id, author))
        own, refusal = meet(lambda: write(course_id, author), lambda: write(course_id, author))
        assert isinstance(refusal, reviews.ReviewAlreadyExists)
        assert refusal.details == {"review_id": rev(Written(own.review.id, course_id, author))}


class TestTextsJudgedAtOnce:
    @pytest.fixture(autouse=True)
    def one_review_within_an_hour(self, settings: Settings) -> None:
        settings.REVIEW_HOLD_POLICY = {**settings.REVIEW_HOLD_POLICY, "reviews_per_window": 1}

    def test_of_one_author_know_of_each_other(self) -> None:
        author = a_person()
        one, other = courses_of(author, 2)
        outcomes = meet(lambda: write(one, author), lambda: write(other, author))
        assert [outcome.review.status for outcome in outcomes] == ["published", "pending"]  # type: ignore[union-attr]

    @pytest.mark.usefixtures("any_lock_order")
    def test_of_one_author_know_nothing_of_each_other_without_the_lock(self, judging_side_by_side: None) -> None:
        author = a_person()
        one, other = courses_of(author, 2)
        with holding(lambda: write(one, author)):
            assert write(other, author).review.status == "published"

    def test_with_the_same_words_are_published_once(self) -> None:
        courses = [an_open_course() for _ in range(8)]
        texts = [(course_id, an_author(course_id)) for course_id in courses]
        outcomes = wave(lambda text: write(*text, comment=LONG), texts)
        statuses = [outcome.review.status.value for outcome in outcomes]  # type: ignore[union-attr]
        assert sorted(statuses) == ["pending"] * 7 + ["published"]

    @pytest.mark.usefixtures("any_lock_order")
    def test_with_the_same_words_are_published_twice_without_the_lock(self, judging_side_by_side: None) -> None:
        one, other = an_open_course(), an_open_course()
        author, copyist = an_author(one), an_author(other)
        with holding(lambda: write(one, author, comment=LONG)):
            assert write(other, copyist, comment=LONG).review.status == "published"


class TestTheSummary:
    def test_is_true_after_twenty_people_have_changed_their_reviews_of_one_course_at_once(self) -> None:
        course_id = an_open_course()
        authors = [an_author(course_id) for _ in range(20)]

        def change(number: int) -> None:
            review = a_review(course_id, authors[number], rating=1 + number % 5)
            rewrite(review, rating=1 + (number + 2) % 5)
            if number % 4 == 0:
                rewrite(review, comment=WITH_LINK)
            if number % 4 == 1:
                retract(review)
            if number % 4 == 2:
                decide(review, HIDE)

        assert wave(change, range(20)) == [None] * 20
        assert (sum(kept_counts(course_id)), summary_is_true(course_id)) == (10, True)

    def test_counts_both_of_two(self) -> None:
        course_id = a_review(rating=5).course_id
        one, other = an_author(course_id), an_author(course_id)
        meet(lambda: write(course_id, one, 4), lambda: write(course_id, other, 4))
        assert (kept_counts(course_id), summary_is_true(course_id)) == ((0, 0, 0, 2, 1), True)

    def test_loses_one_of_two_that_look_before_they_write(self, counting_by_looking: None, settings: Settings) -> None:
        course_id = an_open_course()
        CourseSummary.objects.create(course_id=course_id)
        one, other = an_author(course_id), an_author(course_id)
        meet(lambda: write(course_id, one, 4), lambda: write(course_id, other, 4))
        assert (kept_counts(course_id), summary_is_true(course_id)) == ((0, 0, 0, 1, 0), False)

    def test_of_a_first_review_that_is_undone_is_that_of_the_second(self) -> None:
        course_id = an_open_course()
        one, other = an_author(course_id), an_author(course_id)
        with holding(partial(write, course_id, one, 1)) as first:
            first.undo()
            write(course_id, other, 5)
            with pytest.raises(reviews.ReviewNotFound):
                reviews.get_own(course_id=course_id, author_id=one.pk)
            assert (kept_counts(course_id), summary_is_true(course_id)) == ((0, 0, 0, 0, 1), True)
