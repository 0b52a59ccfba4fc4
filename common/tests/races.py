"""Real rivals: threads with connections of their own, and what PostgreSQL says of who waits for whom.

No test of a race sleeps and hopes. One rival stops before its commit, PostgreSQL is asked whether the other one really
waits for it, and only then the first goes on.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Barrier, Event, Thread
from typing import Generic, TypeVar
from uuid import uuid4

from django.db import connection, connections, transaction

from common.db import execute, fetch_one
from common.errors import DomainError
from common.tests.patience import PATIENCE_SECONDS

T = TypeVar("T")
U = TypeVar("U")
A = TypeVar("A")

_WAITS = """
    SELECT EXISTS (
        SELECT FROM pg_stat_activity AS one JOIN pg_stat_activity AS other ON other.pid = ANY(pg_blocking_pids(one.pid))
        WHERE one.application_name = %s AND other.application_name = %s
    )
"""
# The embedded PostgreSQL has 60 connections.
WIDTH = 20


class Rival(Generic[T]):
    """A thread that does `work` on a connection of its own; one that `holds` stops before it commits."""

    def __init__(self, work: Callable[[], T], *, holds: bool = False) -> None:
        # PostgreSQL knows a rival by this name, also where PgBouncer gives each transaction another backend.
        self.name = f"rival {uuid4()}"
        self._work = work
        self._holds = holds
        self._is_connected = Event()
        self._stands_still = Event()
        self._may_commit = Event()
        self._is_to_undo = False
        self._future: Future[T] = Future()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._is_connected.wait(PATIENCE_SECONDS)

    def _run(self) -> None:
        try:
            execute("SELECT set_config('application_name', %s, false)", [self.name])
            # On a busy machine a place in a long queue takes longer than a request may wait.
            for timeout in ("lock_timeout", "statement_timeout"):
                execute(f"SET {timeout} = '{PATIENCE_SECONDS}s'")
            self._is_connected.set()
            self._future.set_result(self._work_and_hold() if self._holds else self._work())
        except BaseException as fault:  # noqa: BLE001  # raised again where the result is asked for
            self._future.set_exception(fault)
        finally:
            self._is_connected.set()
            self._stands_still.set()
            connections.close_all()

    def _work_and_hold(self) -> T:
        with transaction.atomic():
            result = self._work()
            self._stands_still.set()
            assert self._may_commit.wait(PATIENCE_SECONDS)
            transaction.set_rollback(self._is_to_undo)
        return result

    def stand_still(self) -> None:
        """The work is done and not committed."""
        assert self._stands_still.wait(PATIENCE_SECONDS)
        if self._future.done():
            self._future.result()
            raise AssertionError("It did not stop before its commit.")

    def commit(self) -> None:
        """What the rival did holds."""
        self._may_commit.set()

    def undo(self) -> None:
        """What the rival did never was."""
        self._is_to_undo = True
        self._may_commit.set()

    def waits_for(self, other: "Rival[object]") -> bool:
        """Whether PostgreSQL lets this rival wait for the other; False once it is through without."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if _waits(self.name, other.name):
                return True
            if self._future.done():
                return False
            time.sleep(0.002)
        raise AssertionError("It neither waits for the other nor comes to an end.")

    def result(self) -> T:
        """What the work came to; an exception that it raised is raised here."""
        return self._future.result(PATIENCE_SECONDS)

    def end(self) -> None:
        """The thread and its connection are gone."""
        self._may_commit.set()
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive()


@contextmanager
def holding(work: Callable[[], T]) -> Iterator[Rival[T]]:
    """A rival that has done `work` and stops before its commit. It commits at the latest after the block."""
    with rival(work, holds=True) as first:
        first.stand_still()
        yield first
        first.commit()
        first.result()


@contextmanager
def rival(work: Callable[[], T], *, holds: bool = False) -> Iterator[Rival[T]]:
    """A rival that is at work; it is gone after the block."""
    one = Rival(work, holds=holds)
    try:
        yield one
    finally:
        one.end()


def meet(first: Callable[[], T], second: Callable[[], U]) -> tuple[T, U | DomainError]:
    """What two rivals come to of which the second starts just before the first commits. A refusal is a result.

    The second must wait for the first: PostgreSQL is asked.
    """
    with holding(first) as one, rival(second) as other:
        assert other.waits_for(one)
        one.commit()
        try:
            return one.result(), other.result()
        except DomainError as refusal:
            return one.result(), refusal


def wave(work: Callable[[A], T], over: Sequence[A]) -> list[T | DomainError]:
    """What `work` came to for each of `over`, done by many threads that start at one instant. Refusals are results."""
    outcomes: dict[int, T | DomainError] = {}
    width = min(WIDTH, len(over))
    start = Barrier(width)

    def share(first: int) -> None:
        connection.ensure_connection()
        start.wait(PATIENCE_SECONDS)
        for index in range(first, len(over), width):
            try:
                outcomes[index] = work(over[index])
            except DomainError as refusal:
                outcomes[index] = refusal

    rivals: list[Rival[None]] = []
    try:
        rivals.extend(Rival(lambda first=first: share(first)) for first in range(width))  # type: ignore[misc]
        for one in rivals:
            one.result()
    finally:
        for one in rivals:
            one.end()
    return [outcomes[index] for index in range(len(over))]


@contextmanager
def without_index(name: str) -> Iterator[None]:
    """The index is not there inside the block, so that a test can show what it is good for. Its table ends empty."""
    found = fetch_one(
        "SELECT pg_get_indexdef(indexrelid), indrelid::regclass::text FROM pg_index WHERE indexrelid = %s::regclass",
        [name],
    )
    assert found is not None
    definition, table = found
    with connection.cursor() as cursor:
        cursor.execute(f'DROP INDEX "{name}"')
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {table} CASCADE")
            cursor.execute(definition)


def _waits(name: str, other: str) -> bool:
    row = fetch_one(_WAITS, [name, other])
    return row is not None and bool(row[0])
