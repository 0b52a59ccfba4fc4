"""What deliveries and mails refer to is looked at once more, beside the work of others."""

from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("common", "0016_months_of_the_event_log")]
    operations = [
        migrations.RunSQL(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}", migrations.RunSQL.noop)
        for table, name in (
            ("common_webhookdelivery", "common_webhookdelivery_event_id_18f73df6_fk_common_event_id"),
            ("common_mail", "common_mail_event_id_ec16a8db_fk_common_event_id"),
        )
    ]
