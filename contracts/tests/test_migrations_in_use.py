"""`manage.py migrate` beside a service at work: it waits for no lock for long, and takes its time otherwise."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from pytest_django.plugin import DjangoDbBlocker

from config.management.commands.migrate import Command
from contracts.gate import documents
from contracts.migrating import releases, review
from contracts.tests.upgrading import another_database, leave_as

FIRST = documents.releases()[0].folder
BESIDE_THE_WORK = re.compile(r"(CREATE|DROP) INDEX CONCURRENTLY|VALIDATE CONSTRAINT")


@pytest.fixture
def first_release(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The database of the first release."""
    with django_db_blocker.unblock(), another_database():
        leave_as(FIRST)
        yield


@contextmanager
def in_use(table: str) -> Iterator[Any]:
    """Somebody else's transaction has the table. Gives their cursor."""
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute(f"BEGIN; LOCK TABLE {table} IN ROW EXCLUSIVE MODE")
        try:
            yield cursor
        finally:
            other.close()


def shown(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        return str(cursor.fetchone()[0])


class Watched(Command):
    """Notes how long each migration may wait, and run."""

    def __init__(self) -> None:
        super().__init__()
        self.patience: dict[bool, tuple[str, str]] = {}

    def migration_progress_callback(self, action: str, migration: Migration | None = None, fake: bool = False) -> None:
        super().migration_progress_callback(action, migration, fake)
        if action == "apply_start":
            self.patience[migration.atomic] = shown("lock_timeout"), shown("statement_timeout")


def test_a_migration_takes_its_time_but_does_not_wait_long_for_a_lock(first_release: None) -> None:
    before = shown("lock_timeout"), shown("statement_timeout")
    watched = Watched()
    call_command(watched, interactive=False, verbosity=0)
    assert watched.patience == {True: ("2s", "0"), False: ("0", "0")}
    assert (shown("lock_timeout"), shown("statement_timeout")) == before


def test_one_that_gets_no_lock_gives_up_whole_and_can_be_run_again(
    first_release: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Command, "pauses", ())
    with in_use("enrollments_partner"), pytest.raises(CommandError, match="Nothing is half done"):
        call_command("migrate", interactive=False, verbosity=0)
    call_command("migrate", interactive=False, verbosity=0)
    call_command("migrate", interactive=False, verbosity=0, check_unapplied=True)


def test_one_that_gets_its_lock_in_the_end_goes_on(first_release: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with in_use("enrollments_partner") as other:
        monkeypatch.setattr("config.management.commands.migrate.time.sleep", lambda _: other.execute("COMMIT"))
        call_command("migrate", interactive=False, verbosity=0)


@pytest.mark.django_db
def test_one_that_waits_for_ever_does_nothing_that_others_would_wait_for() -> None:
    own = connection.copy()
    loader = MigrationLoader(own)
    patient = [each for each in review.migrations_after(releases.of_release(FIRST), loader) if not each.atomic]
    steps = [line for each in patient for line in loader.collect_sql([(each, False)]) if not line.startswith("--")]
    own.close()
    assert steps
    assert [step for step in steps if not BESIDE_THE_WORK.search(step)] == []
