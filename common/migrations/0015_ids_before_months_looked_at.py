"""All events are read once, beside the work of others, so that nobody has to wait for that when the log gets months."""

from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("common", "0014_ids_before_months")]
    operations = [
        migrations.RunSQL("ALTER TABLE common_event VALIDATE CONSTRAINT event_before_months", migrations.RunSQL.noop)
    ]
