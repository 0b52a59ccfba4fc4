"""Files of learners that partners send, and their rows."""

from django.db import migrations, models
from django.db.models import F, Q
from django.db.models.functions import Now

import common.ids

_STATUSES = ["queued", "running", "completed", "cancelled"]
_RESULTS = ["enrolled", "waitlisted", "unchanged", "rejected", "failed"]


class Migration(migrations.Migration):
    dependencies = [("enrollments", "0005_enrollments_of_a_partner")]
    operations = [
        migrations.CreateModel(
            name="Import",
            fields=[
                (
                    "id",
                    models.UUIDField(default=common.ids.new_uuid, editable=False, primary_key=True, serialize=False),
                ),
                ("status", models.CharField(choices=[(each, each) for each in _STATUSES], max_length=10)),
                ("file_name", models.CharField(max_length=200, null=True)),
                ("rows_total", models.PositiveIntegerField(default=0)),
                ("done_through", models.PositiveIntegerField(default=0)),
                *((name, models.PositiveIntegerField(default=0)) for name in _RESULTS),
                ("actor", models.CharField(max_length=100)),
                ("request_id", models.CharField(blank=True, max_length=128)),
                ("created_at", models.DateTimeField(db_default=Now())),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "partner",
                    models.ForeignKey(
                        db_index=False, on_delete=models.PROTECT, related_name="+", to="enrollments.partner"
                    ),
                ),
            ],
            options={
                "default_permissions": ("view", "change"),
                "constraints": [
                    models.CheckConstraint(condition=Q(status__in=_STATUSES), name="import_known_status"),
                    models.CheckConstraint(
                        condition=Q(
                            rows_total__gte=F("enrolled")
                            + F("waitlisted")
                            + F("unchanged")
                            + F("rejected")
                            + F("failed")
                        ),
                        name="import_counts_fit_rows",
                    ),
                ],
                "indexes": [
                    models.Index(fields=["partner", "id"], name="import_of_partner"),
                    models.Index(
                        fields=["id"], condition=Q(status__in=["queued", "running"]), name="import_unfinished"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ImportRow",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "file", "line", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("line", models.PositiveIntegerField()),
                ("course_id", models.TextField()),
                ("external_id", models.TextField()),
                ("email", models.TextField()),
                ("name", models.TextField()),
                (
                    "result",
                    models.CharField(choices=[(each, each) for each in _RESULTS], max_length=10, null=True),
                ),
                ("code", models.CharField(blank=True, db_default="", default="", max_length=40)),
                ("detail", models.TextField(blank=True, db_default="", default="")),
                (
                    "file",
                    models.ForeignKey(
                        db_index=False, on_delete=models.PROTECT, related_name="rows", to="enrollments.import"
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(condition=Q(result__in=_RESULTS), name="import_row_known_result")
                ],
            },
        ),
    ]
