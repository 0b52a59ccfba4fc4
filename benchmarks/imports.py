"""A partner's file, done by a worker while clients enroll in the same courses; and the bare limit of the same rows."""

import http.client
import json
import secrets
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import psycopg

from benchmarks import cpu
from benchmarks.checks import faults_of
from benchmarks.database import Database
from benchmarks.load import Wave
from benchmarks.people import access_tokens
from benchmarks.service import Service
from benchmarks.targets import Stage, Target
from benchmarks.worker import at_work
from benchmarks.world import course
from common import ids

_ROOT = Path(__file__).parent.parent
ROWS, QUICK_ROWS = 100_000, 20_000
COURSES = 50
CLIENTS = 4
_FIRST_COURSE = 5_000
_MOST_SECONDS = 600
_PARTNER = UUID("01900000-0000-7000-f000-000000000001")

# What the import wrote, table by table, as other people of another partner: the same rows for COPY to write again.
_SAME_ROWS = {
    "enrollments_partner": ("id, name", "{new}(id), 'bare'"),
    "enrollments_import": (
        """id, partner_id, status, rows_total, done_through, enrolled, waitlisted, unchanged, rejected, failed, actor,
        request_id""",
        """{new}(id), {new}(partner_id), status, rows_total, done_through, enrolled, waitlisted, unchanged, rejected,
        failed, actor, request_id""",
    ),
    "enrollments_importrow": (
        "file_id, line, course_id, external_id, email, name, result, code, detail",
        "{new}(file_id), line, course_id, external_id, email, name, result, code, detail",
    ),
    "common_user": (
        "id, email, display_name, password, is_active, is_staff, is_superuser, version",
        "{new}(id), 'bare-' || email, display_name, password, is_active, is_staff, is_superuser, version",
    ),
    "enrollments_partnerlearner": (
        "partner_id, external_id, learner_id",
        "{new}(partner_id), external_id, {new}(learner_id)",
    ),
    "enrollments_enrollment": (
        "id, course_id, learner_id, status, source, partner_id, external_id, queue_number, joined_at, enrolled_at",
        """{new}(id), course_id, {new}(learner_id), status, source, {new}(partner_id), external_id,
        queue_number + 100000000, joined_at, enrolled_at""",
    ),
    "common_event": (
        "uuid, type, subject, course, partner, actor, request_id, data",
        "{new}(uuid), type, subject, course, partner, actor, request_id, data",
    ),
}
_OF_THE_IMPORT = {
    "enrollments_partner": "id = '{partner}'",
    "enrollments_import": "partner_id = '{partner}'",
    "enrollments_importrow": "file_id IN (SELECT id FROM enrollments_import WHERE partner_id = '{partner}')",
    "common_user": "id IN (SELECT learner_id FROM enrollments_partnerlearner WHERE partner_id = '{partner}')",
    "enrollments_partnerlearner": "partner_id = '{partner}'",
    "enrollments_enrollment": "partner_id = '{partner}'",
    "common_event": "partner = '{public}'",
}
_NEW_ID = """
    CREATE FUNCTION pg_temp.new(uuid) RETURNS uuid LANGUAGE sql AS $$ SELECT ('f' || substr($1::text, 2))::uuid $$
"""


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What one import came to: its rows and their results, how long it took, and how those fared who enrolled then."""

    rows: int
    counts: dict[str, int]
    taking_seconds: float
    seconds: float
    worker_cpu_seconds: float
    beside: Wave
    copy_seconds: float

    @property
    def rate(self) -> float:
        """Rows per second, from the first byte sent to the last result."""
        return self.rows / self.seconds

    @property
    def limit(self) -> float:
        """Rows per second of COPY for the same rows into the same tables."""
        return self.rows / self.copy_seconds


def measure(stage: Stage, *, rows: int) -> tuple[Imported, list[str]]:
    """Import so many rows over 50 courses while 4 clients enroll in them. Also what was wrong afterwards."""
    courses = range(_FIRST_COURSE, _FIRST_COURSE + COURSES)
    _prepare(stage.database, courses, seats=rows // COURSES * 3 // 4)
    key = _new_key(stage.database)
    content = _file(rows)
    with at_work(stage.database) as worker, enrolling(stage, courses, lines=rows) as stop:
        before, started = cpu.seconds_used(worker.pid), time.monotonic()
        address = _send(stage.service, key, content)
        taken = time.monotonic()
        done = _finished(stage.service, key, address)
        seconds = time.monotonic() - started
        used = cpu.seconds_used(worker.pid) - before
        beside = stop()
    target = Target(name="enroll beside an import", run=lambda _: beside, expected=frozenset({"201", "202"}))
    faults = faults_of(target, beside, stage.database)
    if done["rows_processed"] != rows or done["counts"]["failed"]:
        faults.append(f"import: {done['counts']} of {rows} rows")
    imported = Imported(
        rows=rows,
        counts=done["counts"],
        taking_seconds=taken - started,
        seconds=seconds,
        worker_cpu_seconds=used,
        beside=beside,
        copy_seconds=_copy_again(stage.database),
    )
    return imported, faults


def _prepare(database: Database, courses: range, *, seats: int) -> None:
    with database.connect() as connection:
        connection.execute(
            "UPDATE courses_courseplaces SET capacity = seats_taken + %s WHERE course_id = ANY(%s)",
            [seats, [course(number) for number in courses]],
        )


def _new_key(database: Database) -> str:
    secret = secrets.token_urlsafe(32)
    with database.connect() as connection:
        connection.execute("INSERT INTO enrollments_partner (id, name) VALUES (%s, 'Benchmark')", [_PARTNER])
        connection.execute(
            "INSERT INTO enrollments_partnerkey (id, partner_id, prefix, digest) VALUES (%s, %s, 'bench', %s)",
            [_PARTNER, _PARTNER, sha256(secret.encode()).digest()],
        )
    return f"lectern_bench_{secret}"


def _file(rows: int) -> bytes:
    """Mostly strangers; each tenth has an account already; of a hundred rows one is wrong, and one is there twice."""
    lines = ["course_id,external_id,email,name"]
    for number in range(rows):
        place = ids.encode(ids.COURSE, course(_FIRST_COURSE + number % COURSES))
        again = number - COURSES if number % 100 == 99 and number > COURSES else number
        email = f"learner{again + 2}@example.org" if again % 10 == 5 else f"employee{again}@example.com"
        lines.append(f"{place},emp-{again},{'not an email' if number % 100 == 50 else email},Employee {again}")
    return "\n".join(lines).encode()


@contextmanager
def enrolling(stage: Stage, courses: range, *, lines: int) -> Iterator:
    """4 clients enroll one newcomer after the other; what is yielded stops them, and gives what they saw."""
    learners = stage.take_newcomers(lines)
    chosen = [ids.encode(ids.COURSE, course(courses[index % COURSES])) for index in range(len(learners))]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.writelines(f"{token} {place}\n" for token, place in zip(access_tokens(learners), chosen, strict=True))
        file.flush()
        options = ["--threads", "1", "--connections", str(CLIENTS), "--duration", f"{_MOST_SECONDS}s"]
        command = ["wrk", *options, "--timeout", "10s", "--script", "enroll.lua", stage.service.url, "--", file.name]
        clients = subprocess.Popen(
            command, cwd=Path(__file__).parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

        def stop() -> Wave:
            clients.send_signal(signal.SIGINT)
            output, _ = clients.communicate(timeout=30)
            results = [line for line in output.splitlines() if line.startswith("RESULT ")]
            if not results or "no learners left" in output:
                raise RuntimeError(f"wrk failed:\n{output}")
            result = json.loads(results[0].removeprefix("RESULT "))
            return Wave(**result, application_ms=None, database_ms=None, courses=frozenset(courses))

        try:
            yield stop
        finally:
            clients.kill()


def _ask(service: Service, key: str, method: str, path: str, body: bytes | None = None) -> tuple[dict, str]:
    headers = {"X-Forwarded-Proto": "https", "Authorization": f"Api-Key {key}"}
    if body is not None:
        headers["Content-Type"] = "text/csv"
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=120)
    try:
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        content = response.read()
        if response.status >= 300:
            raise RuntimeError(f"{method} {path} was answered with {response.status}: {content[:500]!r}")
        return json.loads(content), response.getheader("Location", "")
    finally:
        connection.close()


def _send(service: Service, key: str, content: bytes) -> str:
    return _ask(service, key, "POST", "/api/v1/partner/imports", content)[1]


def _finished(service: Service, key: str, address: str) -> dict:
    deadline = time.monotonic() + _MOST_SECONDS
    while time.monotonic() < deadline:
        done, _ = _ask(service, key, "GET", address)
        if done["status"] == "completed":
            return done
        time.sleep(0.2)
    raise RuntimeError("The import did not come to its end.")


def _copy_again(database: Database) -> float:
    """How long COPY takes for the same rows, with all indexes and constraints, in one transaction."""
    values = {"partner": _PARTNER, "public": ids.encode(ids.PARTNER, _PARTNER), "new": "pg_temp.new"}
    with database.connect() as connection, tempfile.TemporaryDirectory() as folder:
        connection.execute(_NEW_ID)
        for table, (_, selected) in _SAME_ROWS.items():
            which = _OF_THE_IMPORT[table].format(**values)
            _to_file(connection, f"SELECT {selected.format(**values)} FROM {table} WHERE {which}", Path(folder, table))
        started = time.monotonic()
        with connection.transaction():
            connection.execute("SET LOCAL statement_timeout = 0")
            for table, (columns, _) in _SAME_ROWS.items():
                _from_file(connection, f"COPY {table} ({columns}) FROM STDIN", Path(folder, table))
        return time.monotonic() - started


def _to_file(connection: psycopg.Connection, query: str, path: Path) -> None:
    with path.open("wb") as file, connection.cursor().copy(f"COPY ({query}) TO STDOUT") as copy:
        for block in copy:
            file.write(block)


def _from_file(connection: psycopg.Connection, statement: str, path: Path) -> None:
    with path.open("rb") as file, connection.cursor().copy(statement) as copy:
        while block := file.read(1_048_576):
            copy.write(block)
