"""The event log has months (docs/adr/0005): the table so far is the first of its parts, and nothing is copied.

Takes a few milliseconds, whatever is in the table: its ids are known to be low, and its indexes become parts of the
log's. `common.events.months` makes the months that follow.
"""

import django.db.models.functions.datetime
from django.db import migrations, models

_INDEXES = {
    "event_unplaced": "(id) WHERE position IS NULL",
    "event_type_position": "(type, position)",
    "event_subject": "(subject, id)",
    "event_course": "(course, id)",
    "event_partner": "(partner, position) WHERE NOT (partner = '')",
    "event_request": "(request_id, id) WHERE NOT (request_id = '')",
}
_REFERENCES = {
    "common_webhookdelivery": "common_webhookdelivery_event_id_18f73df6_fk_common_event_id",
    "common_mail": "common_mail_event_id_ec16a8db_fk_common_event_id",
}
_EARLIER = "common_event_000000"

MONTHS = [
    # Sequence and identity would go together, and parts of a table have no identity.
    "CREATE SEQUENCE common_event_number",
    "SELECT setval('common_event_number', nextval('common_event_id_seq'))",
    "ALTER TABLE common_event ALTER COLUMN id DROP IDENTITY",
    "ALTER SEQUENCE common_event_number RENAME TO common_event_id_seq",
    *(f"ALTER TABLE {table} DROP CONSTRAINT {name}" for table, name in _REFERENCES.items()),
    "DROP TRIGGER common_event_only_grows ON common_event",
    f"ALTER TABLE common_event RENAME TO {_EARLIER}",
    f"ALTER INDEX common_event_pkey RENAME TO {_EARLIER}_pkey",
    f"ALTER INDEX event_one_uuid RENAME TO {_EARLIER}_uuid",
    f"ALTER INDEX event_one_position RENAME TO {_EARLIER}_position",
    *(f"ALTER INDEX {name} RENAME TO {_EARLIER}_{name}" for name in _INDEXES),
    f"CREATE TABLE common_event (LIKE {_EARLIER} INCLUDING DEFAULTS) PARTITION BY RANGE (id)",
    "ALTER TABLE common_event ALTER COLUMN id SET DEFAULT nextval('common_event_id_seq')",
    "ALTER SEQUENCE common_event_id_seq OWNED BY common_event.id",
    "ALTER TABLE common_event ADD PRIMARY KEY (id)",
    *(f"CREATE INDEX {name} ON common_event {columns}" for name, columns in _INDEXES.items()),
    (
        "CREATE TRIGGER common_event_only_grows BEFORE UPDATE OR DELETE ON common_event "
        "FOR EACH ROW EXECUTE FUNCTION common_event_only_grows()"
    ),
    f"ALTER TABLE common_event ATTACH PARTITION {_EARLIER} FOR VALUES FROM (0) TO (1000000000000)",
    f"ALTER TABLE {_EARLIER} DROP CONSTRAINT event_before_months",
    *(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY (event_id) REFERENCES common_event (id) "
        "DEFERRABLE INITIALLY DEFERRED NOT VALID"
        for table, name in _REFERENCES.items()
    ),
]


class Migration(migrations.Migration):
    dependencies = [("common", "0015_ids_before_months_looked_at")]
    operations = [
        migrations.RunSQL(
            MONTHS,
            state_operations=[
                migrations.RemoveConstraint("event", "event_one_uuid"),
                migrations.RemoveConstraint("event", "event_one_position"),
            ],
        ),
        migrations.CreateModel(
            name="ArchivedMonth",
            fields=[
                ("number", models.PositiveIntegerField(primary_key=True, serialize=False)),
                ("events", models.BigIntegerField()),
                ("last_position", models.BigIntegerField()),
                ("last_time", models.DateTimeField()),
                ("file", models.CharField(max_length=1000)),
                ("digest", models.CharField(max_length=64)),
                ("operator", models.CharField(max_length=100)),
                ("archived_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={"default_permissions": ()},
        ),
        migrations.CreateModel(
            name="ArchivedSubject",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "month",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=models.CASCADE,
                        related_name="+",
                        to="common.archivedmonth",
                    ),
                ),
                ("subject", models.CharField(max_length=60)),
                ("events", models.PositiveIntegerField()),
            ],
            options={
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("subject", "month"), name="archived_subject_once")],
            },
        ),
    ]
