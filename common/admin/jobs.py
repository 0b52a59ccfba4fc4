"""The background jobs and their workers: to read, and to have failed jobs tried again."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import Max, Min, Q, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from procrastinate.contrib.django.models import ProcrastinateEvent, ProcrastinateJob, ProcrastinateWorker

from common import clock, jobs
from common.admin.base import Fact, RecordAdmin
from common.admin.display import NOTHING, ago, badge, code, link_to_request, moment, plural
from common.admin.filters import ChoiceFilter, YesNoFilter
from common.admin.lists import MOST_COUNTED
from common.admin.steps import Done, Step
from common.models import JobFault
from common.types import Actor

_STATES = {
    "todo": "waiting",
    "doing": "running",
    "succeeded": "done",
    "failed": "failed",
    "cancelled": "cancelled",
    "aborted": "aborted",
}


class StatusFilter(ChoiceFilter):
    """Jobs in one state."""

    title = parameter_name = column = "status"
    options = [(status, label.capitalize()) for status, label in _STATES.items()]


class LaneFilter(ChoiceFilter):
    """Jobs in one lane."""

    title = parameter_name = "lane"
    column = "queue_name"
    options = [(lane, lane.capitalize()) for lane in jobs.LANES]


class Retry(Step):
    """A failed job waits again."""

    name, label, permission, asks = "retry", "Try again", "common.retry_job", False

    def is_possible(self, record: ProcrastinateJob) -> bool:
        return record.status == "failed"

    def run(self, *, record: ProcrastinateJob, form: forms.Form, actor: Actor, now: datetime) -> Done:
        jobs.retry(job_id=record.pk)
        return Done(message=f"Job {record.pk} waits for a worker, with all its attempts before it.")


@admin.register(ProcrastinateJob)
class JobAdmin(RecordAdmin):
    """What waits to be done, is being done, was done, or failed."""

    section = "System"
    heading, nouns = "Jobs", ("job", "jobs")
    description = "Background work: what waits, runs, is done, or failed, and why."
    shortcuts = (("Failed", "?status=failed"), ("Running", "?status=doing"), ("Waiting", "?status=todo"))
    list_display = ("id", "task_name", "arguments", "state", "attempts", "next_try", "last_fault")
    list_filter = (StatusFilter, LaneFilter)
    list_select_related: ClassVar[list[str]] = []
    ordering = ("-id",)
    search_help_text = "The number of a job, or the whole name of a task."
    steps = (Retry(),)

    def searched(self, queryset: QuerySet, text: str) -> QuerySet:
        """The job with this number, or those of this name."""
        if text.isascii() and text.isdigit():
            return queryset.filter(pk=min(int(text), 2**63 - 1))
        return queryset.filter(task_name=text)

    def prepare(self, rows: list[Any]) -> None:
        """The last fault of each."""
        newest = JobFault.objects.filter(job_id__in=[row.pk for row in rows]).values("job_id").annotate(last=Max("id"))
        faults = dict(JobFault.objects.filter(pk__in=newest.values("last")).values_list("job_id", "report"))
        for row in rows:
            row.fault = faults.get(row.pk, "")

    def overview(self, request: HttpRequest) -> SafeString | str:
        """Whether anybody works, and whether anything is wrong."""
        return render_to_string("admin/jobs.html", {"lines": _overview(self)}, request)

    def name_of(self, record: ProcrastinateJob) -> str:
        """By its task."""
        return f"{record.task_name} ({record.pk})"

    def badges(self, record: ProcrastinateJob) -> Sequence[str]:
        """Its state."""
        return [self.state(record)]

    def facts(self, request: HttpRequest, record: ProcrastinateJob) -> Sequence[Fact]:
        """What it is, what went wrong, the newest fault first, and what became of each attempt."""
        log = ProcrastinateEvent.objects.filter(job_id=record.pk).order_by("at", "id").values_list("at", "type")
        faults = JobFault.objects.filter(job_id=record.pk).order_by("-id")[:10]
        return [
            ("Arguments", format_html("<pre>{}</pre>", json.dumps(record.args, indent=2))),
            ("Request", link_to_request(record.args.get("request_id", ""))),
            ("Lane", record.queue_name),
            ("Runs alone among", code(record.lock or "")),
            ("Attempts", record.attempts),
            ("Next try", self.next_try(record)),
            ("Runs at", f"worker {record.worker_id}" if record.status == "doing" and record.worker_id else NOTHING),
            *(
                (f"Attempt {fault.attempt} failed", format_html("{}<pre>{}</pre>", moment(fault.at), fault.report))
                for fault in faults
            ),
            ("Log", format_html("<pre>{}</pre>", "\n".join(_log_line(at, kind) for at, kind in log[:100]))),
        ]

    @admin.display(description="arguments")
    def arguments(self, job: ProcrastinateJob) -> SafeString | str:
        shown = {name: value for name, value in job.args.items() if value != "" and name != jobs.TRACEPARENT}
        return code(", ".join(f"{name}={value}" for name, value in shown.items()))

    @admin.display(description="status")
    def state(self, job: ProcrastinateJob) -> SafeString:
        return badge(job.status, _STATES.get(job.status))

    @admin.display(description="next try")
    def next_try(self, job: ProcrastinateJob) -> SafeString | str:
        if job.status != "todo":
            return NOTHING
        return "now" if job.scheduled_at is None or job.scheduled_at <= clock.now() else moment(job.scheduled_at)

    @admin.display(description="last fault")
    def last_fault(self, job: Any) -> SafeString | str:
        lines = job.fault.strip().splitlines()
        return format_html("<small>{}</small>", lines[-1][:120]) if lines else ""


class AliveFilter(YesNoFilter):
    """Workers that are heard of, or not."""

    title = parameter_name = "alive"
    column = "last_heartbeat"

    def chosen(self, queryset: QuerySet, value: str) -> QuerySet:
        """Those whose heartbeat is young enough, or those whose is not."""
        alive = Q(last_heartbeat__gte=_oldest_heartbeat())
        return queryset.filter(alive if value == "yes" else ~alive)


@admin.register(ProcrastinateWorker)
class WorkerAdmin(RecordAdmin):
    """Who does the background work: an entry for each lane of each worker process."""

    section = "System"
    heading, nouns = "Workers", ("worker", "workers")
    description = "Who does the background work, and when they were last heard of."
    list_display = ("id", "state", "heartbeat", "running")
    list_filter = (AliveFilter,)
    list_select_related: ClassVar[list[str]] = []
    ordering = ("-id",)

    def prepare(self, rows: list[Any]) -> None:
        """How many jobs each is at."""
        keys = ProcrastinateJob.objects.filter(status="doing", worker__in=[row.pk for row in rows])
        at_hand = Counter(keys.values_list("worker_id", flat=True))
        for row in rows:
            row.at_hand = at_hand[row.pk]

    def name_of(self, record: ProcrastinateWorker) -> str:
        """By its number."""
        return f"Worker {record.pk}"

    def badges(self, record: ProcrastinateWorker) -> Sequence[str]:
        """Whether it is alive."""
        return [self.state(record)]

    def facts(self, request: HttpRequest, record: Any) -> Sequence[Fact]:
        """When it was heard of, and what it is at."""
        at_hand = ProcrastinateJob.objects.filter(worker=record, status="doing").order_by("id")[:20]
        return [
            ("Last heard of", self.heartbeat(record)),
            *((f"Job {job.pk}", job.task_name) for job in at_hand),
        ]

    @admin.display(description="state")
    def state(self, worker: ProcrastinateWorker) -> SafeString:
        alive = worker.last_heartbeat >= _oldest_heartbeat()
        return badge("active", "alive") if alive else badge("failed", "not heard of")

    @admin.display(description="last heard of")
    def heartbeat(self, worker: ProcrastinateWorker) -> str:
        return ago(worker.last_heartbeat)

    @admin.display(description="jobs at hand")
    def running(self, worker: Any) -> int:
        return int(worker.at_hand)


def _log_line(at: datetime, kind: str) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}  {kind.replace('_', ' ')}"


def _oldest_heartbeat() -> datetime:
    """A worker that was not heard of since then is dead."""
    return clock.now() - timedelta(seconds=settings.STALLED_WORKER_SECONDS)


def _overview(jobs_admin: JobAdmin) -> list[tuple[str, str, str]]:
    """What there is to say: a state, a sentence, and where to look."""
    alive = ProcrastinateWorker.objects.filter(last_heartbeat__gte=_oldest_heartbeat()).count() // len(jobs.LANES)
    failed = ProcrastinateJob.objects.filter(status="failed")[:MOST_COUNTED].count()
    due = ProcrastinateJob.objects.filter(Q(scheduled_at=None) | Q(scheduled_at__lte=clock.now()), status="todo")
    waiting = due[:MOST_COUNTED].count()
    since = ProcrastinateEvent.objects.filter(
        job_id=due.aggregate(oldest=Min("id"))["oldest"], type__in=["deferred", "retried"]
    ).aggregate(at=Max("at"))["at"]
    waits = f"{plural(waiting, 'job')} waiting" + (f", the first of them deferred {ago(since)}" if since else "")
    return [
        ("good" if alive else "bad", f"{plural(alive, 'worker')} alive", jobs_admin.list_address(status="doing")),
        ("bad" if failed else "good", f"{plural(failed, 'job')} failed", jobs_admin.list_address(status="failed")),
        ("good", waits, jobs_admin.list_address(status="todo")),
    ]
