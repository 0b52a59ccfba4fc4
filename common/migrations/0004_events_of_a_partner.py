"""An event knows the partner whom it concerns, so that the partner's feed is read from an index."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("common", "0003_few_among_many")]
    operations = [
        migrations.AddField("event", "partner", models.CharField(blank=True, db_default="", default="", max_length=30)),
        AddIndexConcurrently(
            "event",
            models.Index(fields=["partner", "position"], name="event_partner", condition=~models.Q(partner="")),
        ),
    ]
