"""The faults: each is done to the running system, one after the other, in the order of the plan."""

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import psutil
import psycopg

from benchmarks.chaos import plugin, world
from benchmarks.chaos.plan import FAILPOINT, is_kill
from benchmarks.chaos.system import LOCK_TIMEOUT_SECONDS, LOGS, STATEMENT_TIMEOUT_SECONDS, System
from benchmarks.world import course

# The service runs into its timeouts, and then has to go on.
_HELD_SECONDS = LOCK_TIMEOUT_SECONDS + 0.5
_FROZEN_SECONDS = STATEMENT_TIMEOUT_SECONDS + 0.2
_MOST_SECONDS = 15
# On a slow machine it takes long until there is again whom a fault can be done to.
_FIRING_SECONDS = 60
# Mostly a fault comes when the service works again; now and then into the middle of the one before.
_WAITED_FOR = 0.7
_ANSWERS_BETWEEN = 20
# What the database's log says when a fault has reached the service.
_TRACES = {
    "connections ended": "terminating connection due to administrator command",
    "lock timeouts": "canceling statement due to lock timeout",
    "statement timeouts": "canceling statement due to statement timeout",
    "statements cancelled": "canceling statement due to user request",
    "recoveries": "database system was not properly shut down",
}
# Which of them a fault has to leave there, or it has not reached anybody.
_LEAVES = {
    "cut connections": "connections ended",
    "hold course": "lock timeouts",
    "hold feed": "statement timeouts",
    "cancel statements": "statements cancelled",
}
_BACKENDS = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = %s AND application_name <> 'chaos' AND backend_type = 'client backend'
    ORDER BY (state = 'idle'), (xact_start IS NULL), random()
"""

_CANCEL = """
    SELECT pg_cancel_backend(pid) FROM pg_stat_activity
    WHERE datname = %s AND state = 'active' AND application_name <> 'chaos' AND backend_type = 'client backend'
