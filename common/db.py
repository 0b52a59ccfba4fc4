"""What the house adds to Django's transactions: steps, refusals by constraint, rows from plain SQL."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from time import perf_counter
from typing import Any, ParamSpec, TypeVar

from django.db import DatabaseError, IntegrityError, InterfaceError, connection, connections, transaction
from django.db.backends.utils import CursorWrapper

from common.context import count_wait
from common.errors import DomainError

P = ParamSpec("P")
R = TypeVar("R")
Parameters = Sequence[Any] | Mapping[str, Any]
Refusals = Mapping[str, Callable[[], DomainError]]

PRIMARY = "default"
_reads_from: ContextVar[str] = ContextVar("reads_from", default=PRIMARY)

# Class 08 (connection), 53 (resources), 57 (operator intervention: shutdown, statement timeout), 25P03/25P04 (idle or
# long transaction ended), 25006 (read-only after a failover), 40001/40P01 (serialization, deadlock), 55P03 (lock
# timeout). Appendix A of the PostgreSQL manual. No SQLSTATE at all: the connection could not be made or broke.
_UNAVAILABLE = ("08", "53", "57", "25P03", "25P04", "25006", "40001", "40P01", "55P03")
# Of these: the connection is gone, so that what became of the transaction is unknown.
_LOST = ("08", "57P")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a larger statement, contributed by the app whose table it writes.

    `sql` is a query, or a data-modifying statement that may read the common table expressions before it. Its `values`
    go by names that begin with the name of the part, so that parts do not take each other's.
    """

    name: str
    sql: str
    values: Mapping[str, Any]


class NotInTransaction(RuntimeError):
    """A step was called outside the transaction of a use case."""


def step(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a function that changes rows on behalf of a use case, which owns the transaction."""

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        if not in_use_case():
            raise NotInTransaction(function.__qualname__)
        return function(*args, **kwargs)

    return checked


def in_use_case() -> bool:
    """Whether a transaction of ours is open.

    The one that Django's TestCase wraps around a test does not count: with it, a forgotten use case would pass
    every test and fail in production.
    """
    return any(not block._from_testcase for block in connection.atomic_blocks)  # type: ignore[attr-defined]


@contextmanager
def refusing(refusals: Refusals) -> Iterator[None]:
    """A transaction in which the violation of a named constraint comes out as that constraint's domain error.

    The error is made after the rollback, so it may look up what stands in the way. Any other violation passes.
    """
    with _translating(refusals), transaction.atomic():
        yield


@contextmanager
def refusing_statement(refusals: Refusals) -> Iterator[None]:
    """As `refusing`, for a single statement, which is a transaction without being told to be.

    So its locks last for no round trip longer than the statement itself.
    """
    with _translating(refusals), transaction.atomic() if connection.in_atomic_block else nullcontext():
        yield


@contextmanager
def _translating(refusals: Refusals) -> Iterator[None]:
    try:
        yield
    except IntegrityError as violation:
        refusal = refusals.get(violated_constraint(violation) or "")
        if refusal is None:
            raise
        raise refusal() from violation


def violated_constraint(violation: IntegrityError) -> str | None:
    """The name of the constraint that refused, as PostgreSQL reports it."""
    diagnostics = getattr(violation.__cause__, "diag", None)
    return diagnostics.constraint_name if diagnostics else None


def is_unavailable(fault: BaseException) -> bool:
    """Whether a database error says that the database is away or too slow, rather than that a statement was wrong."""
    sqlstate = getattr(fault.__cause__, "sqlstate", None)
    if sqlstate is None:
        # An InternalError without one: the connection broke in the middle of an answer, as it can behind PgBouncer.
        return type(fault).__name__ in {"OperationalError", "InterfaceError", "InternalError"}
    return str(sqlstate).startswith(_UNAVAILABLE)


def is_lost(fault: BaseException) -> bool:
    """Whether a database error says that the connection is gone, or could not be made."""
    if not isinstance(fault, DatabaseError | InterfaceError) or not is_unavailable(fault):
        return False
    sqlstate = getattr(fault.__cause__, "sqlstate", None)
    return sqlstate is None or str(sqlstate).startswith(_LOST)


@contextmanager
def reading_from(alias: str) -> Iterator[None]:
    """Statements of the block go to that database, unless a transaction is open: what follows one belongs to it."""
    token = _reads_from.set(alias)
    try:
        yield
    finally:
        _reads_from.reset(token)


def alias_for_reads() -> str:
    """Where to read at this moment."""
    alias = _reads_from.get()
    return alias if alias == PRIMARY or not connection.in_atomic_block else PRIMARY


def planned_cursor() -> CursorWrapper:
    """A cursor whose statements are planned once for each connection; see `common.database`."""
    cursor: CursorWrapper = connections[alias_for_reads()].planned_cursor()  # type: ignore[attr-defined]
    return cursor


def fetch_one(sql: str, parameters: Parameters = ()) -> tuple[Any, ...] | None:
    """The first row of a statement, or None."""
    with planned_cursor() as cursor:
        cursor.execute(sql, parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row


def fetch_one_behind(lock: Part, sql: str, parameters: Parameters = ()) -> tuple[Any, ...] | None:
    """As `fetch_one`, behind the statement `lock`: what was committed while that one waited is there for this one.

    Both go out together and are one transaction, also if none is open: so the lock lasts for no round trip.
    """
    with planned_cursor() as locking, planned_cursor() as cursor:
        with together():
            locking.execute(lock.sql, lock.values)
            cursor.execute(sql, parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row


def joined(parts: Sequence[Part], select: str) -> tuple[str, dict[str, Any]]:
    """The statement that does these parts and then gives `select`, with the values of all of them."""
    ahead = ", ".join(f"{part.name} AS ({part.sql})" for part in parts)
    return f"WITH {ahead} {select}", {name: value for part in parts for name, value in part.values.items()}


def fetch_all(sql: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
    """All rows of a statement."""
    with planned_cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def fetch_set(sql: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
    """As `fetch_all`, for a statement that looks for many things at once: planned anew each time.

    A plan that is kept was made for the table as it was: small, it would be read as a whole, and go on being so.
    """
    with connections[alias_for_reads()].cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def execute_set(sql: str, parameters: Parameters = ()) -> int:
    """As `execute`, for a statement that changes many things at once: planned anew each time, as by `fetch_set`."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)


def execute(sql: str, parameters: Parameters = ()) -> int:
    """The statement is done. Returns how many rows it touched."""
    with planned_cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)


@contextmanager
def together() -> Iterator[None]:
    """The statements in the block go out without waiting for one another's answers, so that they cost one round trip.

    So nothing may be asked of them, how many rows they touched neither. What is wrong with one comes out of the block.
    """
    connection.ensure_connection()
    sent_at = None
    try:
        with connection.wrap_database_errors, connection.connection.pipeline():
            yield
            sent_at = perf_counter()
    finally:
        if sent_at is not None:
            count_wait(perf_counter() - sent_at)
