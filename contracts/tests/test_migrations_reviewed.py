"""Machines review migrations; what people have reviewed has a reason."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader

from contracts.gate import documents
from contracts.migrating import releases, review
from contracts.migrating.review import Finding
from contracts.tests.planted_migrations import ADDITIONS, BREAKAGES, Planted

pytestmark = pytest.mark.django_db


@pytest.fixture
def loader() -> Iterator[MigrationLoader]:
    """The migrations, over a connection without the transaction of the test."""
    own = connection.copy()
    yield MigrationLoader(own)
    own.close()


def rules_of(planted: Planted, loader: MigrationLoader) -> set[str]:
    """What the linters say of it, if it followed the newest migration of the catalogue."""
    before = [("courses", releases.newest()["courses"]), ("common", releases.newest()["common"])]
    migration = Migration("9999_planted", "courses")
    migration.operations, migration.dependencies, migration.atomic = [*planted.operations], before, planted.atomic
    loader.graph.add_node(("courses", "9999_planted"), migration)
    for parent in before:
        loader.graph.add_dependency(migration, ("courses", "9999_planted"), parent)
    return {finding.rule for finding in review.findings(migration, loader)}


def test_nothing_is_found_that_nobody_has_reviewed(loader: MigrationLoader) -> None:
    first = releases.of_release(documents.releases()[0].folder)
    migrations = list(review.migrations_after(first, loader))
    assert migrations
    found = [finding for migration in migrations for finding in review.findings(migration, loader)]
    assert review.faults(found, review.reviewed()) == []


@pytest.mark.parametrize("name", BREAKAGES)
def test_what_hurts_is_found(name: str, loader: MigrationLoader) -> None:
    assert rules_of(BREAKAGES[name], loader) >= BREAKAGES[name].found


@pytest.mark.parametrize("name", ADDITIONS)
def test_what_only_adds_passes(name: str, loader: MigrationLoader) -> None:
    assert rules_of(ADDITIONS[name], loader) == set()


def test_a_review_needs_a_reason(tmp_path: Path) -> None:
    file = tmp_path / "reviewed.yaml"
    file.write_text("- {migration: courses.0004_x, rules: [DROP_COLUMN], because: }")
    with pytest.raises(ValueError, match="says why"):
        review.reviewed(file)


def test_a_review_goes_when_its_finding_goes() -> None:
    finding = Finding("courses.0004_x", "DROP_COLUMN")
    assert review.faults([finding], {finding}) == []
    assert "reviewed, but not found" in review.faults([], {finding})[0]
    assert "change it" in review.faults([finding], set())[0]
