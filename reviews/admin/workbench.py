"""The workbench: one review, all that is known of it, and the decision; then the next one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString

from common import clock, ids
from common.admin.timeline import LENGTH
from common.errors import DomainError, InvalidInput
from reviews import selectors, services
from reviews.admin import deciding, diff
from reviews.admin.deciding import DecisionForm, me
from reviews.admin.display import details, entries, is_claimed, link_to_course, names_of, stars
from reviews.models import HistoryEntry, Report, Review, Revision
from reviews.types import Decision, Status

if TYPE_CHECKING:
    from reviews.admin.queue import ReviewAdmin

_MOST_REPORTS = 50
_LABELS = {Decision.APPROVE: "Approve", Decision.HIDE: "Hide"}


def address(page: str, key: UUID | None = None) -> str:
    """Where a page of the queue, or of one review, is."""
    return reverse(f"admin:reviews_review_{page}", args=[] if key is None else [key])


# -- what lies on it ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The newest text against the one that was public last or, if none ever was, the one before."""

    label: str
    rating: int
    details: str
    marked: SafeString


def lay_out(request: HttpRequest, record: Review, *, may_moderate: bool) -> dict[str, Any]:
    """What the page needs besides the record."""
    now = clock.now()
    history = list(HistoryEntry.objects.filter(review_id=record.pk).order_by("-id")[:LENGTH])
    reports = list(
        Report.objects.filter(review_id=record.pk).select_related("reporter").order_by("-created_at")[:_MOST_REPORTS]
    )
    viewer = me(request)
    could = deciding.possible(record, viewer) if may_moderate else []
    form = _new_form(record, could) if could else None
    is_mine = is_claimed(record, now=now, by=viewer.pk)
    return {
        "may_moderate": may_moderate,
        "could": _choices(record, could),
        "form": form,
        "is_own": record.author_id == viewer.pk,
        "is_mine": is_mine,
        "holder": record.claimed_by if is_claimed(record, now=now, but_not_by=viewer.pk) else None,
        "stars": stars(record.rating),
        "details": details(selectors.to_text(record).rating_details),
        "comparison": compare(record, history),
        "reports": [(each.reason.replace("_", " ").capitalize(), each) for each in reports],
        "author_record": _author_record(record),
        "author_id": ids.encode(ids.USER, record.author_id),
        "standing": services.standing_of_author(course_id=record.course_id, author_id=record.author_id),
        "course_link": link_to_course(record),
        "timeline": entries(history, names_of(entry.actor for entry in history)),
        "undoable": deciding.undoable(request) if may_moderate else [],
        "can_undo_here": may_moderate and _is_my_decision(request, history, now),
        "closed": _closed(record, could, may_moderate=may_moderate),
    }


def _new_form(record: Review, could: Sequence[Decision]) -> DecisionForm:
    return DecisionForm(initial={"version": record.version}, decisions=could)


def _choices(record: Review, could: Sequence[Decision]) -> list[tuple[Decision, str, str]]:
    """The buttons: what each decides, what it says, and its key."""
    keeps = record.status == Status.PUBLISHED
    return [
        (each, "Keep public" if keeps and each is Decision.APPROVE else _LABELS[each], each.value[0]) for each in could
    ]


def _closed(record: Review, could: Sequence[Decision], *, may_moderate: bool) -> str:
    """Why there is nothing to decide."""
    if could or not may_moderate:
        return ""
    if record.retracted_at is not None:
        return "Its author has taken the review back: there is nothing to decide."
    return "The review is public, and no report on it is open: there is nothing to decide."


def compare(record: Review, history: Sequence[HistoryEntry]) -> Comparison | None:
    """What the author changed; None for a text that is public as it is, or the only one."""
    if record.revision in {1, record.public_revision}:
        return None
    before, label = selectors.to_public_text(record), "the text that is public now"
    if before is None:
        shown = (each.revision for each in history if each.to_status == Status.PUBLISHED)
        number = next((each for each in shown if each < record.revision), None)
        label = "the text before" if number is None else "the text that was public last"
        before = selectors.to_text(Revision.objects.get(review_id=record.pk, number=number or record.revision - 1))
    return Comparison(
        label=label,
        rating=before.rating,
        details=details(before.rating_details),
        marked=diff.marked(before.comment, record.comment),
    )


def _author_record(record: Review) -> dict[str, int]:
    written = Review.objects.filter(author_id=record.author_id)
    live = Q(retracted_at=None)
    return written.aggregate(
        written=Count("pk"),
        published=Count("pk", filter=live & Q(status=Status.PUBLISHED)),
        pending=Count("pk", filter=live & Q(status=Status.PENDING)),
        hidden=Count("pk", filter=live & Q(status=Status.HIDDEN)),
        retracted=Count("pk", filter=~live),
    )


def _is_my_decision(request: HttpRequest, history: Sequence[HistoryEntry], now: datetime) -> bool:
    """Whether the last change can be undone by who looks at the page."""
    if not history:
        return False
    last = history[0]
    is_young = last.at >= now - settings.REVIEW_UNDO_WINDOW
    return last.change in {"approved", "hidden"} and last.actor == ids.encode(ids.USER, me(request).pk) and is_young


