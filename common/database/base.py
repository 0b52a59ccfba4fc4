"""Django's PostgreSQL engine, with connections that are checked for free, statements that are planned once, and a count
of what each request asks for.
"""

import select
from time import perf_counter
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from django.db.backends.utils import CursorWrapper
from psycopg.pq import Format

from common import tracing
from common.context import count_query, count_wait


class _Counted:
    """Counts what goes through a cursor. Django's execute_wrapper would cost several times as much."""

    def _execute(self, sql: Any, *values: Any) -> Any:
        with tracing.query(sql):
            started = perf_counter()
            try:
                return super()._execute(sql, *values)
            finally:
                count_query(perf_counter() - started)

    def _executemany(self, sql: Any, *values: Any) -> Any:
        with tracing.query(sql):
            started = perf_counter()
            try:
                return super()._executemany(sql, *values)
            finally:
                count_query(perf_counter() - started)


class CountedCursor(_Counted, CursorWrapper):
    """Django's cursor, by a shorter way: each of its calls is several of Django's, on every request."""

    def execute(self, sql: Any, params: Any = None) -> Any:
        """As Django's."""
        if self.db.execute_wrappers:
            return super().execute(sql, params)
        self.db.validate_no_broken_transaction()
        with tracing.query(sql), self.db.wrap_database_errors:
            started = perf_counter()
            try:
                return self.cursor.execute(sql, params)
            finally:
                count_query(perf_counter() - started)

    def fetchone(self) -> Any:
        """As Django's."""
        with self.db.wrap_database_errors:
            return self.cursor.fetchone()

    def fetchall(self) -> Any:
        """As Django's."""
        with self.db.wrap_database_errors:
            return self.cursor.fetchall()


class CountedDebugCursor(_Counted, base.CursorDebugWrapper):
    """Django's cursor that remembers what was asked."""


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to PostgreSQL."""

    def make_cursor(self, cursor: Any) -> CursorWrapper:
        """A cursor that counts."""
        return CountedCursor(cursor, self)

    def make_debug_cursor(self, cursor: Any) -> CountedDebugCursor:
        """A cursor that counts, and remembers."""
        return CountedDebugCursor(cursor, self)

    def _commit(self) -> None:
        with tracing.query("COMMIT"):
            started = perf_counter()
            try:
                super()._commit()
            finally:
                count_wait(perf_counter() - started)

    def is_usable(self) -> bool:
        """Whether the server still serves this connection. Asked before the first statement of each request.

        A server that ends a connection says so before it closes it. While nothing has arrived, Django's `SELECT 1`
        would be a round trip for nothing, on every request.
        """
        return self._nothing_arrived() or bool(super().is_usable())

    def _nothing_arrived(self) -> bool:
        if self.connection is None or self.connection.closed:
            return False
        arrivals = select.poll()  # not select.select(), which takes no descriptor above 1023
        arrivals.register(self.connection.fileno(), select.POLLIN)
        return not arrivals.poll(0)

    def planned_cursor(self) -> CursorWrapper:
        """A cursor whose statements the server parses and plans once for each connection, and not at each run.

        Unless `prepare_threshold` is None. Values travel beside the statement; Django's own cursors write them into it,
        and it is new to the server each time. Rows come in binary, which is read several times as fast: only types that
        psycopg knows may be asked for, and jsonb comes parsed.
        """
        self.close_if_health_check_failed()
        self.ensure_connection()
        with self.wrap_database_errors:
            cursor = psycopg.Cursor(self.connection)
        cursor.format = Format.BINARY
        wrapped: CursorWrapper = self._prepare_cursor(cursor)  # type: ignore[attr-defined]  # unknown to django-stubs
        return wrapped
