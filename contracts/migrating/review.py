"""What two linters say of the SQL of migrations, and what people have answered.

`squawk` knows which locks a statement takes and for how long; `django-migration-linter` knows which statements the code
of the release before does not survive.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django_migration_linter import MigrationLinter
from django_migration_linter.sql_analyser.analyser import analyse_sql_statements, get_sql_analyser_class

from contracts.migrating.releases import APPS

REVIEWED = Path(__file__).with_name("reviewed.yaml")
_SQUAWK = Path(sys.executable).with_name("squawk")
# The first five are matters of taste, on which the models decide; the timeouts are set by `manage.py migrate`.
_NOT_ASKED = (
    "prefer-text-field",
    "prefer-robust-stmts",
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "prefer-identity",
    "require-lock-timeout",
    "require-statement-timeout",
)


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """What may go wrong when this migration meets a database in use; `rule` is the linter's word for it."""

    migration: str
    rule: str

    def __str__(self) -> str:
        return f"{self.migration}: {self.rule}"


def migrations_after(last: dict[str, str], loader: MigrationLoader) -> Iterator[Migration]:
    """The migrations that follow these."""
    for (app, name), migration in sorted(loader.disk_migrations.items()):
        if app in APPS and name > last[app]:
            yield migration


def findings(migration: Migration, loader: MigrationLoader) -> set[Finding]:
    """What the linters say of it."""
    lines = [line for line in loader.collect_sql([(migration, False)]) if not line.startswith("--")]
    text = ["BEGIN;", *lines, "COMMIT;"] if migration.atomic else lines
    found = {*_said_by_squawk(text), *_said_by_linter(migration, text)}
    return {Finding(f"{migration.app_label}.{migration.name}", rule) for rule in found}


def reviewed(path: Path = REVIEWED) -> set[Finding]:
    """What people have looked at and found harmless, each with a reason in the file.

    Raises:
        ValueError: a reason is missing.
    """
    entries = yaml.safe_load(path.read_text()) or []
    if bare := [entry for entry in entries if not entry.get("because")]:
        raise ValueError(f"Nothing says why: {bare}")
    return {Finding(entry["migration"], rule) for entry in entries for rule in entry["rules"]}


def faults(found: Iterable[Finding], accepted: set[Finding]) -> list[str]:
    """What nobody has reviewed, and reviews of what is no longer found."""
    kept = set(found)
    return [
        *(
            f"{each}: change it, or say in contracts/migrating/reviewed.yaml why not."
            for each in sorted(kept - accepted)
        ),
        *(f"{each}: reviewed, but not found." for each in sorted(accepted - kept)),
    ]


def _said_by_squawk(text: list[str]) -> Iterator[str]:
    command = [str(_SQUAWK), "--pg-version", "15", "--exclude", ",".join(_NOT_ASKED), "--reporter", "json"]
    made = subprocess.run(command, input="\n".join(text), capture_output=True, text=True, check=False)
    if made.returncode not in {0, 1}:
        raise RuntimeError(f"squawk failed: {made.stderr}")
    yield from (each["rule_name"] for each in json.loads(made.stdout or "[]"))


def _said_by_linter(migration: Migration, text: list[str]) -> Iterator[str]:
    analyser = get_sql_analyser_class("", analyser_string="postgresql")
    errors, _, warnings = analyse_sql_statements(analyser, text)
    data_errors, _, data_warnings = _linter().analyse_data_migration(migration)
    yield from (each.code for each in (*errors, *warnings, *data_errors, *data_warnings))


@cache
def _linter() -> MigrationLinter:
    return MigrationLinter(no_cache=True, no_output=True, analyser_string="postgresql")
