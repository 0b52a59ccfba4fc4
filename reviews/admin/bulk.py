"""The same decision on many reviews: each at the version that the moderator saw, each with its own result."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse

from common import clock
from common.admin.bulk import MOST_ROWS
from common.admin.display import plural
from common.errors import DomainError, InvalidInput
from reviews import services
from reviews.admin import deciding
from reviews.admin.deciding import DecisionForm, me
from reviews.admin.display import is_claimed
from reviews.models import Review
from reviews.types import Decision

if TYPE_CHECKING:
    from reviews.admin.queue import ReviewAdmin

SEEN = "seen"
_TITLES = {Decision.APPROVE: "Approve reviews", Decision.HIDE: "Hide reviews"}
_DONE = {Decision.APPROVE: "approved", Decision.HIDE: "hidden"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one review of many. `kind` is `done`, `changed`, `held` or `refused`."""

    review: Review
    kind: str
    sentence: str


def ask(model_admin: "ReviewAdmin", request: HttpRequest, decision: Decision) -> HttpResponse | None:
    """The page that shows which reviews, and asks.

    They are found by what was ticked, and not within the list's filters: one that has left the tab meanwhile has to
    show up in the result.
    """
    versions = _versions(request.POST.getlist(SEEN))
    chosen = [_key(each) for each in request.POST.getlist(ACTION_CHECKBOX_NAME)]
    seen = {key: versions[key] for key in chosen if key in versions}
    if not seen or len(seen) > MOST_ROWS:
        messages.error(request, f"Choose between 1 and {MOST_ROWS} reviews.")
        return None
    initial = {"decision": decision, "version": 1}
    form = DecisionForm(initial=initial, decisions=[decision])
    return _page(model_admin, request, decision, seen, form)


def run(model_admin: "ReviewAdmin", request: HttpRequest) -> HttpResponse:
    """Decide on each, and show what came of it."""
    if not model_admin.has_view_permission(request) or not model_admin.has_moderate_permission(request):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    seen = _versions(request.POST.getlist(SEEN))
    if not seen or len(seen) > MOST_ROWS:
        raise BadRequest
    decision = Decision.APPROVE if request.POST.get("decision") == Decision.APPROVE else Decision.HIDE
    form = DecisionForm(request.POST, decisions=[decision])
    if not form.is_valid():
        return _page(model_admin, request, decision, seen, form)
    rows = _rows(model_admin, request, seen)
    results = [_decide(request, row, {**form.cleaned_data, "version": seen[row.pk]}) for row in rows]
    return _results(model_admin, request, decision, results)


def _decide(request: HttpRequest, row: Review, values: dict[str, Any]) -> Result:
    if is_claimed(row, now=clock.now(), but_not_by=me(request).pk) and row.claimed_by is not None:
        sentence = f"{row.claimed_by.display_name} is looking at it: left alone."
        return Result(review=row, kind="held", sentence=sentence)
    try:
        deciding.decide(request, row.pk, values)
    except services.ModerationConflict as conflict:
        return Result(review=row, kind="changed", sentence=deciding.explain(row.pk, conflict))
    except (DomainError, InvalidInput) as refusal:
        return Result(review=row, kind="refused", sentence=deciding.explain(row.pk, refusal))
    return Result(review=row, kind="done", sentence=f"{_DONE[Decision(values['decision'])].capitalize()}.")


def _page(
    model_admin: "ReviewAdmin", request: HttpRequest, decision: Decision, seen: dict[UUID, int], form: DecisionForm
) -> HttpResponse:
    rows = _rows(model_admin, request, seen)
    context = {
        **_frame(model_admin, request, _TITLES[decision]),
        "form": form,
        "decision": decision,
        "rows": [(row, f"{row.pk}:{seen[row.pk]}") for row in rows],
        "count": plural(len(rows), "review"),
        "seen_name": SEEN,
    }
    return TemplateResponse(request, "admin/reviews/review/bulk.html", context)


def _results(
    model_admin: "ReviewAdmin", request: HttpRequest, decision: Decision, results: list[Result]
) -> HttpResponse:
    done = sum(each.kind == "done" for each in results)
    context = {
        **_frame(model_admin, request, f"{done} of {plural(len(results), 'review')} {_DONE[decision]}"),
        "results": [each for each in results if each.kind != "done"]
        + [each for each in results if each.kind == "done"],
    }
    return TemplateResponse(request, "admin/reviews/review/bulk_results.html", context)


def _frame(model_admin: "ReviewAdmin", request: HttpRequest, title: str) -> dict[str, Any]:
    request.current_app = model_admin.admin_site.name
    return {
        **model_admin.admin_site.each_context(request),
        "title": title,
        "opts": model_admin.opts,
        "media": model_admin.media,
        "list_address": model_admin.list_address(),
        "list_title": model_admin.list_title(),
    }


def _rows(model_admin: "ReviewAdmin", request: HttpRequest, seen: dict[UUID, int]) -> list[Review]:
    found = model_admin.get_queryset(request).in_bulk(list(seen))
    return [found[key] for key in seen if key in found]


def _versions(sent: list[str]) -> dict[UUID, int]:
    """Which version of which review the moderator saw."""
    versions: dict[UUID, int] = {}
    for each in sent:
        key, _, version = each.partition(":")
        if not version.isdecimal() or len(version) > 9:
            raise BadRequest
        versions[_key(key)] = int(version)
    return versions


def _key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise BadRequest from None
