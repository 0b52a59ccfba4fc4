"""What came of one request, from the id that its client has: events, jobs, mails, webhooks, its lines and its trace."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from common import db, ids
from common.context import is_request_id
from common.events import selectors as events
from common.events.types import EventRecord
from common.models import Event, Mail, WebhookDelivery

FORMAT = "lectern-explain/1"
# Of each kind. An import of a partner is one request, and can be ten thousand events.
MOST = 100

_JOBS = """
    SELECT id, task_name, queue_name, status::text, attempts, args ->> 'traceparent',
        (SELECT min(at) FROM procrastinate_events WHERE job_id = job.id),
        (SELECT report FROM common_jobfault WHERE job_id = job.id ORDER BY id DESC LIMIT 1)
    FROM procrastinate_jobs AS job
    WHERE args ->> 'request_id' = %s AND args ->> 'request_id' <> ''
    ORDER BY id LIMIT %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job that the request caused. Known for a week after its end."""

    id: int
    name: str
    lane: str
    status: str
    attempts: int
    deferred_at: datetime | None
    last_fault: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A mail or a delivery to a webhook, because of one of the request's events. Known for a month after its end."""

    key: int
    to: str
    event: str
    status: str
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """All that is known of a request, oldest first."""

    request_id: str
    traces: Sequence[str]
    events: Sequence[EventRecord]
    jobs: Sequence[Job]
    mails: Sequence[Told]
    deliveries: Sequence[Told]
    lines: Sequence[dict[str, Any]] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known of it."""
        return not (self.events or self.jobs or self.lines)

    @property
    def logs_url(self) -> str:
        """Where its lines are looked up, empty if nobody has said."""
        return _filled(settings.LOGS_URL, self.request_id)

    @property
    def traces_url(self) -> str:
        """Where its trace is looked up, empty if nobody has said."""
        return _filled(settings.TRACES_URL, self.request_id)


def explain(request_id: str, *, log: Iterable[str] = ()) -> Explanation:
    """What is known of the request; `log` are lines as the service writes them, among them perhaps some of its own."""
    can_be = is_request_id(request_id)  # the database takes no NUL
    rows = db.fetch_set(_JOBS, [request_id, MOST]) if can_be else []
    own = events.of_request(request_id=request_id, limit=MOST) if can_be else {}
    lines = list(_own_lines(request_id, log))
    traces = [str(traceparent)[3:35] for *_, traceparent, _at, _report in rows if traceparent]
    traces += [line["trace_id"] for line in lines if line.get("trace_id")]
    keys = list(own)
    return Explanation(
        request_id=request_id,
        traces=list(dict.fromkeys(traces)),
        events=list(own.values()),
        jobs=[_job(row) for row in rows],
        mails=_mails(keys),
        deliveries=_deliveries(keys),
        lines=lines,
    )


def is_known(request_id: str) -> bool:
    """Whether the request left anything in the database."""
    if not is_request_id(request_id):
        return False
    caused = Event.objects.filter(request_id=request_id).exclude(request_id="").exists()
    return caused or bool(db.fetch_set(_JOBS, [request_id, 1]))


def plain(explanation: Explanation) -> dict[str, Any]:
    """As programs read it."""
    return {
        "format": FORMAT,
        "request_id": explanation.request_id,
        "traces": explanation.traces,
        "logs_url": explanation.logs_url or None,
        "traces_url": explanation.traces_url or None,
        "events": [
            {
                "id": ids.encode(ids.EVENT, event.id),
                "type": event.type,
                "subject": event.subject,
                "actor": event.actor,
                "time": event.time,
            }
            for event in explanation.events
        ],
        "jobs": [asdict(job) for job in explanation.jobs],
        "mails": [asdict(mail) for mail in explanation.mails],
        "deliveries": [asdict(delivery) for delivery in explanation.deliveries],
        "lines": explanation.lines,
    }


def _job(row: tuple[Any, ...]) -> Job:
    key, name, lane, status, attempts, _traceparent, at, report = row
    last = (report or "").strip().rpartition("\n")[2]
    return Job(id=key, name=name, lane=lane, status=status, attempts=attempts, deferred_at=at, last_fault=last)


def _mails(events: Sequence[int]) -> list[Told]:
    rows = Mail.objects.filter(event__in=events).select_related("event").order_by("pk")[:MOST]
    return [_told(row, ids.encode(ids.USER, row.recipient_id)) for row in rows]


def _deliveries(events: Sequence[int]) -> list[Told]:
    rows = WebhookDelivery.objects.filter(event__in=events).select_related("event").order_by("pk")[:MOST]
    return [_told(row, ids.encode(ids.WEBHOOK, row.webhook_id)) for row in rows]


def _told(row: Mail | WebhookDelivery, to: str) -> Told:
    return Told(key=row.pk, to=to, event=row.event.type, status=row.status, attempts=row.attempts)


def _own_lines(request_id: str, log: Iterable[str]) -> Iterator[dict[str, Any]]:
    for line in log:
        if request_id in line:
            # What collects lines may put something before each, as journald and Docker do.
            said = _read(line[line.find("{") :])
            if said.get("request_id") == request_id:
                yield said


def _read(text: str) -> dict[str, Any]:
    try:
        said = json.loads(text)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _filled(template: str, request_id: str) -> str:
    return template.replace("{request_id}", request_id)
