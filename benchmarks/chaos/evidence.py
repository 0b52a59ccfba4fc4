"""What is left after the storm: what clients were told, what the database holds, what partners and people received."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from functools import cached_property
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row

from benchmarks.chaos.journal import Operation
from common.tests.receiver import Received

_QUERIES = {
    "places": "SELECT *, public_id('crs', course_id) AS name FROM courses_courseplaces ORDER BY course_id",
    "rows": """
        SELECT *, public_id('enr', id) AS name, public_id('crs', course_id) AS course,
            public_id('usr', learner_id) AS who
        FROM enrollments_enrollment ORDER BY id
    """,
    "reviews": "SELECT *, public_id('rev', id) AS name FROM reviews_review ORDER BY id",
    "events": "SELECT *, public_id('evt', uuid) AS name FROM common_event ORDER BY id",
    "answers": "SELECT key, status, body FROM common_idempotencyrecord",
    "mails": "SELECT mail.*, public_id('evt', event.uuid) AS event FROM common_mail mail JOIN common_event event"
    " ON event.id = mail.event_id",
    "deliveries": "SELECT delivery.*, public_id('evt', event.uuid) AS event FROM common_webhookdelivery delivery"
    " JOIN common_event event ON event.id = delivery.event_id",
    "readers": "SELECT name, position FROM common_feedreader",
    "jobs": """
        SELECT job.id, task_name, job.status, lock, worker.id IS NOT NULL
            AND worker.last_heartbeat > now() - interval '3 seconds' AS has_living_worker
        FROM procrastinate_jobs job LEFT JOIN procrastinate_workers worker ON worker.id = job.worker_id
    """,
}


@dataclass(kw_only=True)
class Evidence:
    """Everything that the checker looks at."""

    operations: Sequence[Operation]
    replays: Sequence[Operation]
    before_replays: dict[str, int]
    after_replays: dict[str, int]
    tables: dict[str, list[Any]]
    mails: Sequence[Message]
    hooks: Sequence[Received]
    hook_secret: str
    is_settled: bool
    worker_deaths: int
    last_fault: float
    start_seconds: float
    operators_findings: str

    @cached_property
    def events_of(self) -> dict[str, list[Any]]:
        """The events of one row, whether as an enrollment or as a place in line, by what both names share."""
        found = defaultdict(list)
        for event in self.tables["events"]:
            found[event.subject.partition("_")[2]].append(event)
        return found

    @cached_property
    def row_of(self) -> dict[str, Any]:
        """A row by what its public ids share."""
        return {row.name.partition("_")[2]: row for row in self.tables["rows"]}

    @cached_property
    def events_by_operation(self) -> dict[str, list[Any]]:
        """The events that the requests of one operation caused."""
        found = defaultdict(list)
        for event in self.tables["events"]:
            found[event.request_id.rpartition(".")[0]].append(event)
        return found

    def of(self, *kinds: str) -> list[Operation]:
        """The operations of these kinds, in the order in which they ended."""
        return [each for each in self.operations if each.kind in kinds]


def tables_of(connection: psycopg.Connection) -> dict[str, list[Any]]:
    """What the database holds, at one instant."""
    with connection.transaction(), connection.cursor(row_factory=namedtuple_row) as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        return {name: cursor.execute(query).fetchall() for name, query in _QUERIES.items()}


def sizes_of(connection: psycopg.Connection) -> dict[str, int]:
    """How much there is of what clients can cause."""
    tables = ("enrollments_enrollment", "reviews_review", "common_event", "common_idempotencyrecord")
    counted = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}
    seats = connection.execute("SELECT sum(seats_taken + waiting + last_queue_number) FROM courses_courseplaces")
    return {**counted, "seats": seats.fetchone()[0]}
