"""Readers and moderators as rivals. Beside each race stands what comes of it without its guard."""

from functools import partial

import pytest
from django.db.models import QuerySet

from common import clock
from common.errors import DomainError, PreconditionFailed
from common.tests.factories import a_person
from common.tests.races import holding, meet, wave
from courses.tests.factories import an_open_course
from reviews import services as reviews
from reviews.models import Report
from reviews.tests.factories import (
    APPROVE,
    HIDE,
    NO_SUMMARY,
    WITH_LINK,
    a_held_review,
    a_hidden_review,
    a_review,
    by,
    decide,
    history,
    kept_counts,
    kinds,
    moderator,
    recorded,
    report,
    report_by,
    resolutions,
    retract,
    rewrite,
    row_of,
    standing,
    summary_is_true,
    take,
)

pytestmark = pytest.mark.django_db(transaction=True)


class TestTwoModerators:
    def test_who_decide_at_once_are_one_decision_and_a_conflict(self) -> None:
        review, one, other = a_held_review(), moderator(), moderator()
        decided, conflict = meet(
            lambda: decide(review, APPROVE, moderator=one, version=1),
            lambda: decide(review, HIDE, moderator=other, version=1),
        )
        assert decided.outcome == "approved"
        assert isinstance(conflict, reviews.ModerationConflict)
        assert conflict.details == {"current_version": 2}
        assert by(one).name in str(conflict)
        assert (standing(review), summary_is_true(review.course_id)) == (("published", "", 1), True)

    @pytest.mark.usefixtures("any_lock_order")
    def test_both_win_without_the_lock(self, without_lock: None) -> None:
        review, one, other = a_held_review(), moderator(), moderator()
        outcomes = meet(
            lambda: decide(review, APPROVE, moderator=one, version=1),
            lambda: decide(review, HIDE, moderator=other, version=1),
        )
        assert kinds(outcomes) == {"Decided": 2}
        assert not summary_is_true(review.course_id)


class TestReports:
    def test_by_ten_people_at_once_hold_the_review_once(self) -> None:
        review = a_review()
        outcomes = wave(lambda reporter: report(review, reporter), [a_person() for _ in range(10)])
        assert kinds(outcomes) == {"Report": 3, "ReviewNotFound": 7}
        assert (standing(review), row_of(review).open_reports) == (("pending", "reports", None), 3)
        assert (recorded("review.held"), recorded("review.reported"), history(review)) == (1, 3, ["created", "held"])
        assert kept_counts(review.course_id) == NO_SUMMARY

    def test_twenty_times_by_one_person_are_one(self) -> None:
        review, reporter = a_review(), a_person()
        outcomes = wave(lambda _: report(review, reporter), range(20))
        assert kinds(outcomes) == {"Report": 1, "AlreadyReported": 19}
        assert (row_of(review).open_reports, recorded("review.reported")) == (1, 1)

    @pytest.mark.usefixtures("any_lock_order")
    def test_twice_by_one_person_are_one_even_without_the_lock(self, without_lock: None) -> None:
        review, reporter = a_review(), a_person()
        outcomes = meet(lambda: report(review, reporter), lambda: report(review, reporter))
        assert kinds(outcomes) == {"Report": 1, "AlreadyReported": 1}

    @pytest.mark.usefixtures("any_lock_order")
    def test_lose_one_of_two_without_the_lock(self, without_lock: None) -> None:
        review, one, other = a_review(), a_person(), a_person()
        meet(lambda: report(review, one), lambda: report(review, other))
        assert (Report.objects.count(), row_of(review).open_reports) == (2, 1)

    def test_while_a_moderator_keeps_the_text_do_not_bring_it_back(self) -> None:
        review = a_review()
        report_by(review, people=2)
        person, reporter = moderator(), a_person()
        meet(lambda: decide(review, APPROVE, moderator=person, version=1), lambda: report(review, reporter))
        assert (standing(review), resolutions(review)) == (("published", "", 1), ["unfounded"] * 2 + ["kept"])

    def test_that_hold_the_review_come_between_a_moderator_s_decision(self) -> None:
        review = a_review()
        report_by(review, people=2)
        person, reporter = moderator(), a_person()
        _, conflict = meet(
            lambda: report(review, reporter), lambda: decide(review, APPROVE, moderator=person, version=1)
        )
        assert isinstance(conflict, reviews.ModerationConflict)
        assert (standing(review), row_of(review).open_reports) == (("pending", "reports", None), 3)

    def test_below_the_threshold_are_answered_by_the_decision_that_waited_for_them(self) -> None:
        review = a_review()
        person, reporter = moderator(), a_person()
        _, decided = meet(lambda: report(review, reporter), lambda: decide(review, HIDE, moderator=person, version=1))
        assert isinstance(decided, reviews.Decided)
        assert (decided.reports_resolved, resolutions(review)) == (1, ["upheld"])

    def test_of_a_review_that_is_taken_back_are_refused(self) -> None:
        review, reporter = a_review(), a_person()
        _, refusal = meet(lambda: retract(review), lambda: report(review, reporter))
        assert isinstance(refusal, reviews.ReviewNotFound)


