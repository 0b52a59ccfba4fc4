"""`make failover`: the primary is killed under load, and the standby takes its place with all that was acknowledged.

A primary and a synchronous standby; a service that finds the primary by both addresses, and reads from the standby.
Clients enroll, and send again what was not answered, under the same key; others look at the catalogue. The standby
falls behind, the primary is killed, fenced, and the standby promoted. Then every answer is compared with the database.
"""

import argparse
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from threading import Event, Lock
from urllib.parse import urlencode

import psycopg

from benchmarks import service
from benchmarks.database import Database, service_environment
from benchmarks.people import access_tokens
from benchmarks.world import MANY, World, course, person
from common import embedded_postgres, ids

_ROOT = Path(__file__).parent.parent
_FOLDER = _ROOT / "var" / "failover"
_WORLD = World(rows=MANY + 10, newcomers=20_000, writers=0)
_WRITERS, _READERS = 8, 4
_SECONDS = 4.0
_BEHIND_SECONDS = 0.5
LONGEST_OUTAGE_SECONDS = 10.0
_MOST_TRIES = 400

_SYNCHRONOUS = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"


@dataclass(frozen=True, kw_only=True)
class Acknowledged:
    """One line of the journal: what a client was told, and when."""

    learner: int
    course: int
    enrollment_id: str
    at: float
    tries: int


@dataclass
class Journal:
    """What all clients were told."""

    acknowledged: list[Acknowledged] = field(default_factory=list)
    reads: int = 0
    failed_reads: list[str] = field(default_factory=list)
    given_up: list[int] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)


@dataclass(frozen=True)
class Cluster:
    """Where both servers are, as psycopg takes it."""

    primary: Path
    standby: Path
    addresses: tuple[dict[str, str], dict[str, str]]

    def url(self, *servers: int, **more: str) -> str:
        """As DATABASE_URL takes it."""
        chosen = [self.addresses[server] for server in servers]
        hosts, ports = (",".join(address[name] for address in chosen) for name in ("host", "port"))
        return f"postgres:///lectern?{urlencode({'host': hosts, 'port': ports, 'user': chosen[0]['user'], **more})}"

    def connect(self, server: int) -> psycopg.Connection:
        """A connection of an operator, each statement its own transaction."""
        return psycopg.connect(**self.addresses[server], dbname="lectern", autocommit=True)


@contextmanager
def cluster(*, synchronous: bool) -> Iterator[Cluster]:
    """A primary with the world in it, and a standby that follows. Nothing of them is left after the block."""
    primary, standby = _FOLDER / "primary", _FOLDER / "standby"
    _remove(primary, standby)
    address = embedded_postgres.ensure_running(primary, durable=True)
    try:
        _fill(Database(address, "lectern"))
        backup = [str(embedded_postgres.binaries() / "pg_basebackup"), "--pgdata", str(standby), "--checkpoint=fast"]
        backup += ["--write-recovery-conf", "--create-slot", "--slot=standby", "--no-sync"]
        backup += [f"--{name}={value}" for name, value in (("host", address["host"]), ("username", address["user"]))]
        subprocess.run(backup, check=True, env={"PATH": os.environ["PATH"]})
        both = Cluster(primary, standby, (address, embedded_postgres.ensure_running(standby, durable=True)))
        if synchronous:
            with both.connect(0) as operator:
                operator.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
                operator.execute("SELECT pg_reload_conf()")
                _wait(
                    lambda: operator.execute("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'").fetchone()
                )
        yield both
    finally:
        _remove(primary, standby)


def _remove(*folders: Path) -> None:
    for folder in folders:
        embedded_postgres.stop(folder)
    shutil.rmtree(_FOLDER, ignore_errors=True)


def _fill(database: Database) -> None:
    environment = service_environment(database.url)
    subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=_ROOT, env=environment, check=True)
    with database.connect() as connection:
        connection.execute((_ROOT / "benchmarks" / "seed.sql").read_text().format(**asdict(_WORLD)))
        connection.execute("VACUUM ANALYZE")


def _wait(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError("It did not come to that.")
        time.sleep(0.02)


# -- the clients --------------------------------------------------------------------------------


def _ask(port: int, method: str, path: str, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, headers={"X-Forwarded-Proto": "https", **named})
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException) as fault:
        return 0, repr(fault).encode()
    finally:
        connection.close()


def enroll(port: int, numbers: Iterator[int], stop: Event, journal: Journal) -> None:
    """One learner after the other, each until there is an answer."""
    while not stop.is_set():
        number = next(numbers)
        learner, chosen = _WORLD.rows + number, 2 + number % MANY
        path = f"/api/v1/courses/{ids.encode(ids.COURSE, course(chosen))}/enrollments"
        token = access_tokens([learner])[0]
        for tries in range(1, _MOST_TRIES):
            status, body = _ask(
                port, "POST", path, Authorization=f"Bearer {token}", Idempotency_Key=f"enroll-{learner}"
            )
            if status == 201:
                told = json.loads(body)["enrollment"]["id"]
                line = Acknowledged(
                    learner=learner, course=chosen, enrollment_id=told, at=time.monotonic(), tries=tries
                )
                with journal.lock:
                    journal.acknowledged.append(line)
                break
            time.sleep(0.05)
        else:
            journal.given_up.append(learner)


def read(port: int, stop: Event, journal: Journal) -> None:
    """The catalogue, over and over, as nobody."""
    while not stop.is_set():
        status, body = _ask(port, "GET", "/api/v1/courses?limit=5")
        with journal.lock:
            journal.reads += 1
            if status != 200:
                journal.failed_reads.append(f"{status}: {body[:200].decode(errors='replace')}")
        time.sleep(0.01)


