"""Imports as staff see them: how far they have come, what came of their rows, and what can be done about it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import path, reverse
from django.urls.resolvers import URLPattern
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common import ids
from common.admin import AutocompleteFilter, ChoiceFilter, Done, Fact, RecordAdmin, Step
from common.admin.display import badge, link_to_id, moment, plural
from common.api import csv_file
from common.types import Actor, PageRequest
from enrollments import rules, selectors, services
from enrollments.files import report_lines
from enrollments.models import Import
from enrollments.types import ImportStatus, RowResult

CHANGE = "enrollments.change_import"
_SHOWN_ROWS = 25
# What somebody may have to look after, the worst first.
_SHOWN_RESULTS = (RowResult.FAILED, RowResult.REJECTED)


class StatusFilter(ChoiceFilter):
    """Imports in one state."""

    title = parameter_name = column = "status"
    options = [(each.value, each.value.capitalize()) for each in ImportStatus]


class PartnerFilter(AutocompleteFilter):
    """Imports of one partner."""

    column, prefix = "partner", ids.PARTNER


class _ImportStep(Step):
    permission = CHANGE
    to: ClassVar[ImportStatus]

    def is_possible(self, record: Import) -> bool:
        return rules.is_import_step_possible(status=ImportStatus(record.status), wanted=self.to)


class Cancel(_ImportStep):
    """Nothing more is done for the import."""

    name, label, to, is_destructive = "cancel", "Cancel", ImportStatus.CANCELLED, True

    def consequences(self, record: Import) -> list[str]:
        left = record.rows_total - selectors.to_import(record).rows_processed
        return [f"{plural(left, 'row is', 'rows are')} still to be done, and never will be. What was done stays."]

    def run(self, *, record: Import, form: forms.Form, actor: Actor, now: datetime) -> Done:
        services.cancel_import(partner_id=record.partner_id, import_id=record.pk, actor=actor, now=now)
        return Done(message="The import is cancelled.")


class Retry(_ImportStep):
    """The rows that failed are done again."""

    name, label, to, asks = "retry", "Try failed rows again", ImportStatus.QUEUED, False

    def is_possible(self, record: Import) -> bool:
        return record.failed > 0 and super().is_possible(record)

    def run(self, *, record: Import, form: forms.Form, actor: Actor, now: datetime) -> Done:
        services.retry_import(partner_id=record.partner_id, import_id=record.pk, actor=actor, now=now)
        return Done(message=f"{plural(record.failed, 'row')} will be done again.")


@admin.register(Import)
class ImportAdmin(RecordAdmin):
    """What partners sent as files, newest first."""

    section = "Partners"
    description = "Files of learners that partners sent, and what came of their rows."
    shortcuts = (("Running", "?status=running"), ("Queued", "?status=queued"))
    id_prefixes = (ids.IMPORT,)
    event_kinds = ("import",)
    steps = (Retry(), Cancel())
    record_template = "admin/enrollments/import/record.html"
    list_display = ("file", "partner_", "state", "progress", "rejected", "failed", "sent")
    list_display_links = ("file",)
    list_filter = (StatusFilter, PartnerFilter)
    list_select_related = ["partner"]
    ordering = ("-id",)
    search_help_text = "An imp_… or ptn_… id."

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Imports with the names of their partners."""
        return super().get_queryset(request).select_related("partner")

    def searched(self, queryset: QuerySet, text: str) -> QuerySet:
        """The import with this id, or those of a partner."""
        partner_id = ids.decode(ids.PARTNER, text)
        if partner_id is not None:
            return queryset.filter(partner_id=partner_id)
        import_id = ids.decode(ids.IMPORT, text)
        return queryset.none() if import_id is None else queryset.filter(pk=import_id)

    @admin.display(description="file")
    def file(self, row: Import) -> str:
        return str(row)

    @admin.display(description="partner")
    def partner_(self, row: Import) -> SafeString:
        return link_to_id(ids.encode(ids.PARTNER, row.partner_id), row.partner.name)

    @admin.display(description="status")
    def state(self, row: Import) -> SafeString:
        return badge(row.status)

    @admin.display(description="rows done")
    def progress(self, row: Import) -> SafeString:
        done = selectors.to_import(row).rows_processed
        return format_html(
            '<span class="share">{} / {} '
            '<progress class="{}" value="{}" max="{}" aria-hidden="true"></progress></span>',
            f"{done:,}",
            f"{row.rows_total:,}",
            "done" if row.status == ImportStatus.COMPLETED else "",
            done,
            max(row.rows_total, 1),
        )

    @admin.display(description="sent (UTC)")
    def sent(self, row: Import) -> SafeString | str:
        return moment(row.created_at)

    # -- the page -------------------------------------------------------------------------------

    def public_id(self, record: Import) -> str:
        """`imp_…`."""
        return ids.encode(ids.IMPORT, record.pk)

    def badges(self, record: Import) -> Sequence[str]:
        """Its state."""
        return [badge(record.status)]

    def facts(self, request: HttpRequest, record: Import) -> Sequence[Fact]:
        """Whose, and when what happened."""
        return [
            ("Partner", self.partner_(record)),
            ("Sent", moment(record.created_at)),
            ("Sent by", link_to_id(record.actor) if "_" in record.actor.partition(":")[0] else record.actor),
            ("Begun", moment(record.started_at)),
            ("Ended", moment(record.finished_at)),
        ]

    def details(self, request: HttpRequest, record: Import) -> dict[str, Any]:
        """How far it has come, and the first rows that came to nothing."""
        first = PageRequest(limit=_SHOWN_ROWS)
        shown = [
            row
            for result in _SHOWN_RESULTS
            if getattr(record, result)
            for row in selectors.list_rows(import_id=record.pk, result=result, page=first).rows
        ]
        return {
            "progress": self.progress(record),
            "counts": [(result.value, getattr(record, result)) for result in RowResult],
            "rows": [(row, badge(str(row.result))) for row in shown[:_SHOWN_ROWS]],
            "wrong": record.rejected + record.failed,
            "report_address": reverse("admin:enrollments_import_report", args=[record.pk]),
        }

    def get_urls(self) -> list[URLPattern]:
        """The base's, and the report."""
        report = self.admin_site.admin_view(self.report)
        return [path("<path:object_id>/report.csv", report, name="enrollments_import_report"), *super().get_urls()]

    def report(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """All rows as CSV, as the partner gets them."""
        record = self.get_object(request, object_id)
        if record is None:
            raise Http404
        if not self.has_view_permission(request, record):
            raise PermissionDenied
        rows = services.report_import(partner_id=record.partner_id, import_id=record.pk)
        return csv_file(report_lines(rows), name=f"{self.public_id(record)}.csv")
