"""A database of its own, as the first release left it, and what the code of that release asks of it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import psycopg
from django.apps.registry import Apps
from django.db import DEFAULT_DB_ALIAS, Error, connection, connections, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Model

from contracts.migrating.releases import APPS, of_release

NAME = "lectern_first_release"
_COPY = re.compile(r'^(COPY "(\w+)" .*) FROM stdin;\n((?:.*\n)*?)\\\.$', re.MULTILINE)
_UNIQUE = "23505"


@contextmanager
def another_database() -> Iterator[None]:
    """Everything that asks the database asks a new, empty one."""
    usual = connections[DEFAULT_DB_ALIAS]
    with usual.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {NAME}")
    own = usual.copy()
    own.settings_dict["NAME"] = NAME
    connections[DEFAULT_DB_ALIAS] = own
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS].close()
        connections[DEFAULT_DB_ALIAS] = usual
        with usual.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


def models_of(release: Path) -> Apps:
    """The models as the code of the release knew them."""
    executor = MigrationExecutor(connection)
    return executor.loader.project_state(_targets(executor, release)).apps


def leave_as(release: Path) -> None:
    """The tables of the release, with the rows that it left."""
    executor = MigrationExecutor(connection)
    executor.migrate(_targets(executor, release))
    with transaction.atomic(), connection.cursor() as cursor:
        for table in rows_of(release):
            cursor.execute(f'TRUNCATE "{table}" CASCADE')
        raw = cast("psycopg.Connection[Any]", connection.connection).cursor()
        for statement, table, rows in _copies(release):
            with raw.copy(f"{statement} FROM STDIN") as copy:
                copy.write(rows)
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence(%s, column_name), 1000000) FROM information_schema.columns "
                "WHERE table_name = %s AND is_identity = 'YES'",
                [table, table],
            )


def rows_of(release: Path) -> dict[str, int]:
    """How many rows the release left in each table."""
    return {table: rows.count("\n") for _, table, rows in _copies(release)}


def what_hurts_the_code_of(release: Path) -> list[str]:
    """What the release's own code can no longer do: read its rows, or write ones like them."""
    own = [model for model in models_of(release).get_models() if model._meta.app_label in APPS and model._meta.managed]
    return [fault for model in own for fault in _faults_of(model)]


def _faults_of(model: type[Model]) -> Iterator[str]:
    name = model._meta.label
    try:
        with transaction.atomic():
            row = model._default_manager.first()
    except Error as fault:
        yield f"{name} cannot be read: {str(fault).splitlines()[0]}"
        return
    if row is None:
        return
    try:
        with transaction.atomic():
            model._default_manager.bulk_create([row])
    except Error as fault:
        # There is one like it already, so it came as far as that.
        if getattr(fault.__cause__, "sqlstate", "") != _UNIQUE:
            yield f"{name} cannot be written: {str(fault).splitlines()[0]}"


def _targets(executor: MigrationExecutor, release: Path) -> list[tuple[str, str]]:
    others = [leaf for leaf in executor.loader.graph.leaf_nodes() if leaf[0] not in APPS]
    return [*of_release(release).items(), *others]


def _copies(release: Path) -> list[tuple[str, str, str]]:
    return _COPY.findall((release / "rows.sql").read_text())
