"""Migrations as somebody may write them, one at a time: what the linters must find in each, and which must pass."""

from dataclasses import dataclass

from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.migrations.operations.base import Operation


@dataclass(frozen=True, slots=True)
class Planted:
    """One migration of the catalogue. `found`: at least these words of the linters; none for one that must pass."""

    operations: tuple[Operation, ...]
    found: frozenset[str] = frozenset()
    atomic: bool = True


def caught(*operations: Operation, by: str) -> Planted:
    return Planted(operations, frozenset(by.split()))


def passing(*operations: Operation, atomic: bool = True) -> Planted:
    return Planted(operations, atomic=atomic)


def _do_nothing(apps: object, schema_editor: object) -> None:
    pass


CAPACITY = models.Q(capacity__lte=5000)
BREAKAGES = {
    "a column that the code before does not fill": caught(
        migrations.AddField("course", "language", models.CharField(max_length=8, default="en")), by="NOT_NULL"
    ),
    "a column is gone": caught(migrations.RemoveField("course", "summary"), by="DROP_COLUMN ban-drop-column"),
    "a column has another name": caught(
        migrations.RenameField("course", "summary", "abstract"), by="RENAME_COLUMN renaming-column"
    ),
    "a column has another type": caught(
        migrations.AlterField("course", "title", models.IntegerField()), by="ALTER_COLUMN changing-column-type"
    ),
    "a column takes null no longer": caught(
        migrations.AlterField(
            "course", "rating_average", models.DecimalField(max_digits=3, decimal_places=2, default=0)
        ),
        by="NOT_NULL adding-not-nullable-field",
    ),
    "a table is gone": caught(migrations.DeleteModel("courseplaces"), by="DROP_TABLE ban-drop-table"),
    "a table has another name": caught(migrations.AlterModelTable("course", "catalogue"), by="RENAME_TABLE"),
    "an index while nobody can write": caught(
        migrations.AddIndex("course", models.Index(fields=["instructor"], name="course_instructor")),
        by="CREATE_INDEX require-concurrent-index-creation",
    ),
    "an index is taken away under a lock": caught(
        migrations.RemoveIndex("course", "course_by_title"), by="DROP_INDEX require-concurrent-index-deletion"
    ),
    "a rule that all rows are checked for under a lock": caught(
        migrations.AddConstraint("courseplaces", models.CheckConstraint(condition=CAPACITY, name="course_not_vast")),
        by="constraint-missing-not-valid",
    ),
    "a rule that the code before does not know": caught(
        migrations.AddConstraint("course", models.UniqueConstraint(fields=["title"], name="course_one_title")),
        by="ADD_UNIQUE disallowed-unique-constraint",
    ),
    "a reference that all rows are checked for": caught(
        migrations.AddField(
            "course", "owner", models.ForeignKey("common.User", models.PROTECT, null=True, related_name="+")
        ),
        by="adding-foreign-key-constraint",
    ),
    "rows are changed for good": caught(migrations.RunPython(_do_nothing), by="RUNPYTHON_REVERSIBLE"),
}
ADDITIONS = {
    "a column that may be null": passing(
        migrations.AddField("course", "language", models.CharField(max_length=8, null=True))
    ),
    "a column that the database fills": passing(
        migrations.AddField("course", "language", models.CharField(max_length=8, default="en", db_default="en"))
    ),
    "a table": passing(
        migrations.CreateModel("Shelf", [("id", models.BigAutoField(primary_key=True)), ("name", models.TextField())])
    ),
    "an index beside the work": passing(
        AddIndexConcurrently("course", models.Index(fields=["instructor"], name="course_instructor")), atomic=False
    ),
    "an index less beside the work": passing(RemoveIndexConcurrently("course", "course_by_title"), atomic=False),
    "a rule for rows to come": passing(
        AddConstraintNotValid("courseplaces", models.CheckConstraint(condition=CAPACITY, name="course_not_vast"))
    ),
    "rows are changed, and back": passing(migrations.RunPython(_do_nothing, _do_nothing)),
}
