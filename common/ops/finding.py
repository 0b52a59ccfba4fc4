"""Asking a check's query: for a list to read, for the items of a run, once more under the lock, and for a count."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import psycopg
from django.db import connection, transaction

from common import db
from common.ops.types import Item, Outcome, Scope, State

if TYPE_CHECKING:
    from common.ops.kinds import Check

# A query over all rows may take longer than one of a request, and sorts more.
_PATIENCE = "SET LOCAL statement_timeout = '10min'; SET LOCAL work_mem = '64MB'"
_ROWS = "SELECT course_id, key, before, after FROM ({sql}) AS found"
# Over COPY: the server may use all processors, and nothing piles up here.
_STREAM = """
    COPY (
        SELECT json_build_object('key', key, 'course_id', course_id, 'before', before, 'after', after)::text
        FROM ({sql}) AS found LIMIT %(limit)s
    ) TO STDOUT
"""
_STORE = f"""
    INSERT INTO common_opsitem (run_id, kind, course_id, key, before, after, outcome, code, detail)
    SELECT %(run_id)s, %(kind)s, course_id, key, before, after, '{Outcome.PLANNED}', '', ''
    FROM ({{sql}}) AS found LIMIT %(limit)s
"""
_COUNT = """
    WITH found AS MATERIALIZED ({sql}), first AS (SELECT * FROM found LIMIT %(limit)s)
    SELECT (SELECT count(*) FROM found),
        (
            SELECT coalesce(jsonb_agg(jsonb_build_object('key', key, 'before', before, 'after', after)), '[]')::text
            FROM first
        )
"""


@contextmanager
def reading() -> Iterator[None]:
    """A transaction in which the database itself refuses every write. It ends without a trace."""
    with transaction.atomic():
        db.execute("SET LOCAL transaction_read_only = on")
        _be_patient()
        yield
        transaction.set_rollback(True)


def _be_patient() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_PATIENCE)


def stream(check: "Check", scope: Scope, *, now: datetime, limit: int | None) -> Iterator[Item]:
    """What breaks the invariant, in the order in which it would be mended. Inside `reading`."""
    sql, values = _asked(check, scope, now)
    connection.ensure_connection()
    raw = cast("psycopg.Connection[Any]", connection.connection)
    statement, limited = _STREAM.format(sql=sql), {**values, "limit": limit}
    with connection.wrap_database_errors, raw.cursor() as cursor, cursor.copy(statement, limited) as rows:
        for (text,) in rows.rows():
            yield _item(check, **json.loads(text))


@db.step
def store(check: "Check", scope: Scope, *, run_id: UUID, now: datetime, limit: int | None) -> int:
    """What breaks the invariant is planned in the run. Returns how many items these are."""
    _be_patient()
    sql, values = _asked(check, scope, now)
    return db.execute_set(_STORE.format(sql=sql), {**values, "run_id": run_id, "kind": check.name, "limit": limit})


def again(check: "Check", items: Sequence[Item], now: datetime) -> dict[UUID | None, Item]:
    """Those of the items, by key, that break the invariant at this moment, as they are at this moment."""
    values = {
        "now": now,
        "keys": [item.key for item in items],
        "courses": list({item.course_id for item in items}),
    }
    sql = _scoped(check, check.scopes["again"])
    rows = db.fetch_set(f"{_ROWS.format(sql=sql)} WHERE key = ANY(%(keys)s)", values)
    found = (_item(check, course_id, key, before, after) for course_id, key, before, after in rows)
    return {item.key: item for item in found}


def count(check: "Check", *, now: datetime, sample: int) -> tuple[int, list[dict[str, Any]]]:
    """How many things break the invariant, and the first few of them. Inside `reading`."""
    (row,) = db.fetch_set(_COUNT.format(sql=_scoped(check, "true")), {"now": now, "limit": sample})
    return row[0], json.loads(row[1])


def _asked(check: "Check", scope: Scope, now: datetime) -> tuple[str, dict[str, Any]]:
    condition = "true" if scope.name == "all" else check.scopes[scope.name]
    values = {"now": now, "courses": list(scope.course_ids), "partner": scope.partner_id}
    return _scoped(check, condition), values


def _scoped(check: "Check", condition: str) -> str:
    return check.sql.replace("{scope}", condition)


def _item(check: "Check", course_id: Any, key: Any, before: Any, after: Any) -> Item:
    return Item(
        kind=check.name, key=as_uuid(key), course_id=as_uuid(course_id), before=as_state(before), after=as_state(after)
    )


def as_uuid(value: UUID | str | None) -> UUID | None:
    """A UUID, whichever way it came."""
    return UUID(value) if isinstance(value, str) else value


def as_state(value: State | str) -> State:
    """A state, whichever way it came: Django leaves jsonb of plain SQL as text."""
    return cast("State", json.loads(value)) if isinstance(value, str) else value
