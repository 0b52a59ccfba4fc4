"""Querysets made into SQL once, for what every request reads.

To build a queryset and compile it costs the application several times what it costs the database to answer. The SQL
depends only on the shape of the question; what differs between two requests of the same shape are values.
"""

from typing import Any

from django.db import connection
from django.db.models import QuerySet, Value
from psycopg.pq import Format
from psycopg.sql import Literal


class Slot(Value):
    """Stands in a queryset for a value that is known when the statement runs, under this name."""

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list["Slot"]]:  # type: ignore[override]
        return "%s", [self]


class Statement:
    """The SQL of a `values_list` queryset. Its constants are part of the text, its slots are parameters.

    With constants in the text, the server can tell that a partial index or one over an expression applies, whatever
    the slots hold. Values come as psycopg makes them: no column may need a conversion of its field.
    """

    def __init__(self, queryset: QuerySet[Any, tuple[Any, ...]]) -> None:
        sql, parameters = queryset.query.sql_with_params()
        # Doubled signs stay doubled: the statement is formatted once more when it runs.
        self._sql = sql.replace("%%", "%%%%") % tuple(_in_text(parameter) for parameter in parameters)

    def rows(self, **slots: Any) -> list[tuple[Any, ...]]:
        """All rows."""
        with connection.planned_cursor(Format.BINARY) as cursor:  # type: ignore[attr-defined]  # of common.database
            cursor.execute(self._sql, slots)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def row(self, **slots: Any) -> tuple[Any, ...] | None:
        """The first row, or None."""
        return next(iter(self.rows(**slots)), None)


def _in_text(parameter: object) -> str:
    if isinstance(parameter, Slot):
        return f"%({parameter.value})s"
    return Literal(parameter).as_string().replace("%", "%%")
