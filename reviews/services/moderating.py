"""What moderators do: take the next review, decide on it, undo a decision."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Case, Q, Value, When

from common.outcomes import use_case
from common.types import Actor
from reviews import rules, selectors
from reviews.errors import ModerationConflict, OwnReviewRefused, UndoRefused
from reviews.models import HistoryEntry, Report, Review, Revision
from reviews.services import state
from reviews.types import Decided, Decision, ModeratedReview, Status

_PAST = {Decision.APPROVE: "approved", Decision.HIDE: "hidden"}
_EVENT_OF_STATUS = {Status.PUBLISHED: "approved", Status.HIDDEN: "hidden", Status.PENDING: "held"}


@use_case
@transaction.atomic
def decide_review(
    *,
    review_id: UUID,
    moderator_id: UUID,
    decision: Decision,
    reason: str,
    note: str,
    version: int,
    actor: Actor,
) -> Decided:
    """The review's newest text is public, or nothing of it is. All open reports are answered.

    A `reason` from the table of reasons tells the author that reason's public text.

    Raises:
        InvalidInput: the table has the reason for the other decision, or as one that is not used any more.
        ReviewNotFound: there is no such review.
        OwnReviewRefused: it is the moderator's own.
        ModerationConflict: it is no longer at `version`.
        InvalidDecision: its state does not allow the decision.
    """
    public_text = _public_text(reason, decision)
    row = _lock_for_decision(review_id, moderator_id, version)
    following = rules.check_decision(
        status=Status(row.status),
        decision=decision,
        open_reports=row.open_reports,
        is_retracted=row.retracted_at is not None,
    )
    before = state.Before.of(row)
    _become(row, following)
    entry = state.tell(
        row, change=_PAST[decision], actor=actor, before=before, reason=reason, note=note, public_text=public_text
    )
    # Reports before the summary, which `store` counts in: the order in which a report takes them.
    resolved = _resolve_reports(row, decision, entry)
    state.store(row, before=before)
    return Decided(
        outcome=_PAST[decision],
        message=_message(before, following),
        moderated=selectors.to_moderated(row),
        reports_resolved=resolved,
    )


def _public_text(code: str, decision: Decision) -> str:
    """What the author is told; nothing for a reason that the table does not have, which is for the history alone."""
    reason = selectors.find_reason(code=code) if code else None
    if reason is None:
        return ""
    rules.check_reason(reason=reason, decision=decision)
    return reason.public_text


def _become(row: Review, following: Status) -> None:
    if following is Status.PUBLISHED:
        state.show(row)
        row.kept_revision = row.revision
    else:
        state.hide(row)
    row.open_reports = 0


def _resolve_reports(row: Review, decision: Decision, entry: HistoryEntry) -> int:
    answer = Case(When(revision=row.revision, then=Value("unfounded")), default=Value("superseded"))
    resolution = answer if decision is Decision.APPROVE else Value("upheld")
    return Report.objects.filter(review=row, resolution="").update(resolution=resolution, resolved_by=entry)


def _message(before: state.Before, following: Status) -> str:
    if following is Status.HIDDEN:
        return "The review is hidden."
    return "The review stays public." if before.status == following else "The review is public."


@use_case
@transaction.atomic
def undo_decision(*, review_id: UUID, moderator_id: UUID, version: int, actor: Actor, now: datetime) -> ModeratedReview:
    """The review stands as before the moderator's own last decision, which is a new entry of its history.

    The reports that the decision answered are open again. One that came since, on a text let stand, stays answered.

    Raises:
        ReviewNotFound, OwnReviewRefused, ModerationConflict: as for a decision.
        UndoRefused: the last change was not a decision of this moderator within the time for undoing.
    """
    row = _lock_for_decision(review_id, moderator_id, version)
    last = selectors.last_change(review_id=review_id)
    is_own = last.actor == actor.name and last.change in _PAST.values()
    if not is_own or last.at < now - settings.REVIEW_UNDO_WINDOW:
        raise UndoRefused(row.status, settings.REVIEW_UNDO_WINDOW)
    before = state.Before.of(row)
    _restore(row, last)
    row.open_reports = Report.objects.filter(review=row, resolved_by=last).update(resolution="", resolved_by=None)
    state.store(row, before=before)
    state.tell(row, change="undone", event=_EVENT_OF_STATUS[Status(row.status)], actor=actor, before=before)
    return selectors.to_moderated(row)


def _restore(row: Review, last: HistoryEntry) -> None:
    row.status, row.held_reason, row.kept_revision = last.from_status, last.from_held_reason, last.from_kept_revision
    state.unpublish(row)
    if last.from_public_revision is not None:
        text = Revision.objects.get(review=row, number=last.from_public_revision)
        row.public_rating, row.public_comment, row.public_revision = text.rating, text.comment, text.number
        row.public_rating_details, row.public_updated_at = text.rating_details, text.created_at


@use_case
@transaction.atomic
def take_next(*, moderator_id: UUID, skipped: Collection[UUID], now: datetime) -> UUID | None:
    """A review that waits for a decision, and that nobody else looks at, is the moderator's for a while.

    First the one that is the moderator's already, then the oldest pending one, then the most reported public one;
    never the moderator's own. Two who ask at once never get the same.
    """
    waiting = (
        # Whatever a rival holds at this instant is passed over.
        Review.objects.select_for_update(skip_locked=True, of=("self",), no_key=True)
        .filter(retracted_at=None)
        .exclude(author_id=moderator_id)
        .exclude(pk__in=skipped)
    )
    reported = Q(status=Status.PUBLISHED, open_reports__gt=0)
    # Said and sorted like this, only the index over status and age serves; see `reviews.selectors`.
    pending = Q(status__gte=Status.PENDING, status__lte=Status.PENDING)
    free = waiting.filter(Q(claimed_until=None) | Q(claimed_until__lte=now))
    row = (
        waiting.filter(pending | reported, claimed_by_id=moderator_id, claimed_until__gt=now)
        .order_by("-claimed_until")
        .first()
        or free.filter(pending).order_by("status", "submitted_at", "id").first()
        or free.filter(reported).order_by("-open_reports", "-id").first()
    )
    if row is None:
        return None
    until = now + settings.REVIEW_CLAIM_TIME
    Review.objects.filter(pk=row.pk).update(claimed_by_id=moderator_id, claimed_until=until)
    return row.pk


@use_case
@transaction.atomic
def release_claim(*, review_id: UUID, moderator_id: UUID) -> None:
    """The moderator no longer holds the review, if they did."""
    held = Review.objects.filter(pk=review_id, claimed_by_id=moderator_id)
    held.update(claimed_by=None, claimed_until=None)


def _lock_for_decision(review_id: UUID, moderator_id: UUID, version: int) -> Review:
    row = state.lock(review_id=review_id)
    if row.author_id == moderator_id:
        raise OwnReviewRefused
    if row.version != version:
        last = selectors.last_change(review_id=review_id)
        raise ModerationConflict(row.version, f"{last.change} by {last.actor}")
    return row
