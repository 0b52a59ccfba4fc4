"""Which texts wait for a moderator, through the use cases. What the rules see in a text: `test_rules_texts.py`."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from pytest_django import Settings

from common import clock
from common.models import User
from common.tests.factories import a_person
from courses.tests.factories import an_open_course
from enrollments.tests.factories import an_enrollment
from reviews import services as reviews
from reviews.tests.factories import (
    APPROVE,
    CLEAN,
    Written,
    a_hidden_review,
    a_review,
    by,
    decide,
    report_by,
    retract,
    rewrite,
    standing,
)

pytestmark = pytest.mark.django_db
LONG = "I read a sonnet to my grandmother, who has not cried since 1962. She cried."


def a_course_of(author: User) -> UUID:
    """A course that the author is in."""
    course_id = an_open_course()
    an_enrollment(course_id, author.pk)
    return course_id


class TestTheHoldRules:
    def test_hold_the_same_text_of_another_author_even_if_it_was_taken_back(self) -> None:
        first = a_review(comment=LONG)
        assert standing(a_review(comment=LONG.upper().lower())) == ("pending", "same_text_elsewhere", None)
        retract(first)
        assert standing(a_review(first.course_id, comment=f"  {LONG}!"))[:2] == ("pending", "same_text_elsewhere")

    def test_hold_the_same_text_of_the_same_author_on_another_course(self) -> None:
        first = a_review(comment=LONG)
        other = a_review(a_course_of(first.author), first.author, comment=LONG)
        assert standing(other)[:2] == ("pending", "same_text_elsewhere")

    def test_let_an_author_take_a_text_back_and_write_it_again(self) -> None:
        first = a_review(comment=LONG)
        rewrite(first, comment="Something else, and long enough for the rule to look at it.")
        rewrite(first, comment=LONG)
        assert standing(first) == ("published", "", 3)
        retract(first)
        assert standing(a_review(first.course_id, first.author, comment=LONG)) == ("published", "", 1)

    def test_hold_the_sixth_review_within_an_hour_and_the_changes_of_no_single_one(self) -> None:
        author = a_person()
        written = [a_review(a_course_of(author), author) for _ in range(6)]
        assert [standing(each)[:2] for each in written[4:]] == [("published", ""), ("pending", "too_many_reviews")]
        single = a_review()
        for number in range(9):
            rewrite(single, comment=f"On the {number}. thought it was good.")
        assert standing(single) == ("published", "", 10)

    def test_forget_reviews_from_before_the_window(self) -> None:
        author = a_person()
        for _ in range(5):
            a_review(a_course_of(author), author)
        own = reviews.write_review(
            course_id=a_course_of(author),
            author_id=author.pk,
            rating=3,
            comment=CLEAN,
            actor=by(author),
            now=clock.now() + timedelta(hours=1, seconds=5),
        )
        assert own.review.status == "published"

    def test_are_settings(self, settings: Settings) -> None:
        settings.REVIEW_HOLD_POLICY = {**settings.REVIEW_HOLD_POLICY, "words": ("cried",)}
        assert standing(a_review())[:2] == ("pending", "listed_words")

    def test_hold_what_is_written_after_a_hidden_review_until_a_moderator_approves(self) -> None:
        hidden = a_hidden_review()
        rewrite(hidden, comment="I take it all back.")
        assert standing(hidden) == ("pending", "hidden_before", None)
        rewrite(hidden, comment="I really do.")
        assert standing(hidden) == ("pending", "hidden_before", None)
        decide(hidden, APPROVE)
        rewrite(hidden, comment="Thank you.")
        assert standing(hidden) == ("published", "", 4)

    def test_hold_what_is_written_after_reports_took_a_review_off(self) -> None:
        review = a_review()
        report_by(review, people=3)
        rewrite(review, comment="I take it all back.")
        assert standing(review) == ("pending", "hidden_before", None)

    @pytest.mark.parametrize("taken_off", [a_hidden_review, lambda: reported(a_review())])
    def test_are_not_got_around_by_writing_a_new_review(self, taken_off: Callable[[], Written]) -> None:
        review = taken_off()
        retract(review)
        again = a_review(review.course_id, review.author, comment="Nothing to see here.")
        assert standing(again) == ("pending", "hidden_before", None)
        retract(again)
        assert standing(a_review(review.course_id, review.author, comment="Or here."))[1] == "hidden_before"

    def test_let_a_new_review_pass_after_one_that_was_put_back(self) -> None:
        review = a_hidden_review()
        decide(review, APPROVE)
        retract(review)
        assert standing(a_review(review.course_id, review.author)) == ("published", "", 1)


def reported(review: Written) -> Written:
    report_by(review, people=3)
    return review
