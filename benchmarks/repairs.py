"""Checking all invariants, next to the bare queries; mending what has drifted, beside clients who enroll."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import django

from benchmarks import service
from benchmarks.checks import faults_of
from benchmarks.database import Database, service_environment
from benchmarks.imports import enrolling
from benchmarks.load import Meter, Wave
from benchmarks.targets import Stage, Target
from benchmarks.world import World

_ROOT = Path(__file__).parent.parent
SEED = Path(__file__).with_name("seed_repairs.sql")
_ROWS_PER_COURSE, _WAITING_PER_COURSE = 200, 20
_LEARNERS = 20_000
# Clients of one measurement enroll in so many of the courses.
_ENTERED = 50


@dataclass(frozen=True, kw_only=True)
class RepairWorld:
    """So many courses of 200 rows each, and learners who are in none."""

    courses: int
    newcomers: int
    learners: int = _LEARNERS

    @property
    def rows(self) -> int:
        """All enrollments."""
        return self.courses * _ROWS_PER_COURSE

    @property
    def drifted(self) -> int:
        """How many rows drift in one measurement: a tenth."""
        return self.courses * _WAITING_PER_COURSE


FULL = RepairWorld(courses=5_000, newcomers=200_000)
QUICK = RepairWorld(courses=500, newcomers=50_000)


@dataclass(frozen=True, kw_only=True)
class Command:
    """What one run of a command took and needed, and what it answered."""

    seconds: float
    peak_mb: float
    report: dict


@dataclass(frozen=True, kw_only=True)
class Repaired:
    """All that is measured. Rates are of rows per second, with the start of the command and its look at everything."""

    rows: int
    check: Command
    bare_seconds: float
    counters: Command
    waiting: Command
    events: Command
    alone: Wave
    beside: Wave

    @staticmethod
    def rate(command: Command) -> float:
        """Rows mended per second, from the start of the command to its end."""
        return command.report["counts"]["done"] / command.seconds


def measure(database: Database, world: RepairWorld, say: Callable[[str], None]) -> tuple[Repaired, list[str]]:
    """Check, let things drift, mend, and look whether all is well. Also what was wrong."""
    say(f"Checking all invariants of {world.rows:,} enrollments …")
    bare = _bare_seconds(database)
    check = _run(database, "repair_enrollments", "--all")
    say(f"Repairing the counters of {world.courses:,} courses …")
    _drift(database, "UPDATE courses_courseplaces SET seats_taken = seats_taken - 3, waiting = waiting + 2")
    counters = _repair(database, "seat-counters")
    say(f"Repairing {world.drifted:,} rows that are not told of, beside clients who enroll …")
    _drift(database, *(each.format(count=world.drifted) for each in _FORGET))
    with service.running(database.url) as running:
        stage = _stage(world, database, running)
        alone, _ = _beside(stage, lambda: time.sleep(10))
        beside, events = _beside(stage, lambda: _repair(database, "missing-events"))
    say(f"Repairing {world.drifted:,} people who wait for archived courses …")
    _drift(database, "UPDATE courses_courseplaces SET status = 'archived'")
    waiting = _repair(database, "orphaned-waiting")
    last = _run(database, "repair_enrollments", "--all")
    repaired = Repaired(
        rows=world.rows, check=check, bare_seconds=bare, counters=counters, waiting=waiting, events=events,
        alone=alone, beside=beside,
    )  # fmt: skip
    return repaired, _faults(world, database, repaired, last)


def _faults(world: RepairWorld, database: Database, repaired: Repaired, last: Command) -> list[str]:
    faults = [
        f"{name}: {command.report['counts']}"
        for name, command, expected in (
            ("the first check", repaired.check, {}),
            ("seat-counters", repaired.counters, {"done": world.courses}),
            ("missing-events", repaired.events, {"done": world.drifted}),
            ("the last check", last, {}),
        )
        if command.report["counts"] != expected
    ]
    for wave in (repaired.alone, repaired.beside):
        target = Target(
            name="enroll beside a repair", run=lambda _, wave=wave: wave, expected=frozenset({"201", "202"})
        )
        faults += faults_of(target, wave, database)
    return faults


def _stage(world: RepairWorld, database: Database, running: service.Service) -> Stage:
    meter = Meter(service_pid=running.pid, server_pid=database.server_pid())
    # Newcomers have the numbers beyond the learners.
    seen = World(rows=world.learners, newcomers=world.newcomers, writers=0)
    return Stage(world=seen, database=database, service=running, meter=meter)


def _beside(stage: Stage, work: Callable[[], object]) -> tuple[Wave, object]:
    """How those fared who enrolled while `work` was done, and what came of the work."""
    with enrolling(stage, range(1, 1 + _ENTERED), lines=stage.world.newcomers // 2) as stop:
        came_of_it = work()
        return stop(), came_of_it


def _repair(database: Database, check: str) -> Command:
    return _run(database, "repair_enrollments", "--all", "--check", check, "--apply", "--yes")


# A process begins with the peak of the one that it was forked from, and this one holds whole reports. So a small one
# stands between, and says what its only child has needed.
_MEASURED = """
import resource, subprocess, sys
status = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(status)
"""


def _run(database: Database, *arguments: str) -> Command:
    """The command in a process of its own, as an operator runs it."""
    command = [sys.executable, "-c", _MEASURED, sys.executable, "manage.py", *arguments, "--format", "json"]
    with tempfile.TemporaryFile("w+") as out:
        started = time.monotonic()
        done = subprocess.run(
            command, cwd=_ROOT, env=service_environment(database.url), stdout=out, stderr=subprocess.PIPE, text=True,
            check=False,
        )  # fmt: skip
        seconds = time.monotonic() - started
        if done.returncode not in {0, 3}:
            raise RuntimeError(f"{arguments} ended with {done.returncode}: {done.stderr[-2000:]}")
        out.seek(0)
        peak_mb = int(done.stderr.split()[-1]) / 1024
        return Command(seconds=seconds, peak_mb=peak_mb, report=json.load(out))


def _bare_seconds(database: Database) -> float:
    """How long the same queries take without anything around them."""
    django.setup()
    from common import clock  # noqa: PLC0415  # needs the settings
    from common.ops.kinds import checks  # noqa: PLC0415

    values = {"now": clock.now()}
    with database.connect() as connection:
        connection.execute("SET work_mem = '64MB'")
        started = time.monotonic()
        for check in checks().values():
            query = f"SELECT count(*) FROM ({check.sql.replace('{scope}', 'true')}) AS found"
            connection.execute(query, values).fetchone()
        return time.monotonic() - started


_FORGET = (
    "ALTER TABLE common_event DISABLE TRIGGER USER",
    """
    DELETE FROM common_event WHERE id IN (
        SELECT id FROM common_event WHERE type = 'enrollment.created' ORDER BY position LIMIT {count}
    )
    """,
    "ALTER TABLE common_event ENABLE TRIGGER USER",
)


def _drift(database: Database, *statements: str) -> None:
    with database.connect() as connection:
        for each in statements:
            connection.execute(each)
        connection.execute("ANALYZE")