# -- what is done to the servers ----------------------------------------------------------------


def fall_behind(both: Cluster) -> int:
    """The primary sends the standby nothing from now on. Returns the process that has stopped."""
    with both.connect(0) as operator:
        row = operator.execute("SELECT pid FROM pg_stat_replication").fetchone()
    assert row is not None
    os.kill(row[0], signal.SIGSTOP)
    return int(row[0])


def fail_over(both: Cluster, sender: int) -> None:
    """The steps of docs/operations.md: the primary dies, is fenced, the standby is promoted."""
    for pid in (int((both.primary / "postmaster.pid").read_text().split()[0]), sender):
        os.kill(pid, signal.SIGKILL)
    embedded_postgres.stop(both.primary)  # waits until no process of it is left
    both.primary.rename(both.primary.with_name("fenced"))  # and nobody can start it again
    with both.connect(1) as operator:
        operator.execute("SELECT pg_promote()")


# -- the check ----------------------------------------------------------------------------------

_ENROLLED = """
    SELECT id, course_id, learner_id FROM enrollments_enrollment WHERE status = 'active' AND learner_id = ANY(%s)
"""
_DRIFTED = """
    SELECT count(*) FROM courses_courseplaces AS places WHERE seats_taken <> (
        SELECT count(*) FROM enrollments_enrollment
        WHERE course_id = places.course_id AND status IN ('active', 'completed'))
"""
_EVENTS = """
    SELECT count(*) - count(DISTINCT subject), count(DISTINCT subject) FROM common_event
    WHERE type = 'enrollment.created' AND subject = ANY(%s)
"""


def violations(both: Cluster, journal: Journal) -> list[str]:
    """Whatever a client was told that is not so."""
    learners = [person(line.learner) for line in journal.acknowledged]
    with both.connect(1) as operator:
        rows = operator.execute(_ENROLLED, [learners]).fetchall()
        (drifted,) = operator.execute(_DRIFTED).fetchone() or (0,)
        subjects = [ids.encode(ids.ENROLLMENT, id) for id, _, _ in rows]
        events = operator.execute(_EVENTS, [subjects]).fetchone()
    stored = {ids.encode(ids.ENROLLMENT, id): (course_id, learner_id) for id, course_id, learner_id in rows}
    lost = [
        line
        for line in journal.acknowledged
        if stored.get(line.enrollment_id) != (course(line.course), person(line.learner))
    ]
    found = [f"{len(lost)} of {len(journal.acknowledged)} acknowledged enrollments are lost"] if lost else []
    if len(rows) - len(stored) or len({learner for _, learner in stored.values()}) != len(rows):
        found.append("Somebody is enrolled twice")
    if events != (0, len(rows)):
        found.append(f"{len(rows)} enrollments have {events} events: twice, at all")
    if drifted:
        found.append(f"The counters of {drifted} courses do not equal their rows")
    if journal.given_up:
        found.append(f"{len(journal.given_up)} learners were never answered")
    if journal.failed_reads:
        found.append(f"{len(journal.failed_reads)} of {journal.reads} reads failed: {journal.failed_reads[0]}")
    return found


def run(*, synchronous: bool) -> list[str]:
    """One failover under load. Returns what went wrong."""
    os.environ.update(service_environment("postgres:///none"))
    journal, stop, numbers = Journal(), Event(), count(1)
    with cluster(synchronous=synchronous) as both:
        environment = service_environment(both.url(0, 1, target_session_attrs="read-write"))
        environment["REPLICA_URL"] = both.url(1)
        with service.under_gunicorn("config.wsgi", environment) as web, ThreadPoolExecutor(16) as threads:
            try:
                clients = [threads.submit(enroll, web.port, numbers, stop, journal) for _ in range(_WRITERS)]
                clients += [threads.submit(read, web.port, stop, journal) for _ in range(_READERS)]
                time.sleep(_SECONDS)
                sender = fall_behind(both)
                time.sleep(_BEHIND_SECONDS)
                killed = time.monotonic()
                fail_over(both, sender)
                promoted = time.monotonic()
                _wait(lambda: any(line.at > promoted for line in journal.acknowledged))
                time.sleep(_SECONDS)
            finally:
                stop.set()
            for client in clients:
                client.result()
        found = violations(both, journal)
    return found + _report(journal, killed, promoted)


def _report(journal: Journal, killed: float, promoted: float) -> list[str]:
    """Says how it went. Returns what makes the run prove nothing, or took too long."""
    back = min(line.at for line in journal.acknowledged if line.at > promoted) - killed
    before = sum(line.at <= killed for line in journal.acknowledged)
    after = sum(line.at > promoted for line in journal.acknowledged)
    again = sum(line.tries > 1 for line in journal.acknowledged)
    print(f"{before} enrollments acknowledged before the kill, {after} after the promotion; {again} took several tries")
    print(f"{journal.reads} reads, {len(journal.failed_reads)} failed")
    print(f"promoted {promoted - killed:.2f} s after the kill, the next enrollment after {back:.2f} s")
    void = [] if before > 50 and after > 50 and again else ["The run is void: too little happened in it"]
    return void + ([f"Back after {back:.1f} s"] if back > LONGEST_OUTAGE_SECONDS else [])


def main() -> int:
    """0 if everything held; with --asynchronous, if the check has seen what was lost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.failover", description=__doc__)
    parser.add_argument("--asynchronous", action="store_true", help="with a standby that loses: the check must see it")
    arguments = parser.parse_args()
    found = run(synchronous=not arguments.asynchronous)
    for each in found:
        print(each)
    lost = any(each.endswith("are lost") for each in found)
    return int(not lost) if arguments.asynchronous else int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
