"""Runs of operators' commands with their items, and what the last look at each invariant found."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import common.ids


class Migration(migrations.Migration):
    dependencies = [
        ("common", "0009_public_ids_in_sql"),
    ]

    operations = [
        migrations.CreateModel(
            name="Invariant",
            fields=[
                ("name", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("findings", models.PositiveIntegerField(null=True)),
                ("sample", models.JSONField(default=list)),
                ("fault", models.TextField(blank=True)),
                ("took_ms", models.PositiveIntegerField()),
                ("checked_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="OpsRun",
            fields=[
                (
                    "id",
                    models.UUIDField(default=common.ids.new_uuid, editable=False, primary_key=True, serialize=False),
                ),
                ("command", models.CharField(max_length=40)),
                ("arguments", models.JSONField()),
                ("operator", models.CharField(max_length=100)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("running", "running"),
                            ("interrupted", "interrupted"),
                            ("stopped", "stopped"),
                            ("completed", "completed"),
                        ],
                        max_length=12,
                    ),
                ),
                ("plan_digest", models.CharField(blank=True, max_length=64)),
                ("holder", models.UUIDField(null=True)),
                ("sources_read", models.PositiveSmallIntegerField(default=0)),
                ("position", models.BigIntegerField(default=0)),
                ("counts", models.JSONField(default=dict)),
                ("started_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("last_progress_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "undoes",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="common.opsrun",
                    ),
                ),
            ],
            options={
                "verbose_name": "run",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="OpsItem",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=40)),
                ("key", models.UUIDField(null=True)),
                ("course_id", models.UUIDField(null=True)),
                ("line", models.PositiveIntegerField(null=True)),
                ("before", models.JSONField(default=dict)),
                ("after", models.JSONField(default=dict)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("planned", "planned"),
                            ("done", "done"),
                            ("unneeded", "unneeded"),
                            ("changed", "changed"),
                            ("refused", "refused"),
                            ("failed", "failed"),
                        ],
                        max_length=10,
                    ),
                ),
                ("code", models.CharField(blank=True, max_length=60)),
                ("detail", models.TextField(blank=True)),
                ("at", models.DateTimeField(null=True)),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="common.opsrun",
                    ),
                ),
            ],
            options={
                "verbose_name": "item of a run",
                "verbose_name_plural": "items of runs",
                "default_permissions": ("view",),
            },
        ),
        migrations.AddIndex(
            model_name="opsrun",
            index=models.Index(fields=["command", "id"], name="run_of_command"),
        ),
        migrations.AddIndex(
            model_name="opsitem",
            index=models.Index(fields=["run", "id"], name="item_of_run"),
        ),
        migrations.AddIndex(
            model_name="opsitem",
            index=models.Index(fields=["run", "outcome", "id"], name="item_of_run_by_outcome"),
        ),
        migrations.AddIndex(
            model_name="opsitem",
            index=models.Index(fields=["key"], name="item_about"),
        ),
    ]
