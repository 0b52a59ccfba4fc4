"""What moderators do: decide and undo, through the use cases."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings

from common import clock, ids
from common.errors import InvalidInput
from common.tests.recorded import recording
from common.tests.unchanged import nothing_changed
from reviews import services as reviews
from reviews.models import HistoryEntry, Report, Review
from reviews.tests.factories import (
    APPROVE,
    CLEAN,
    DETAILS,
    HIDE,
    NO_SUMMARY,
    WITH_LINK,
    Written,
    a_held_review,
    a_hidden_review,
    a_reason,
    a_review,
    by,
    decide,
    history,
    kept_counts,
    moderator,
    report,
    report_by,
    resolutions,
    retract,
    rewrite,
    row_of,
    standing,
    summary_is_true,
    take,
    undo,
)

pytestmark = pytest.mark.django_db


def a_changed_review() -> Written:
    """A published review whose new text waits."""
    review = a_review(rating=5)
    rewrite(review, rating=1, comment=WITH_LINK)
    return review


def a_reported_review() -> Written:
    """A published review with two open reports."""
    review = a_review()
    report_by(review, people=2)
    return review


def a_review_off_by_reports() -> Written:
    """A review that three reports have taken off the list."""
    review = a_review()
    report_by(review, people=3)
    return review


def a_kept_and_changed_review() -> Written:
    """A review whose first text a moderator has kept, and whose second is public."""
    review = a_held_review()
    decide(review, APPROVE)
    rewrite(review, comment=CLEAN)
    report(review)
    return review


class TestDecideReview:
    def test_approving_publishes_the_newest_text(self) -> None:
        review = a_changed_review()
        decided = decide(review, APPROVE)
        assert (decided.outcome, decided.message) == ("approved", "The review is public.")
        assert decided.moderated.public == reviews.Text(rating=1, comment=WITH_LINK, rating_details=None)
        assert (decided.moderated.review.version, decided.moderated.held_reason) == (3, None)
        assert (standing(review), kept_counts(review.course_id)) == (("published", "", 2), (1, 0, 0, 0, 0))
        assert summary_is_true(review.course_id)

    def test_approving_shows_when_the_text_was_written_and_not_when_it_was_approved(self) -> None:
        review = a_held_review()
        written_at = row_of(review).updated_at
        decide(review, APPROVE)
        assert (row_of(review).public_updated_at, row_of(review).updated_at) == (written_at, written_at)

    def test_hiding_takes_everything_off_also_what_was_public_before(self) -> None:
        review = a_changed_review()
        decided = decide(review, HIDE)
        assert (decided.outcome, decided.message) == ("hidden", "The review is hidden.")
        assert (decided.moderated.public, standing(review)) == (None, ("hidden", "", None))
        assert (kept_counts(review.course_id), summary_is_true(review.course_id)) == (NO_SUMMARY, True)

    def test_hiding_and_approving_take_off_and_put_back_what_the_stars_are_for(self) -> None:
        review = a_review(rating_details=DETAILS)
        decide(review, HIDE)
        assert row_of(review).public_rating_details is None
        public = decide(review, APPROVE).moderated.public
        assert public is not None
        assert public.rating_details == DETAILS

    def test_approving_a_reported_review_keeps_it(self) -> None:
        review = a_reported_review()
        decided = decide(review, APPROVE)
        assert (decided.message, decided.reports_resolved) == ("The review stays public.", 2)
        assert (standing(review), resolutions(review)) == (("published", "", 1), ["unfounded"] * 2)

    def test_approving_puts_a_hidden_review_back(self) -> None:
        review = a_hidden_review(rating=2)
        decide(review, APPROVE)
        assert (standing(review), kept_counts(review.course_id)) == (("published", "", 1), (0, 1, 0, 0, 0))

    def test_hiding_upholds_the_reports(self) -> None:
        review = a_review_off_by_reports()
        decided = decide(review, HIDE)
        assert (decided.reports_resolved, resolutions(review)) == (3, ["upheld"] * 3)
        assert (row_of(review).open_reports, decided.moderated.report_count) == (0, 0)

    def test_approving_answers_reports_on_older_texts_without_judging_them(self) -> None:
        review = a_review()
        report(review)
        rewrite(review, comment="On second thought.")
        report(review)
        assert decide(review, APPROVE).reports_resolved == 2
        assert resolutions(review) == ["superseded", "unfounded"]

    def test_answers_name_the_decision(self) -> None:
        review = a_reported_review()
        decide(review, HIDE)
        assert set(Report.objects.values_list("resolved_by__change", flat=True)) == {"hidden"}

    def test_records_who_when_what_and_why(self) -> None:
        review, person = a_held_review(), moderator()
        reason = a_reason("fine", "It is fine.", decision=APPROVE)
        with recording() as events:
            decide(review, APPROVE, moderator=person, reason=reason, note="Only a link to the library.")
        entry = HistoryEntry.objects.latest("id")
        assert (entry.change, entry.actor, entry.automated) == ("approved", by(person).name, False)
        assert (entry.from_status, entry.to_status, entry.revision) == ("pending", "published", 1)
        assert (entry.reason, entry.public_text, entry.note) == ("fine", "It is fine.", "Only a link to the library.")
        assert [(event.type, event.actor) for event in events] == [("review.approved", by(person).name)]
        data = events[0].data
        assert (data["from_status"], data["to_status"], data["revision"]) == ("pending", "published", 1)
        assert (data["reason"], data["public_text"]) == ("fine", "It is fine.")
        assert "library" not in str(data)

    def test_takes_a_reason_that_is_in_no_table_for_the_history_alone(self) -> None:
        review = a_held_review()
        decide(review, HIDE, reason="a reason of my own")
        entry = HistoryEntry.objects.latest("id")
        assert (entry.reason, entry.public_text) == ("a reason of my own", "")

    @pytest.mark.parametrize(("decision", "other"), [(APPROVE, HIDE), (HIDE, APPROVE)])
    def test_refuses_a_reason_that_is_for_the_other_decision(
        self, decision: reviews.Decision, other: reviews.Decision
    ) -> None:
        review, person, reason = a_held_review(), moderator(), a_reason("odd", decision=other)
        with nothing_changed(), pytest.raises(InvalidInput, match=f"for a decision to {other}") as refusal:
            decide(review, decision, moderator=person, reason=reason)
        assert (refusal.value.field, refusal.value.reason_code) == ("reason", "reason_of_other_decision")

    def test_refuses_a_reason_that_is_not_used_any_more(self) -> None:
        review, person, reason = a_held_review(), moderator(), a_reason("old", is_active=False)
        with nothing_changed(), pytest.raises(InvalidInput, match="not used any more"):
            decide(review, HIDE, moderator=person, reason=reason)

    def test_frees_the_review_of_claims(self) -> None:
        review, other = a_held_review(), moderator()
        assert take(other) == review.id
        decide(review, HIDE)
        assert (row_of(review).claimed_by_id, row_of(review).claimed_until) == (None, None)

    def test_refuses_another_version_and_says_what_happened(self) -> None:
        review, first, second = a_changed_review(), moderator(), moderator()
        decide(review, APPROVE, moderator=first)
        with nothing_changed(), pytest.raises(reviews.ModerationConflict, match=by(first).name) as refusal:
            decide(review, HIDE, moderator=second, version=2)
        assert refusal.value.details == {"current_version": 3}
        assert "approved" in str(refusal.value)

    def test_refuses_the_moderator_s_own_review_before_all_else(self) -> None:
        review = a_held_review()
        with nothing_changed(), pytest.raises(reviews.OwnReviewRefused):
            decide(review, APPROVE, moderator=review.author, version=99)

    @pytest.mark.parametrize(
        ("make", "decision", "status"),
        [(a_review, APPROVE, "published"), (a_hidden_review, HIDE, "hidden")],
    )
    def test_refuses_what_would_change_nothing(
        self, make: Callable[[], Written], decision: reviews.Decision, status: str
    ) -> None:
        review, person = make(), moderator()
        with nothing_changed(), pytest.raises(reviews.InvalidDecision) as refusal:
            decide(review, decision, moderator=person)
        assert refusal.value.details == {"current_status": status}

    @pytest.mark.parametrize("decision", reviews.Decision)
    def test_refuses_a_retracted_review(self, decision: reviews.Decision) -> None:
        review, person = a_review(), moderator()
        retract(review)
        with nothing_changed(), pytest.raises(reviews.InvalidDecision) as refusal:
            decide(review, decision, moderator=person)
        assert refusal.value.details == {"current_status": "retracted"}

    def test_refuses_a_review_that_is_not_there(self) -> None:
        review, person = a_review(), moderator()
        with nothing_changed(), pytest.raises(reviews.ReviewNotFound):
            decide(Written(ids.new_uuid(), review.course_id, review.author), HIDE, moderator=person, version=1)


class TestUndoDecision:
    @pytest.mark.parametrize(
        ("make", "decision"),
        [
            (a_held_review, APPROVE),
            (a_held_review, HIDE),
            (a_review, HIDE),
            (a_hidden_review, APPROVE),
            (a_changed_review, APPROVE),
            (a_changed_review, HIDE),
            (a_reported_review, APPROVE),
            (a_reported_review, HIDE),
            (a_review_off_by_reports, APPROVE),
            (a_review_off_by_reports, HIDE),
            (a_kept_and_changed_review, APPROVE),
            (a_kept_and_changed_review, HIDE),
            (lambda: a_review(rating_details=DETAILS), HIDE),
        ],
    )
    def test_restores_the_review_exactly(self, make: Callable[[], Written], decision: reviews.Decision) -> None:
        review, person = make(), moderator()
        before, answers = Review.objects.filter(pk=review.id).values().get(), resolutions(review)
        decide(review, decision, moderator=person)
        undo(review, person)
        after = Review.objects.filter(pk=review.id).values().get()
        assert after == {**before, "version": before["version"] + 2}
        assert resolutions(review) == answers
        assert summary_is_true(review.course_id)

    def test_forgets_what_was_kept_by_a_decision_that_was_undone_before(self) -> None:
        review, person = a_held_review(), moderator()
        decide(review, APPROVE, moderator=person)
        undo(review, person)
        decide(review, HIDE, moderator=person)
        undo(review, person)
        assert (standing(review), row_of(review).kept_revision) == (("pending", "links", None), None)

    def test_leaves_reports_answered_that_came_since(self) -> None:
        review, person = a_reported_review(), moderator()
        decide(review, APPROVE, moderator=person)
        report(review)
        undo(review, person)
        assert (resolutions(review), row_of(review).open_reports) == (["", "", "kept"], 2)

    @pytest.mark.parametrize(
        ("make", "decision", "event", "status"),
        [
            (a_held_review, HIDE, "review.held", "pending"),
            (a_review, HIDE, "review.approved", "published"),
            (a_hidden_review, APPROVE, "review.hidden", "hidden"),
        ],
    )
    def test_records_a_new_entry_and_the_event_of_the_state(
        self, make: Callable[[], Written], decision: reviews.Decision, event: str, status: str
    ) -> None:
        review, person = make(), moderator()
        decide(review, decision, moderator=person)
        with recording() as events:
            undo(review, person)
        assert [(each.type, each.actor) for each in events] == [(event, by(person).name)]
        entry = HistoryEntry.objects.latest("id")
        assert (entry.change, entry.from_status, entry.to_status) == ("undone", status_after(decision), status)
        assert history(review)[-1] == "undone"

    @pytest.mark.parametrize("meanwhile", ["undo", "decide", "rewrite", "retract"])
    def test_is_refused_once_something_else_has_happened(self, meanwhile: str) -> None:
        review, person = a_held_review(), moderator()
        decide(review, APPROVE, moderator=person)
        match meanwhile:
            case "undo":
                undo(review, person)
            case "decide":
                decide(review, HIDE)
            case "rewrite":
                rewrite(review, comment="On second thought.")
            case "retract":
                retract(review)
        with nothing_changed(), pytest.raises(reviews.UndoRefused):
            undo(review, person)

    def test_is_refused_to_others(self) -> None:
        review, other = a_held_review(), moderator()
        decide(review, HIDE)
        with nothing_changed(), pytest.raises(reviews.UndoRefused) as refusal:
            undo(review, other)
        assert refusal.value.details == {"current_status": "hidden"}
        assert "within 10 minutes" in str(refusal.value)

    def test_is_refused_after_its_time(self) -> None:
        review, person = a_held_review(), moderator()
        decide(review, HIDE, moderator=person)
        ask = {"review_id": review.id, "moderator_id": person.pk, "version": 2, "actor": by(person)}
        late = clock.now() + settings.REVIEW_UNDO_WINDOW + timedelta(seconds=5)
        with nothing_changed(), pytest.raises(reviews.UndoRefused):
            reviews.undo_decision(now=late, **ask)
        assert reviews.undo_decision(now=late - timedelta(seconds=10), **ask).review.status == "pending"

    def test_is_refused_on_another_version_and_on_one_s_own_review(self) -> None:
        review, person = a_held_review(), moderator()
        decide(review, HIDE, moderator=person)
        ask = {"review_id": review.id, "now": clock.now()}
        with nothing_changed(), pytest.raises(reviews.ModerationConflict):
            reviews.undo_decision(moderator_id=person.pk, version=1, actor=by(person), **ask)
        with nothing_changed(), pytest.raises(reviews.OwnReviewRefused):
            reviews.undo_decision(moderator_id=review.author.pk, version=2, actor=by(review.author), **ask)


def status_after(decision: reviews.Decision) -> str:
    return {APPROVE: "published", HIDE: "hidden"}[decision]
