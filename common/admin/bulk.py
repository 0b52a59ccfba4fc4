"""The same use case for many rows: each in its own transaction, so that one refusal does not stop the others."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import helpers
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from common.admin.base import ListAdmin
from common.admin.display import plural
from common.admin.steps import actor_of
from common.errors import DomainError
from common.types import Actor

MOST_ROWS = 200
_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """What is asked and done: `run` is given a row, the form's values and the actor. `done` is its past participle."""

    action: str
    title: str
    done: str
    form_class: type[forms.Form]
    run: Callable[[Any, dict[str, Any], Actor], None]
    consequence: str = ""
    is_destructive: bool = False

    def answer(self, model_admin: ListAdmin, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        """First the page that shows which rows and asks; once it is confirmed, one message about all of them."""
        rows = list(queryset[: MOST_ROWS + 1])
        if len(rows) > MOST_ROWS:
            messages.error(request, f"At most {MOST_ROWS} at once.")
            return None
        form = self.form_class(request.POST if "confirmed" in request.POST else None, label_suffix="")
        if not form.is_bound or not form.is_valid():
            return self._page(model_admin, request, rows, form)
        refused = self._run(model_admin, rows, form.cleaned_data, actor_of(request))
        succeeded = len(rows) - sum(len(records) for records in refused.values())
        level = messages.WARNING if refused else messages.SUCCESS
        messages.add_message(request, level, _report(self.done, succeeded, refused))
        return None

    def _run(
        self, model_admin: ListAdmin, rows: Sequence[Any], values: dict[str, Any], actor: Actor
    ) -> dict[tuple[str, str], list[str]]:
        """What was refused: the rows by code and message."""
        refused: dict[tuple[str, str], list[str]] = defaultdict(list)
        for row in rows:
            try:
                self.run(row, values, actor)
            except DomainError as refusal:
                refused[refusal.code, str(refusal)].append(model_admin.name_of(row))
        return refused

    def _page(
        self, model_admin: ListAdmin, request: HttpRequest, rows: Sequence[Any], form: forms.Form
    ) -> HttpResponse:
        context = {
            **model_admin.admin_site.each_context(request),
            "title": self.title,
            "opts": model_admin.opts,
            "bulk": self,
            "rows": [(row.pk, model_admin.name_of(row)) for row in rows],
            "count": plural(len(rows), str(model_admin.opts.verbose_name), str(model_admin.opts.verbose_name_plural)),
            "checkbox_name": helpers.ACTION_CHECKBOX_NAME,
            "form": form,
            "media": model_admin.media + form.media,
            "list_address": model_admin.list_address(),
            "list_title": model_admin.list_title(),
        }
        request.current_app = model_admin.admin_site.name
        return TemplateResponse(request, "admin/bulk.html", context)


def _report(done: str, succeeded: int, refused: dict[tuple[str, str], list[str]]) -> SafeString:
    """One message: how many succeeded, and a line for each kind of refusal with the first rows of it."""
    lines = format_html_join(
        "",
        "<br>{} not: {} ({}) {}",
        (
            (f"{len(rows):,}", message, code, ", ".join(rows[:_NAMED]) + (" …" if len(rows) > _NAMED else ""))
            for (code, message), rows in refused.items()
        ),
    )
    return format_html("{} {}.{}", f"{succeeded:,}", done, lines)
