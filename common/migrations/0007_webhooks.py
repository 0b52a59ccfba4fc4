import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import common.ids


class Migration(migrations.Migration):
    dependencies = [
        ("common", "0006_people_by_name"),
    ]

    operations = [
        migrations.CreateModel(
            name="FeedReader",
            fields=[
                ("name", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("position", models.BigIntegerField(default=0)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Webhook",
            fields=[
                (
                    "id",
                    models.UUIDField(default=common.ids.new_uuid, editable=False, primary_key=True, serialize=False),
                ),
                ("owner", models.CharField(max_length=30)),
                ("url", models.CharField(max_length=2000, verbose_name="address")),
                (
                    "event_types",
                    django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=60), size=None),
                ),
                ("secret", models.BinaryField()),
                ("previous_secret", models.BinaryField(null=True)),
                ("previous_secret_until", models.DateTimeField(null=True)),
                ("after_position", models.BigIntegerField()),
                ("unanswered", models.PositiveIntegerField(default=0)),
                ("paused_until", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("disabled_at", models.DateTimeField(null=True)),
                (
                    "disabled_because",
                    models.CharField(
                        blank=True,
                        choices=[("gone", "gone"), ("staff", "staff"), ("deleted", "deleted")],
                        max_length=10,
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "permissions": [("operate_webhook", "Can disable webhooks and send deliveries again")],
                "default_permissions": ("view",),
                "indexes": [models.Index(fields=["owner", "id"], name="webhook_of_owner")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("disabled_at", None), ("disabled_because", "")),
                            models.Q(models.Q(("disabled_because", ""), _negated=True), ("disabled_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="webhook_disabled_for_a_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("previous_secret", None), ("previous_secret_until", None)),
                            models.Q(("previous_secret__isnull", False), ("previous_secret_until__isnull", False)),
                            _connector="OR",
                        ),
                        name="webhook_previous_secret_ends",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("sequence", models.PositiveIntegerField()),
                (
                    "status",
                    models.CharField(
                        choices=[("pending", "pending"), ("delivered", "delivered"), ("failed", "failed")],
                        max_length=10,
                    ),
                ),
                ("due_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("since", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("log", models.JSONField(default=list)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "event",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="common.event"
                    ),
                ),
                (
                    "webhook",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="common.webhook",
                    ),
                ),
            ],
            options={
                "verbose_name": "delivery",
                "verbose_name_plural": "deliveries",
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["webhook", "id"], name="delivery_of_webhook"),
                    models.Index(fields=["webhook", "status", "id"], name="delivery_by_status"),
                    models.Index(
                        condition=models.Q(("status", "pending")),
                        fields=["webhook", "due_at", "id"],
                        name="delivery_due",
                    ),
                    models.Index(condition=models.Q(("status", "pending")), fields=["since"], name="delivery_since"),
                    models.Index(
                        condition=models.Q(("status", "pending"), _negated=True),
                        fields=["ended_at"],
                        name="delivery_ended",
                    ),
                    models.Index(fields=["event"], name="delivery_of_event"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("webhook", "event"), name="delivery_one_each"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at", None), ("status", "pending")),
                            models.Q(models.Q(("status", "pending"), _negated=True), ("ended_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="delivery_ended_or_pending",
                    ),
                ],
            },
        ),
    ]
