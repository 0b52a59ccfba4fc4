"""Partners, their keys, and whom they mean by their own ids."""

from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Now

import common.ids

_ID = models.UUIDField(default=common.ids.new_uuid, editable=False, primary_key=True, serialize=False)
_PARTNER = "enrollments.partner"


class Migration(migrations.Migration):
    dependencies = [
        ("enrollments", "0003_lists_newest_first"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="Partner",
            fields=[
                ("id", _ID),
                ("name", models.CharField(max_length=100)),
                ("created_at", models.DateTimeField(db_default=Now(), editable=False)),
            ],
            options={"default_permissions": ("view", "change")},
        ),
        migrations.CreateModel(
            name="PartnerKey",
            fields=[
                ("id", _ID),
                ("partner", models.ForeignKey(on_delete=models.PROTECT, related_name="keys", to=_PARTNER)),
                ("prefix", models.CharField(max_length=20)),
                ("digest", models.BinaryField(max_length=32)),
                ("created_at", models.DateTimeField(db_default=Now(), editable=False)),
                ("expires_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("last_used_at", models.DateTimeField(null=True)),
            ],
            options={
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("prefix",), name="partner_key_one_prefix")],
            },
        ),
        migrations.CreateModel(
            name="PartnerLearner",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "partner",
                    models.ForeignKey(db_index=False, on_delete=models.PROTECT, related_name="+", to=_PARTNER),
                ),
                ("external_id", models.CharField(max_length=100)),
                (
                    "learner",
                    models.ForeignKey(on_delete=models.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("partner", "external_id"), name="partner_learner_one_external_id")
                ],
            },
        ),
        migrations.AddField(
            "enrollment",
            "partner",
            models.ForeignKey(db_index=False, null=True, on_delete=models.PROTECT, related_name="+", to=_PARTNER),
        ),
        migrations.AddField(
            "enrollment", "external_id", models.CharField(blank=True, db_default="", default="", max_length=100)
        ),
        migrations.AddConstraint(
            "enrollment",
            models.CheckConstraint(
                condition=models.Q(partner=None, external_id="")
                | (models.Q(partner__isnull=False) & ~models.Q(external_id="")),
                name="enrollment_external_id_is_a_partners",
            ),
        ),
    ]
