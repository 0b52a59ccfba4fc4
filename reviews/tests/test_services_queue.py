"""How moderators get the next review to look at, through the use cases."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.conf import settings

from common import clock
from common.models import User
from common.tests.unchanged import nothing_changed
from reviews import services as reviews
from reviews.tests.factories import (
    APPROVE,
    HIDE,
    WITH_LINK,
    Written,
    a_held_review,
    a_hidden_review,
    a_review,
    decide,
    moderator,
    report,
    report_by,
    retract,
    rewrite,
    row_of,
    take,
)

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def take_in(minutes: int, person: User) -> UUID | None:
    return reviews.take_next(moderator_id=person.pk, skipped=(), now=clock.now() + minutes * MINUTE)


def release(review: Written, person: User) -> None:
    reviews.release_claim(review_id=review.id, moderator_id=person.pk)


class TestTakeNext:
    def test_gives_the_oldest_that_waits_and_then_the_same_again(self) -> None:
        first, _, person = a_held_review(), a_held_review(), moderator()
        assert [take(person), take(person)] == [first.id, first.id]
        assert row_of(first).claimed_by_id == person.pk

    def test_gives_each_moderator_another(self) -> None:
        first, second = a_held_review(), a_held_review()
        assert [take(moderator()), take(moderator()), take(moderator())] == [first.id, second.id, None]

    def test_gives_an_edited_one_its_new_place_in_the_order(self) -> None:
        first, second = a_held_review(), a_held_review()
        rewrite(first, comment=f"{WITH_LINK} And more.")
        assert [take(moderator()), take(moderator())] == [second.id, first.id]

    def test_gives_public_ones_with_reports_after_all_that_wait_the_most_reported_first(self) -> None:
        once, twice, waits = a_review(), a_review(), a_held_review()
        report(once)
        report_by(twice, people=2)
        assert [take(moderator()) for _ in range(4)] == [waits.id, twice.id, once.id, None]

    def test_never_gives_what_needs_no_decision(self) -> None:
        a_review()
        a_hidden_review()
        retract(a_held_review())
        kept = a_held_review()
        decide(kept, APPROVE)
        person = moderator()
        with nothing_changed():
            assert take(person) is None

    def test_never_gives_one_s_own(self) -> None:
        review = a_held_review()
        assert take(review.author) is None
        assert take(moderator()) == review.id

    def test_passes_over_what_is_skipped(self) -> None:
        first, second, person = a_held_review(), a_held_review(), moderator()
        assert take(person) == first.id
        assert take(person, skipping=(first.id,)) == second.id
        assert take(person, skipping=(first.id, second.id)) is None

    def test_gives_to_others_what_was_released(self) -> None:
        review, person, other = a_held_review(), moderator(), moderator()
        take(person)
        release(review, other)
        assert take(other) is None
        release(review, person)
        assert take(other) == review.id

    def test_gives_to_others_what_was_held_too_long(self) -> None:
        review, person, other = a_held_review(), moderator(), moderator()
        assert settings.REVIEW_CLAIM_TIME == 10 * MINUTE
        take(person)
        assert take_in(9, other) is None
        assert take_in(11, other) == review.id

    def test_holds_it_anew_for_who_asks_again(self) -> None:
        review, person, other = a_held_review(), moderator(), moderator()
        take(person)
        assert take_in(9, person) == review.id
        assert take_in(11, other) is None

    def test_goes_on_once_one_s_own_is_decided_whoever_decided(self) -> None:
        first, second, person = a_held_review(), a_held_review(), moderator()
        take(person)
        decide(first, HIDE)
        assert take(person) == second.id
