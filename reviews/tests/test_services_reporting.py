"""What readers do: report a review, through the use case."""

from collections.abc import Callable

import pytest
from pytest_django import Settings

from common import ids
from common.tests.factories import a_person
from common.tests.recorded import recording
from common.tests.unchanged import nothing_changed
from courses.tests.factories import an_open_course
from reviews import services as reviews
from reviews.models import HistoryEntry, Report
from reviews.tests.factories import (
    APPROVE,
    HIDE,
    NO_SUMMARY,
    WITH_LINK,
    Written,
    a_held_review,
    a_hidden_review,
    a_review,
    by,
    decide,
    history,
    kept_counts,
    report,
    report_by,
    resolutions,
    retract,
    rev,
    rewrite,
    row_of,
    standing,
    summary_is_true,
    take,
)

pytestmark = pytest.mark.django_db


def a_retracted_review() -> Written:
    review = a_review()
    retract(review)
    return review


class TestReportReview:
    def test_keeps_the_report_with_the_text_that_it_is_about(self) -> None:
        review, reporter = a_review(), a_person()
        rewrite(review, comment="On second thought.")
        kept = report(review, reporter, note="It sells something.")
        row = Report.objects.get()
        assert kept == reviews.Report(
            id=row.pk,
            reporter_id=reporter.pk,
            reason=reviews.ReportReason.SPAM,
            note="It sells something.",
            created_at=row.created_at,
            resolution=None,
        )
        assert (row.revision, row_of(review).open_reports) == (2, 1)

    def test_records_an_event_without_the_reporter_s_words(self) -> None:
        review, reporter = a_review(), a_person()
        with recording() as events:
            kept = report(review, reporter, note="It sells something.")
        assert [(event.type, event.actor) for event in events] == [("review.reported", by(reporter).name)]
        data = events[0].data
        assert (data["report_id"], data["reason"], data["revision"]) == (ids.encode(ids.REPORT, kept.id), "spam", 1)
        assert "It sells something." not in str(data)

    def test_changes_neither_version_nor_history_below_the_threshold(self) -> None:
        review = a_review()
        report_by(review, people=2)
        assert (row_of(review).version, history(review)) == (1, ["created"])
        assert standing(review) == ("published", "", 1)

    def test_holds_the_review_with_the_third_different_person(self) -> None:
        review = a_review()
        submitted_at = row_of(review).submitted_at
        report_by(review, people=2)
        with recording() as events:
            report(review)
        assert standing(review) == ("pending", "reports", None)
        assert (kept_counts(review.course_id), summary_is_true(review.course_id)) == (NO_SUMMARY, True)
        assert [event.type for event in events] == ["review.reported", "review.held"]
        assert (events[1].actor, events[1].data["held_reason"]) == ("system:report-threshold", "reports")
        held = HistoryEntry.objects.latest("id")
        assert (held.change, held.actor, held.automated) == ("held", "system:report-threshold", True)
        assert (held.from_status, held.to_status, held.reason, held.revision) == ("published", "pending", "reports", 1)
        assert row_of(review).submitted_at >= submitted_at
        assert (row_of(review).version, resolutions(review)) == (2, [""] * 3)

    def test_holds_at_the_threshold_that_the_settings_give(self, settings: Settings) -> None:
        settings.REVIEW_HOLD_POLICY = {**settings.REVIEW_HOLD_POLICY, "reports_to_hold": 1}
        review = a_review()
        report(review)
        assert standing(review)[:2] == ("pending", "reports")

    def test_counts_reports_on_texts_that_were_changed_since(self) -> None:
        """Else an author changes a letter after every second report."""
        review = a_review()
        report_by(review, people=2)
        rewrite(review, comment="On second thought.")
        report(review)
        assert standing(review) == ("pending", "reports", None)

    def test_takes_the_old_text_off_while_a_new_one_waits(self) -> None:
        review = a_review()
        rewrite(review, comment=WITH_LINK)
        report_by(review, people=3)
        assert standing(review) == ("pending", "reports", None)
        held = HistoryEntry.objects.latest("id")
        assert (held.revision, held.from_held_reason) == (1, "links")

    def test_does_not_bring_back_a_text_that_a_moderator_has_kept(self) -> None:
        review = a_review()
        report_by(review, people=2)
        decide(review, APPROVE)
        report_by(review, people=5)
        assert standing(review) == ("published", "", 1)
        assert resolutions(review) == ["unfounded"] * 2 + ["kept"] * 5
        assert (row_of(review).open_reports, take(a_person())) == (0, None)

    def test_does_not_bring_back_a_kept_text_while_a_new_one_waits(self) -> None:
        review = a_held_review()
        decide(review, APPROVE)
        rewrite(review, comment=f"{WITH_LINK} And more.")
        report_by(review, people=3)
        assert standing(review) == ("pending", "links", 1)

    def test_counts_again_for_a_text_that_no_moderator_has_seen(self) -> None:
        review = a_held_review()
        decide(review, APPROVE)
        rewrite(review, comment="On second thought.")
        report_by(review, people=3)
        assert standing(review) == ("pending", "reports", None)

    def test_refuses_a_second_one_of_the_same_person_and_names_the_review(self) -> None:
        review, reporter = a_review(), a_person()
        report(review, reporter)
        decide(review, APPROVE)
        rewrite(review, comment="On second thought.")
        with nothing_changed(), pytest.raises(reviews.AlreadyReported) as refusal:
            report(review, reporter)
        assert refusal.value.details == {"review_id": rev(review)}

    def test_refuses_the_author(self) -> None:
        review = a_review()
        with nothing_changed(), pytest.raises(reviews.OwnReviewRefused):
            report(review, review.author)

    @pytest.mark.parametrize("make", [a_held_review, a_hidden_review, a_retracted_review])
    def test_refuses_what_the_reporter_cannot_see(self, make: Callable[[], Written]) -> None:
        review, reporter = make(), a_person()
        for person in (reporter, review.author):
            with nothing_changed(), pytest.raises(reviews.ReviewNotFound):
                report(review, person)

    def test_refuses_a_review_of_another_course_and_one_that_is_not_there(self) -> None:
        review, reporter, other = a_review(), a_person(), an_open_course()
        for elsewhere in (
            Written(review.id, other, review.author),
            Written(ids.new_uuid(), review.course_id, review.author),
        ):
            with nothing_changed(), pytest.raises(reviews.ReviewNotFound):
                report(elsewhere, reporter)

    def test_is_refused_once_the_review_is_hidden(self) -> None:
        review, reporter = a_review(), a_person()
        decide(review, HIDE)
        with nothing_changed(), pytest.raises(reviews.ReviewNotFound):
            report(review, reporter)
