import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("common", "0007_webhooks"),
    ]

    operations = [
        migrations.CreateModel(
            name="Mail",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "status",
                    models.CharField(
                        choices=[("pending", "pending"), ("sent", "sent"), ("failed", "failed")], max_length=10
                    ),
                ),
                ("due_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("since", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("fault", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "event",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="common.event"
                    ),
                ),
                (
                    "recipient",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "permissions": [("resend_mail", "Can have mails sent again")],
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(condition=models.Q(("status", "pending")), fields=["due_at", "id"], name="mail_due"),
                    models.Index(fields=["status", "id"], name="mail_by_status"),
                    models.Index(fields=["recipient", "id"], name="mail_of_recipient"),
                    models.Index(
                        condition=models.Q(("status", "pending"), _negated=True), fields=["ended_at"], name="mail_ended"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("event", "recipient"), name="mail_one_each"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at", None), ("status", "pending")),
                            models.Q(models.Q(("status", "pending"), _negated=True), ("ended_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="mail_ended_or_pending",
                    ),
                ],
            },
        ),
    ]
