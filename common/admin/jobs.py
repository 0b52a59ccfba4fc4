"""The background jobs, to read."""

import json
from collections.abc import Sequence
from typing import ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from procrastinate.contrib.django.models import ProcrastinateEvent, ProcrastinateJob

from common.admin.base import Fact, RecordAdmin
from common.admin.display import badge, code, moment
from common.admin.filters import ChoiceFilter


class StatusFilter(ChoiceFilter):
    """Jobs in one state."""

    title = parameter_name = column = "status"
    options = [(status, status.capitalize()) for status in ProcrastinateJob.STATUSES]


@admin.register(ProcrastinateJob)
class JobAdmin(RecordAdmin):
    """What waits to be done, is being done, was done, or failed."""

    section = "System"
    heading, nouns = "Jobs", ("job", "jobs")
    description = "Background work: what waits, runs, is done, or failed."
    shortcuts = (("Failed", "?status=failed"), ("Waiting", "?status=todo"))
    list_display = ("id", "task_name", "arguments", "state", "attempts", "scheduled")
    list_filter = (StatusFilter,)
    list_select_related: ClassVar[list[str]] = []
    ordering = ("-id",)
    search_help_text = "The number of a job, or the whole name of a task."

    def searched(self, queryset: QuerySet, text: str) -> QuerySet:
        """The job with this number, or those of this name."""
        if text.isascii() and text.isdigit():
            return queryset.filter(pk=min(int(text), 2**63 - 1))
        return queryset.filter(task_name=text)

    def badges(self, record: ProcrastinateJob) -> Sequence[str]:
        """Its state."""
        return [self.state(record)]

    def facts(self, request: HttpRequest, record: ProcrastinateJob) -> Sequence[Fact]:
        """What it is, and what became of each attempt."""
        log = ProcrastinateEvent.objects.filter(job_id=record.pk).order_by("at").values_list("at", "type")
        return [
            ("Task", record.task_name),
            ("Arguments", format_html("<pre>{}</pre>", json.dumps(record.args, indent=2))),
            ("Runs alone among", code(record.lock or "")),
            ("Attempts", record.attempts),
            ("Not before", moment(record.scheduled_at)),
            *((kind.replace("_", " ").capitalize(), moment(at)) for at, kind in log[:100]),
        ]

    @admin.display(description="arguments")
    def arguments(self, job: ProcrastinateJob) -> SafeString | str:
        return code(", ".join(f"{name}={value}" for name, value in job.args.items()))

    @admin.display(description="status")
    def state(self, job: ProcrastinateJob) -> SafeString:
        return badge(job.status)

    @admin.display(description="not before")
    def scheduled(self, job: ProcrastinateJob) -> SafeString | str:
        return moment(job.scheduled_at)
