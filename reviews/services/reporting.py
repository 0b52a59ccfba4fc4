"""What readers do: report a review."""

from uuid import UUID

from django.db.models.functions import Now

from common import db, ids
from common.outcomes import use_case
from common.types import Actor
from reviews import rules, selectors
from reviews.errors import AlreadyReported, OwnReviewRefused, ReviewNotFound
from reviews.models import Report as ReportRow
from reviews.models import Review
from reviews.services import state
from reviews.types import HoldReason, Report, ReportReason

_MACHINE = "system:report-threshold"


@use_case
def report_review(
    *, course_id: UUID, review_id: UUID, reporter_id: UUID, reason: ReportReason, note: str, actor: Actor
) -> Report:
    """The report is kept. Enough open ones by different people take the review off the list until a moderator decides.

    Open ones count whichever text they were about, so that to change a letter after each is no way around it. A text
    that a moderator has let stand stays; the report on it is kept as answered.

    Raises:
        ReviewNotFound: there is no such public review of this course.
        OwnReviewRefused: it is the reporter's own.
        AlreadyReported: the reporter has reported it before.
    """
    with db.refusing({"report_one_each": lambda: AlreadyReported(review_id)}):
        row = state.lock(review_id=review_id)
        if row.course_id != course_id or row.public_revision is None:
            raise ReviewNotFound
        if row.author_id == reporter_id:
            raise OwnReviewRefused
        is_kept = row.public_revision == row.kept_revision
        report = ReportRow.objects.create(
            review=row,
            revision=row.public_revision,
            reporter_id=reporter_id,
            reason=reason,
            note=note,
            resolution="kept" if is_kept else "",
        )
        report.refresh_from_db(fields=["created_at"])
        public_id = ids.encode(ids.REPORT, report.pk)
        state.record(
            "review.reported", row, actor, report_id=public_id, reason=str(reason), revision=row.public_revision
        )
        if not is_kept:
            _count(row, row.public_revision, actor)
        return selectors.to_report(report)


def _count(row: Review, revision: int, actor: Actor) -> None:
    before = state.Before.of(row)
    row.open_reports += 1
    if not rules.reports_hold(open_reports=row.open_reports, is_kept=False, policy=state.policy()):
        # No new version: a moderator who has the review open may decide on what it says, which is the same.
        Review.objects.filter(pk=row.pk).update(open_reports=row.open_reports)
        return
    state.hold(row, HoldReason.REPORTS)
    state.unpublish(row)
    row.submitted_at = Now()
    state.store(row, before=before)
    state.tell_of_hold(row, machine=_MACHINE, actor=actor, before=before, revision=revision)
