"""Watches over the whole suite in which order transactions lock rows: two that do it in opposite orders can deadlock.

A plugin of pytest, named in the `conftest.py` of the repository. The test in which the second of two contradicting
orders is seen fails.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.transaction import Atomic, get_connection

from common.database.base import CountedCursor

_CHANGE = re.compile(r'(?:(?<!FOR )(?<!KEY )(?<!DO )\bUPDATE(?: ONLY)?|\bDELETE FROM)\s+"?([a-z_]+)"?')
_UPSERT = re.compile(r'\bINSERT INTO\s+"?([a-z_]+)"?(?:(?!\bINSERT INTO\b).)*\bDO UPDATE\b', re.DOTALL)
_SOURCE = re.compile(r'\b(?:FROM|JOIN)\s+"?([a-z_]+)"?(?:\s+(?:AS\s+)?"?([a-zA-Z_]\w*)"?)?')
_LOCK = re.compile(r"\bFOR (?:NO KEY )?UPDATE(?: OF ([\w\", ]+?))?(?=\s*$|\s*\)|\s+SKIP|\s+NOWAIT)")
_SAVEPOINT = re.compile(r'^(SAVEPOINT|ROLLBACK TO SAVEPOINT)\s+"?([^"\s]+)"?')


def tables_locked_by(sql: str) -> list[str]:
    """The tables of which the statement locks rows, in the order of the text: a part of it may read those before it."""
    if sql.startswith("TRUNCATE"):
        return []
    changes = sorted([*_CHANGE.finditer(sql), *_UPSERT.finditer(sql)], key=re.Match.start)
    tables = [change[1] for change in changes]
    for wanted in _LOCK.findall(sql):
        sources = {alias: table for table, name in _SOURCE.findall(sql) for alias in (table, name)}
        names = [name.strip().strip('"') for name in wanted.split(",")] if wanted else list(sources)
        tables += [sources[name] for name in names if sources.get(name)]
    return list(dict.fromkeys(tables))


class LockOrder:
    """Which table's rows were locked before which other's, in one transaction."""

    def __init__(self) -> None:
        self.pairs: dict[tuple[str, str], str] = {}
        self.contradictions: list[str] = []
        self.is_paused = False
        self._held: WeakKeyDictionary[BaseDatabaseWrapper, list[str]] = WeakKeyDictionary()
        self._savepoints: WeakKeyDictionary[BaseDatabaseWrapper, dict[str, int]] = WeakKeyDictionary()

    def begin(self, connection: BaseDatabaseWrapper) -> None:
        """A transaction begins: it holds nothing yet."""
        self._held[connection] = []
        self._savepoints[connection] = {}

    def note(self, connection: BaseDatabaseWrapper, sql: str) -> None:
        """The statement ran in the transaction at hand."""
        held = self._held.get(connection)
        if held is None or self.is_paused:
            return
        if savepoint := _SAVEPOINT.match(sql):
            self._step_back(connection, *savepoint.groups())
            return
        for table in tables_locked_by(sql):
            if table in held:
                continue
            if "SKIP LOCKED" not in sql:  # what does not wait cannot be the end of a circle
                for earlier in held:
                    self._compare(earlier, table, sql)
            held.append(table)

    def _step_back(self, connection: BaseDatabaseWrapper, verb: str, name: str) -> None:
        """What was locked since a savepoint is free again once it is rolled back to."""
        if verb == "SAVEPOINT":
            self._savepoints[connection][name] = len(self._held[connection])
        else:
            del self._held[connection][self._savepoints[connection].get(name, 0) :]

    def _compare(self, earlier: str, later: str, sql: str) -> None:
        self.pairs.setdefault((earlier, later), sql)
        if (other := self.pairs.get((later, earlier))) is not None:
            self.contradictions.append(
                f"{earlier} was locked before {later}, and elsewhere the other way round:\n  {sql}\n  {other}"
            )


@contextmanager
def watching() -> Iterator[LockOrder]:
    """Every transaction of this process is watched."""
    order = LockOrder()
    enter = Atomic.__enter__

    def noting(execute: Callable[..., Any]) -> Callable[..., Any]:
        def noting_execute(cursor: CursorWrapper, sql: Any, *arguments: Any, **keywords: Any) -> Any:
            result = execute(cursor, sql, *arguments, **keywords)
            if isinstance(sql, str) and _in_use_case(cursor.db):
                order.note(cursor.db, sql)
            return result

        return noting_execute

    def noting_enter(block: Atomic) -> None:
        connection = get_connection(block.using)
        if not _in_use_case(connection):
            order.begin(connection)
        enter(block)

    with pytest.MonkeyPatch.context() as patch:
        # Our cursors have a shorter way, which they leave for Django's while somebody looks on.
        for place, name in ((CursorWrapper, "_execute_with_wrappers"), (CountedCursor, "execute")):
            patch.setattr(place, name, noting(getattr(place, name)))
        patch.setattr(Atomic, "__enter__", noting_enter)
        yield order


def _in_use_case(connection: BaseDatabaseWrapper) -> bool:
    """Whether a transaction is open on the connection other than the one around a test."""
    return any(not block._from_testcase for block in connection.atomic_blocks)


@pytest.fixture(scope="session", autouse=True)
def lock_order() -> Iterator[LockOrder]:
    """The order of locks that the suite has seen so far."""
    with watching() as order:
        yield order


@pytest.fixture(autouse=True)
def _one_lock_order(lock_order: LockOrder) -> Iterator[None]:
    """No test locks rows in an order that contradicts another's."""
    known = len(lock_order.contradictions)
    yield
    assert lock_order.contradictions[known:] == []


@pytest.fixture
def any_lock_order(lock_order: LockOrder) -> Iterator[None]:
    """For a test that takes a lock away: its order proves nothing."""
    lock_order.is_paused = True
    yield
    lock_order.is_paused = False
