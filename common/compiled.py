"""Querysets made into SQL once, for what every request reads; and so the statements that put a row into its table.

To build a queryset and compile it costs the application several times what it costs the database to answer. The SQL
depends only on the shape of the question; what differs between two requests of the same shape are values.
"""

from copy import copy
from functools import cache
from typing import Any

from django.db import connection, connections
from django.db.backends.utils import CursorWrapper
from django.db.models import Field, Model, QuerySet, Value
from django.db.models.expressions import DatabaseDefault
from django.db.models.functions import Now
from psycopg.sql import Literal

from common import db


class Slot(Value):
    """Stands in a queryset for a value that is known when the statement runs, under this name."""

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list["Slot"]]:  # type: ignore[override]
        return "%s", [self]


class Statement:
    """The SQL of a `values_list` queryset. Its constants are part of the text, its slots are parameters.

    With constants in the text, the server can tell that a partial index or one over an expression applies, whatever
    the slots hold. Values come as psycopg makes them: no column may need a conversion of its field.

    `planned_by_value`: what the slots hold decides on the plan, such as a word, rare or frequent. So it is made anew.
    """

    def __init__(self, queryset: QuerySet[Any, tuple[Any, ...]], *, planned_by_value: bool = False) -> None:
        self._planned_by_value = planned_by_value
        sql, parameters = queryset.query.sql_with_params()
        # Doubled signs stay doubled: the statement is formatted once more when it runs.
        self._sql = sql.replace("%%", "%%%%") % tuple(_in_text(parameter) for parameter in parameters)

    def where(self, column: str, *, limit: int) -> "Statement":
        """The first `limit` of the same rows for which `column`, the name of a boolean among them, is true.

        The rows are walked in their order, no further than needed, and not beyond those of the queryset.
        """
        narrowed = copy(self)
        narrowed._sql = f"SELECT * FROM ({self._sql}) AS row WHERE {column} LIMIT {limit}"  # noqa: S608
        return narrowed

    def rows(self, **slots: Any) -> list[tuple[Any, ...]]:
        """All rows."""
        with self._cursor() as cursor:
            cursor.execute(self._sql, slots)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def row(self, **slots: Any) -> tuple[Any, ...] | None:
        """The first row, or None."""
        return next(iter(self.rows(**slots)), None)

    def _cursor(self) -> CursorWrapper:
        if self._planned_by_value:
            return connections[db.alias_for_reads()].cursor()
        return db.planned_cursor()


def insert(row: Model) -> None:
    """The row, a new one, is in its table, and knows what was made there: its times, and its number if it has one.

    As `save` does; but it costs less, sends no signals, and takes no expression but `Now()`.
    """
    fields = row._meta.concrete_fields
    given = {field.attname: getattr(row, field.attname) for field in fields}
    made = {field.attname: made for field in fields if (made := _made_there(field, given[field.attname]))}
    values = {
        field.attname: field.get_db_prep_save(given[field.attname], connection)
        for field in fields
        if field.attname not in made
    }
    with connection.planned_cursor() as cursor:  # type: ignore[attr-defined]  # of common.database
        cursor.execute(_insertion(type(row), tuple(made.items())), values)
        if made:
            for name, value in zip(made, cursor.fetchone(), strict=True):
                setattr(row, name, value)
    row._state.adding = False


def _made_there(field: Field, value: object) -> str:
    """What makes this value in the database; empty if it is known already."""
    if isinstance(value, Now):
        return "STATEMENT_TIMESTAMP()"  # as Django has it
    return "DEFAULT" if isinstance(value, DatabaseDefault) or (field.primary_key and value is None) else ""


@cache
def _insertion(model: type[Model], made: tuple[tuple[str, str], ...]) -> str:
    quote, there = connection.ops.quote_name, dict(made)
    columns = {field.attname: quote(str(field.column)) for field in model._meta.concrete_fields}
    values = ", ".join(there.get(name, f"%({name})s") for name in columns)
    returning = f" RETURNING {', '.join(columns[name] for name in there)}" if there else ""
    table = quote(model._meta.db_table)
    return f"INSERT INTO {table} ({', '.join(columns.values())}) VALUES ({values}){returning}"  # noqa: S608


def _in_text(parameter: object) -> str:
    if isinstance(parameter, Slot):
        return f"%({parameter.value})s"
    return Literal(parameter).as_string().replace("%", "%%")