class TestEditsAndDecisions:
    def test_a_new_text_comes_between_a_moderator_s_decision(self) -> None:
        review, person = a_held_review(), moderator()
        _, conflict = meet(
            lambda: rewrite(review, comment=f"{WITH_LINK} And more."),
            lambda: decide(review, APPROVE, moderator=person, version=1),
        )
        assert isinstance(conflict, reviews.ModerationConflict)
        assert "held by system:hold-rules" in str(conflict)
        assert standing(review) == ("pending", "links", None)

    def test_a_text_that_waited_for_its_hiding_is_held_and_not_published(self) -> None:
        review, person = a_review(), moderator()
        meet(lambda: decide(review, HIDE, moderator=person, version=1), lambda: rewrite(review, comment="Never mind."))
        assert (standing(review), summary_is_true(review.course_id)) == (("pending", "hidden_before", None), True)

    @pytest.mark.usefixtures("any_lock_order")
    def test_a_text_that_waited_for_its_hiding_is_published_without_the_lock(self, without_lock: None) -> None:
        review, person = a_review(), moderator()
        meet(lambda: decide(review, HIDE, moderator=person, version=1), lambda: rewrite(review, comment="Never mind."))
        assert standing(review)[0] == "published"

    def test_a_review_taken_back_is_not_decided_on(self) -> None:
        review, person = a_held_review(), moderator()
        _, conflict = meet(lambda: retract(review), lambda: decide(review, APPROVE, moderator=person, version=1))
        assert isinstance(conflict, reviews.ModerationConflict)
        assert row_of(review).public_rating is None

    def test_a_review_taken_back_is_not_changed(self) -> None:
        review = a_review()
        _, refusal = meet(lambda: retract(review), lambda: rewrite(review, rating=1))
        assert isinstance(refusal, reviews.ReviewNotFound)
        assert (kept_counts(review.course_id), summary_is_true(review.course_id)) == (NO_SUMMARY, True)

    def test_of_two_changes_from_one_version_the_second_is_refused(self) -> None:
        review = a_review()

        def change(rating: int) -> reviews.OwnReview:
            return reviews.rewrite_review(
                course_id=review.course_id,
                author_id=review.author.pk,
                changes={"rating": rating},
                expected_version=1,
                actor=by(review.author),
                now=clock.now(),
            )

        _, refusal = meet(lambda: change(1), lambda: change(2))
        assert isinstance(refusal, PreconditionFailed)
        assert kept_counts(review.course_id) == (1, 0, 0, 0, 0)


class TestTakeNext:
    def test_gives_eight_moderators_who_ask_at_once_eight_reviews(self) -> None:
        waiting = {a_held_review().id for _ in range(8)}
        assert set(wave(take, [moderator() for _ in range(8)])) == waiting

    @pytest.mark.usefixtures("any_lock_order")
    def test_gives_two_the_same_without_the_lock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **_: rows)
        first, _ = a_held_review(), a_held_review()
        one, other = moderator(), moderator()
        assert meet(lambda: take(one), lambda: take(other)) == (first.id, first.id)

    def test_gives_none_to_those_who_are_too_many(self) -> None:
        waiting = {a_held_review().id for _ in range(5)}
        taken = wave(take, [moderator() for _ in range(8)])
        assert (taken.count(None), set(taken) - {None}) == (3, waiting)

    def test_passes_over_what_a_rival_takes_at_this_instant_and_does_not_wait(self) -> None:
        first, second = a_held_review(), a_held_review()
        with holding(partial(take, moderator())) as rival:
            assert take(moderator()) == second.id
            rival.commit()
            assert rival.result() == first.id

    def test_passes_over_what_is_decided_at_this_instant(self) -> None:
        first, second, person = a_held_review(), a_held_review(), moderator()
        assert take(person) == first.id
        with holding(lambda: decide(first, HIDE)):
            assert take(person) == second.id
        assert row_of(first).claimed_by_id is None


def test_everything_at_once_ends_in_a_true_summary_and_no_deadlock() -> None:
    course_id = an_open_course()
    written = [a_review(course_id, rating=1 + number % 5) for number in range(6)]
    written += [a_held_review(course_id=course_id), a_hidden_review(course_id=course_id)]

    def act(number: int) -> object:
        review = written[number % len(written)]
        match number // len(written) % 5:
            case 0:
                return rewrite(review, rating=1 + number % 5)
            case 1:
                return report(review)
            case 2:
                return decide(review, HIDE if number % 2 else APPROVE)
            case 3:
                return a_review(course_id, rating=1 + number % 5)
            case _:
                return rewrite(review, comment=WITH_LINK)

    outcomes = wave(act, range(80))
    assert all(not isinstance(each, Exception) or isinstance(each, DomainError) for each in outcomes)
    assert summary_is_true(course_id)
