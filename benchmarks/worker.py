"""A worker as production runs it, and how many small jobs it does in a second."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks import cpu
from benchmarks.database import Database, service_environment
from benchmarks.world import course
from common import ids

JOBS = 4_000
# The first and last tenth are left out: of a start, and of an end in which the last few jobs wait for nobody.
_EDGE = 0.1
_MOST_SECONDS = 120
_ROOT = Path(__file__).parent.parent
_FIRST_COURSE = 20_000

# Small: a webhook's turn that finds nothing to send, with one statement. Larger: a look for people to promote in a
# course where nobody waits, which takes the course's lock. Each has a key of its own.
_SMALL, _LARGER = "webhooks.take_turn", "enrollments.promote_waitlist"
_DEFER = """
    SELECT procrastinate_defer_jobs_v1(array_agg(
        ROW(%(lane)s::varchar, %(name)s::varchar, 0, id, NULL,
            jsonb_build_object(%(argument)s::text, id, 'request_id', ''), NULL)::procrastinate_job_to_defer_v1))
    FROM unnest(%(ids)s::text[]) AS wanted(id)
"""
_DONE = """
    SELECT count(*) FILTER (WHERE status = 'succeeded'), count(*) FILTER (WHERE status = 'failed')
    FROM procrastinate_jobs WHERE task_name = %s
"""


@dataclass(frozen=True, kw_only=True)
class Worked:
    """What one worker did of a heap of jobs of one kind."""

    rate: float
    cpu_ms: float


@contextmanager
def at_work(database: Database) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that has entered itself and takes jobs; it has finished what it was at when the block is left."""
    with tempfile.TemporaryFile() as log:
        worker = subprocess.Popen(
            [sys.executable, "manage.py", "worker"],
            cwd=_ROOT,
            env=service_environment(database.url),
            stdout=log,
            stderr=log,
        )
        try:
            _wait_until_at_work(database)
            yield worker
        finally:
            worker.terminate()
            worker.wait(30)


def _wait_until_at_work(database: Database) -> None:
    deadline = time.monotonic() + _MOST_SECONDS
    with database.connect() as connection:
        while not connection.execute("SELECT 1 FROM procrastinate_workers").fetchone():
            if time.monotonic() > deadline:
                raise RuntimeError("The worker did not start.")
            time.sleep(0.1)


def measure(database: Database) -> tuple[Worked, Worked, list[str]]:
    """Have one worker do many small jobs that wait already, and then larger ones. Also what was wrong afterwards."""
    webhooks = [ids.encode(ids.WEBHOOK, ids.new_uuid()) for _ in range(JOBS)]
    courses = [ids.encode(ids.COURSE, course(number)) for number in range(_FIRST_COURSE, _FIRST_COURSE + JOBS)]
    small, faults = _measure(database, {"lane": "outbound", "name": _SMALL, "argument": "webhook", "ids": webhooks})
    larger, more = _measure(database, {"lane": "default", "name": _LARGER, "argument": "course_id", "ids": courses})
    return small, larger, faults + more


def _measure(database: Database, heap: dict[str, object]) -> tuple[Worked, list[str]]:
    name = str(heap["name"])
    with database.connect() as connection:
        connection.execute(_DEFER, heap)
        connection.execute("ANALYZE procrastinate_jobs")
        with at_work(database) as worker:
            first, began, used = _wait_until_done(connection, name, JOBS * _EDGE, worker.pid)
            last, ended, used_at_end = _wait_until_done(connection, name, JOBS * (1 - _EDGE), worker.pid)
            _wait_until_done(connection, name, JOBS, worker.pid)
        _, failed = connection.execute(_DONE, [name]).fetchone()
    done = last - first
    worked = Worked(rate=done / (ended - began), cpu_ms=(used_at_end - used) / done * 1000)
    return worked, [f"{name}: {failed} of {JOBS} failed"] if failed else []


def _wait_until_done(
    connection: psycopg.Connection, name: str, wanted: float, worker_pid: int
) -> tuple[int, float, float]:
    """How many jobs are done when at least so many are, at which moment, and what the worker had used by then."""
    deadline = time.monotonic() + _MOST_SECONDS
    while time.monotonic() < deadline:
        succeeded, failed = connection.execute(_DONE, [name]).fetchone()
        if succeeded + failed >= wanted:
            return succeeded, time.monotonic(), cpu.seconds_used(worker_pid)
        time.sleep(0.1)
    raise RuntimeError("The worker did not come to an end.")
