"""Decisions as the pages send them, and what they come to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest

from common import clock
from common.admin.steps import actor_of
from common.errors import DomainError, InvalidInput
from common.models import User
from reviews import rules, selectors, services
from reviews.admin.display import excerpt, last_change
from reviews.models import ModerationReason, Review
from reviews.types import Decision, Status

MODERATE = "reviews.moderate_review"
_PAST = {Decision.APPROVE: "Approved", Decision.HIDE: "Hidden"}
_SKIPPED, _DECIDED = "reviews_skipped", "reviews_decided"
_KEPT = 5


class DecisionForm(forms.Form):
    """A decision on the version of a review that the moderator saw. Who hides says why: the author is told.

    `decisions` are those for which reasons are offered.
    """

    decision = forms.ChoiceField(choices=[(each.value, each.value) for each in Decision], widget=forms.HiddenInput)
    version = forms.IntegerField(min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)
    reason = forms.ChoiceField(required=False, widget=forms.RadioSelect)
    note = forms.CharField(
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="For moderators only. The author is told the reason's text.",
    )

    def __init__(self, *args: Any, decisions: Sequence[Decision], **kwargs: Any) -> None:
        super().__init__(*args, label_suffix="", **kwargs)
        numbered = enumerate(reasons(), start=1)
        self._reasons = [(number, reason) for number, reason in numbered if reason.decision in decisions]
        field = cast("forms.ChoiceField", self.fields["reason"])
        field.choices = [(reason.code, reason.label) for _, reason in self._reasons]

    def reasons_by_decision(self) -> list[tuple[str, list[tuple[int, Any]]]]:
        """The reasons to choose from, with the numbers of their keys, apart for each decision."""
        found: dict[str, list[tuple[int, Any]]] = {}
        for (number, reason), radio in zip(self._reasons, self["reason"], strict=True):
            found.setdefault(reason.decision, []).append((number, radio))
        return list(found.items())

    def clean(self) -> dict[str, Any]:
        """Hiding needs a reason."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if values.get("decision") == Decision.HIDE and not values.get("reason") and "reason" not in self.errors:
            self.add_error("reason", "Choose a reason: the author is told why.")
        return values


def reasons() -> list[ModerationReason]:
    """The reasons in use, in the order in which keys 1 to 9 stand for them on every page: those to hide come first."""
    return list(ModerationReason.objects.filter(is_active=True).order_by("-decision", "position", "code"))


def me(request: HttpRequest) -> User:
    """The signed-in moderator."""
    return cast("User", request.user)


def possible(review: Review, viewer: User) -> list[Decision]:
    """The decisions that this person can take on the review as it stands."""
    if review.retracted_at is not None or review.author_id == viewer.pk:
        return []
    status = Status(review.status)
    return [
        decision
        for decision in Decision
        if rules.DECISIONS.get((status, decision), status) is not status
        or ((status, decision) in rules.DECISIONS and review.open_reports)
    ]


def decide(request: HttpRequest, review_id: UUID, values: dict[str, Any]) -> services.Decided:
    """The decision is taken in the name of the signed-in moderator, who can undo it for a while.

    Raises:
        DomainError, InvalidInput: as `services.decide_review` says.
    """
    decision = Decision(values["decision"])
    decided = services.decide_review(
        review_id=review_id,
        moderator_id=me(request).pk,
        decision=decision,
        reason=values["reason"],
        note=values["note"],
        version=values["version"],
        actor=actor_of(request),
    )
    review = decided.moderated.review
    label = f"{_PAST[decision]}: {review.rating}★ {excerpt(review.comment)[:60]}"
    _remember(request, review.id, review.version, label)
    return decided


def explain(review_id: UUID, refusal: DomainError | InvalidInput) -> str:
    """Why nothing was done, and if somebody was faster, who did what."""
    if isinstance(refusal, services.ModerationConflict):
        entry = selectors.last_change(review_id=review_id)
        return f"Nothing was done, the review has changed meanwhile. {last_change(entry)}."
    return f"Nothing was done. {refusal}"


# -- what the browser session remembers --------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Mine:
    """A decision that the moderator can undo."""

    review_id: UUID
    version: int
    label: str


def undoable(request: HttpRequest) -> list[Mine]:
    """The moderator's newest decisions of this session that are young enough, newest first."""
    youngest = (clock.now() - settings.REVIEW_UNDO_WINDOW).timestamp()
    return [
        Mine(review_id=UUID(each["id"]), version=each["version"], label=each["label"])
        for each in request.session.get(_DECIDED, [])
        if each["at"] > youngest
    ]


def _remember(request: HttpRequest, review_id: UUID, version: int, label: str) -> None:
    one = {"id": str(review_id), "version": version, "label": label, "at": clock.now().timestamp()}
    forget(request, review_id)
    request.session[_DECIDED] = [one, *request.session.get(_DECIDED, [])][:_KEPT]


def forget(request: HttpRequest, review_id: UUID) -> None:
    """The decision on this review is not offered for undoing any more."""
    kept = [each for each in request.session.get(_DECIDED, []) if each["id"] != str(review_id)]
    request.session[_DECIDED] = kept


def take_next(request: HttpRequest) -> UUID | None:
    """The next review is the moderator's. What they skipped comes again once there is nothing else."""
    now = clock.now()
    skipped = [UUID(each) for each in request.session.get(_SKIPPED, [])]
    found = services.take_next(moderator_id=me(request).pk, skipped=skipped, now=now)
    if found is None and skipped:
        request.session[_SKIPPED] = []
        messages.info(request, "Only reviews that you skipped are left: they come again.")
        found = services.take_next(moderator_id=me(request).pk, skipped=(), now=now)
    return found


def skip(request: HttpRequest, review_id: UUID) -> None:
    """The review is free for others, and does not come again soon."""
    services.release_claim(review_id=review_id, moderator_id=me(request).pk)
    skipped = [each for each in request.session.get(_SKIPPED, []) if each != str(review_id)]
    request.session[_SKIPPED] = [*skipped, str(review_id)][-200:]


def undo(request: HttpRequest, review_id: UUID, version: int) -> datetime:
    """The moderator's decision is undone, which is a decision of its own.

    Raises:
        DomainError: as `services.undo_decision` says.
    """
    now = clock.now()
    services.undo_decision(
        review_id=review_id, moderator_id=me(request).pk, version=version, actor=actor_of(request), now=now
    )
    forget(request, review_id)
    return now