# -- what can be done on it --------------------------------------------------------------------------


def next_page(model_admin: "ReviewAdmin", request: HttpRequest) -> HttpResponse:
    """The next free review is claimed and lies on the workbench."""
    return _refused(model_admin, request) or _go_on(model_admin, request)


def decide_page(model_admin: "ReviewAdmin", request: HttpRequest, key: UUID) -> HttpResponse:
    """A form for a decision from the queue; and where every decision on one review is sent."""
    _check(model_admin, request)
    record = _record(model_admin, request, key)
    # A row's button sends the list's form: what it says itself stands in its address.
    sent = QueryDict(mutable=True)
    sent.update({**request.GET.dict(), **request.POST.dict()})
    if request.method != "POST":
        return _ask(model_admin, request, record, _asking(record, sent), sent)
    # The workbench offers the reasons for either decision.
    decisions = tuple(Decision) if sent.get("then") == "next" else (_asked(sent),)
    form = DecisionForm(sent, decisions=decisions)
    if not form.is_valid():
        return _ask(model_admin, request, record, form, sent)
    try:
        decided = deciding.decide(request, key, form.cleaned_data)
    except InvalidInput as fault:
        form.add_error(fault.field, list(fault.reasons))
        return _ask(model_admin, request, record, form, sent)
    except DomainError as refusal:
        messages.error(request, deciding.explain(key, refusal))
        return redirect(model_admin.address(key)) if sent.get("then") == "next" else _back(model_admin, sent)
    messages.success(request, decided.message)
    return _go_on(model_admin, request) if sent.get("then") == "next" else _back(model_admin, sent)


def skip_page(model_admin: "ReviewAdmin", request: HttpRequest, key: UUID) -> HttpResponse:
    """The review is somebody else's to decide; the next one."""
    refusal = _refused(model_admin, request)
    if refusal is not None:
        return refusal
    _record(model_admin, request, key)
    deciding.skip(request, key)
    return _go_on(model_admin, request)


def undo_page(model_admin: "ReviewAdmin", request: HttpRequest, key: UUID) -> HttpResponse:
    """The moderator's decision is undone, and the review lies on the workbench again."""
    refusal = _refused(model_admin, request)
    if refusal is not None:
        return refusal
    record = _record(model_admin, request, key)
    version = request.POST.get("version", "")
    try:
        deciding.undo(request, key, int(version) if version.isdecimal() and len(version) < 10 else 0)
    except DomainError as refusal_:
        deciding.forget(request, key)
        messages.error(request, deciding.explain(key, refusal_))
    else:
        messages.success(request, "Undone: the review stands as before.")
    return redirect(model_admin.address(record.pk))


def _asked(sent: QueryDict) -> Decision:
    return Decision.APPROVE if sent.get("decision") == Decision.APPROVE else Decision.HIDE


def _asking(record: Review, sent: QueryDict) -> DecisionForm:
    initial = {"version": record.version, "decision": _asked(sent)}
    return DecisionForm(initial=initial, decisions=[_asked(sent)])


def _ask(
    model_admin: "ReviewAdmin", request: HttpRequest, record: Review, form: DecisionForm, sent: QueryDict
) -> HttpResponse:
    request.current_app = model_admin.admin_site.name
    if sent.get("then") == "next":
        context = {**model_admin.page_of(request, record), "form": form}
        return TemplateResponse(request, model_admin.record_template, context)
    decision = _asked(sent)
    context = {
        **model_admin.page_of(request, record),
        "title": f"{_LABELS[decision]} a review",
        "form": form,
        "decision": decision,
        "label": _LABELS[decision],
        "back": QueryDict(sent.get("back", "")).urlencode(),
    }
    return TemplateResponse(request, "admin/reviews/review/decide.html", context)


def _go_on(model_admin: "ReviewAdmin", request: HttpRequest) -> HttpResponseRedirect:
    key = deciding.take_next(request)
    if key is not None:
        return redirect(model_admin.address(key))
    messages.info(request, "Nothing waits for a decision.")
    return redirect(model_admin.list_address())


def _back(model_admin: "ReviewAdmin", sent: QueryDict) -> HttpResponseRedirect:
    """To the list as it was."""
    query = QueryDict(sent.get("back", "")).urlencode()
    return redirect(f"{model_admin.list_address()}?{query}" if query else model_admin.list_address())


def _check(model_admin: "ReviewAdmin", request: HttpRequest) -> None:
    if not model_admin.has_view_permission(request) or not model_admin.has_moderate_permission(request):
        raise PermissionDenied


def _refused(model_admin: "ReviewAdmin", request: HttpRequest) -> HttpResponse | None:
    """The answer to who may not, or does not post."""
    _check(model_admin, request)
    return None if request.method == "POST" else HttpResponseNotAllowed(["POST"])


def _record(model_admin: "ReviewAdmin", request: HttpRequest, key: UUID) -> Review:
    record: Review | None = model_admin.get_object(request, str(key))
    if record is None:
        raise Http404
    return record
