"""Workers in processes of their own, and what tests see of them."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db import connection, transaction
from psycopg.conninfo import conninfo_to_dict

from common import jobs
from common.tests.patience import eventually

Process = subprocess.Popen[bytes]

OTHERS_CONNECTED = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


@contextmanager
def workers(log: Path, *, metrics: str = "", **options: str) -> Iterator[Callable[[], Process]]:
    """Starts workers on the database of the tests; they write to `log`, and none is left after the block.

    `metrics` is where one of them tells what it counts.
    """
    started = []
    environment = {
        **os.environ,
        "DATABASE_URL": url_of_the_database(**options),
        # What LISTENs cannot pass PgBouncer.
        "WORKER_DATABASE_URL": url_of_the_database(**{**directly(), **options}),
        "DJANGO_SETTINGS_MODULE": "common.tests.worker_settings",
        "SAMPLE_CHORE": chores_of(log),
    }

    def start() -> Process:
        with log.open("ab") as stderr:
            command = [sys.executable, "manage.py", "worker", *(["--metrics", metrics] if metrics else [])]
            started.append(subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment, stderr=stderr))
        return started[-1]

    yield start
    for worker in started:
        worker.kill()
        worker.wait()
    wait_until_others_are_gone()


def wait_until_others_are_gone() -> None:
    """The server has missed every killed client: their locks are free, and the database could be dropped."""
    # PgBouncer keeps its connections, on which nothing goes on any more.
    at_work = f"{OTHERS_CONNECTED} AND state <> 'idle'"
    wait_until(lambda: query(at_work if settings.THROUGH_PGBOUNCER else OTHERS_CONNECTED) == [])


def chores_of(log: Path) -> str:
    """Where a worker with this log leaves a line each time it does the sample chore."""
    return f"{log}.chores"


def url_of_the_database(**options: str) -> str:
    """Where the tests' database is, by another way if `options` say so."""
    connection.ensure_connection()
    there = connection.connection.info
    way = {"host": there.host, "port": str(there.port), "user": there.user, "password": there.password, **options}
    return f"postgres:///{there.dbname}?{urlencode(way)}"


def directly() -> dict[str, str]:
    """How to get to the server itself, where the tests run through PgBouncer."""
    there = conninfo_to_dict(settings.WORKER_DATABASE_URL)
    return {name: str(there[name]) for name in ("host", "port") if name in there}


def lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def defer(job: Callable[..., None], **arguments: Any) -> None:
    with transaction.atomic():
        jobs.defer(job, **arguments)


def query(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def outcomes() -> list[tuple[str, int]]:
    """How each sample job stands and how often it was tried, oldest first; periodic ones are left out."""
    return query("SELECT status::text, attempts FROM procrastinate_jobs WHERE NOT args ? 'timestamp' ORDER BY id")


def alive() -> int:
    """How many workers have entered themselves: each is one for each lane."""
    return len(query("SELECT id FROM procrastinate_workers")) // len(jobs.LANES)


def wait_until(condition: Callable[[], bool]) -> None:
    assert eventually(condition), f"in vain: {outcomes()}"
