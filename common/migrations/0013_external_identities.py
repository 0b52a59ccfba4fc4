"""People of an identity provider are known by who they are there."""

from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("common", "0012_what_runs_left_undone")]
    operations = [
        migrations.CreateModel(
            name="ExternalIdentity",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("issuer", models.CharField(max_length=200)),
                ("subject", models.CharField(max_length=255)),
                ("created_at", models.DateTimeField(db_default=Now())),
                (
                    "person",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=models.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "external identities",
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=["issuer", "subject"], name="identity_one_person"),
                    models.UniqueConstraint(fields=["person", "issuer"], name="identity_one_each"),
                ],
            },
        ),
    ]