"""


class NothingToHit(Exception):
    """There was nothing for the fault to be done to."""


@dataclass
class Faults:
    """Does what the plan says. `fired` counts what was really done, `last` is when the last fault was over."""

    system: System
    answered: Callable[[], int]  # how many operations have been
    fired: Counter[str] = field(default_factory=Counter)
    last: float = 0.0

    def __post_init__(self) -> None:
        self._chance = random.Random(f"{self.system.plan.seed} faults")
        self._do: dict[str, Callable[[], None]] = {
            "kill web": self._kill_web,
            "kill worker": self._kill_worker,
            "kill database": self._kill_database,
            "kill backend": self._kill_backend,
            "cut connections": self._cut_connections,
            "freeze backend": self._freeze_backend,
            "hold course": self._hold_course,
            "hold feed": self._hold_feed,
            "cancel statements": self._cancel_statements,
        }

    @property
    def kills(self) -> int:
        """How many times a process died by SIGKILL."""
        return sum(count for fault, count in self.fired.items() if is_kill(fault))

    def run(self, say: Callable[[str], None]) -> None:
        """Every fault of the plan was done, spread over its time."""
        plan = self.system.plan
        began = self.last = time.monotonic()
        for number, fault in enumerate(plan.faults):
            _sleep_until(began + plan.seconds * (number + 0.5) / len(plan.faults))
            if self._chance.random() < _WAITED_FOR:
                self._wait_for_answers()
            say(f"{fault}, {number + 1} of {len(plan.faults)}")
            self._fire(fault)
            self.last = time.monotonic()
        _sleep_until(began + plan.seconds)
        deadline = time.monotonic() + _MOST_SECONDS
        while self.answered() < plan.least_answers and time.monotonic() < deadline:
            time.sleep(0.01)

    def _wait_for_answers(self) -> None:
        """The service has got over the last fault, so that the next one meets it at work."""
        enough = self.answered() + _ANSWERS_BETWEEN
        deadline = time.monotonic() + _MOST_SECONDS
        while self.answered() < enough and time.monotonic() < deadline:
            time.sleep(0.01)

    def traces(self) -> dict[str, int]:
        """How often the database's log says that a fault has reached the service."""
        text = "".join(log.read_text(errors="replace") for log in LOGS if log.exists())
        return {name: text.count(trace) for name, trace in _TRACES.items()}

    def _fire(self, fault: str) -> None:
        deadline = time.monotonic() + _FIRING_SECONDS
        while time.monotonic() < deadline:
            try:
                self._do_once(fault)
            except (psycopg.OperationalError, NothingToHit, psutil.NoSuchProcess, ProcessLookupError):
                # What an earlier fault has killed is not back yet.
                time.sleep(0.05)
            else:
                self.fired[fault] += 1
                return

    def _do_once(self, fault: str) -> None:
        if fault.startswith(FAILPOINT):
            self._at_failpoint(fault.removeprefix(FAILPOINT))
            return
        trace = _LEAVES.get(fault, "")
        before = self.traces()[trace] if trace else 0
        self._do[fault]()
        if trace and self.traces()[trace] == before:
            raise NothingToHit

    def _at_failpoint(self, name: str) -> None:
        before = plugin.fired(self.system.folder).count(name)
        plugin.arm(self.system.folder, name)
        deadline = time.monotonic() + _MOST_SECONDS
        while plugin.fired(self.system.folder).count(name) == before:
            if time.monotonic() > deadline:
                raise NothingToHit
            time.sleep(0.01)

    # -- processes ----------------------------------------------------------------------------------

    def _kill_web(self) -> None:
        """One of gunicorn's workers."""
        _kill(self._chance.choice(self.system.web_workers() or _none()).pid)

    def _kill_worker(self) -> None:
        """One of the background workers."""
        alive = [child.process for child in self.system.workers if child.process and child.process.poll() is None]
        _kill(self._chance.choice(alive or _none()).pid)

    def _kill_database(self) -> None:
        """The first process of the server: the others end by themselves, and what was only in memory is lost."""
        with self.system.connect():
            # Only now does the file name the one that runs.
            postmaster = psutil.Process(self.system.postmaster())
            _kill(postmaster.pid)
        # Its parent is this process, which does not wait for it: it stays as a zombie.
        _wait_until(lambda: not postmaster.is_running() or postmaster.status() == psutil.STATUS_ZOMBIE)

    def _kill_backend(self) -> None:
        """One process of the server: it takes all others with it, and recovers."""
        _kill(self._backends()[0])

    # -- connections and statements -----------------------------------------------------------------

    def _cut_connections(self) -> None:
        """Half of the service's connections are ended by the server."""
        backends = self._backends()
        with self.system.connect() as connection:
            for pid in backends[: len(backends) // 2 + 1]:
                connection.execute("SELECT pg_terminate_backend(%s)", [pid])

    def _freeze_backend(self) -> None:
        """One that works just now stands still for a while, with all its locks."""
        pid = self._backends()[0]
        os.kill(pid, signal.SIGSTOP)
        try:
            time.sleep(_FROZEN_SECONDS)
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def _hold_course(self) -> None:
        """Nobody gets the lock of a course that everybody wants."""
        with self.system.connect() as connection, connection.transaction():
            wanted = course(self._chance.randint(1, world.HOT))
            connection.execute("SELECT FROM courses_courseplaces WHERE course_id = %s FOR UPDATE", [wanted])
            time.sleep(_HELD_SECONDS)

    def _hold_feed(self) -> None:
        """Workers cannot read on in the feed. Their timeout for statements is shorter than that for locks."""
        with self.system.connect() as connection, connection.transaction():
            connection.execute("LOCK TABLE common_feedreader")
            time.sleep(_HELD_SECONDS)

    def _cancel_statements(self) -> None:
        """Whatever statement runs is ended, as a timeout would end it. Again and again: statements are short."""
        with self.system.connect() as connection:
            for _ in range(100):
                connection.execute(_CANCEL, [self.system.database.name])
                time.sleep(0.005)

    def _backends(self) -> list[int]:
        """The server's processes that serve the service, those at work first."""
        with self.system.connect() as connection:
            rows = connection.execute(_BACKENDS, [self.system.database.name]).fetchall()
        if not rows:
            raise NothingToHit
        return [pid for (pid,) in rows]


class InBackground(threading.Thread):
    """The faults beside the clients; `fault` is what went wrong with them."""

    def __init__(self, faults: Faults, say: Callable[[str], None]) -> None:
        super().__init__(name="faults", daemon=True)
        self.fault: BaseException | None = None
        self._faults, self._say = faults, say

    def run(self) -> None:
        try:
            self._faults.run(self._say)
        except BaseException as fault:  # noqa: BLE001 -- looked at by who waits for the thread
            self.fault = fault


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def _none() -> list[psutil.Process]:
    raise NothingToHit


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _MOST_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise NothingToHit
        time.sleep(0.01)
