"""The jobs of one request are found without reading all jobs."""

from django.db import migrations

MADE = (
    "CREATE INDEX CONCURRENTLY lectern_jobs_of_request ON procrastinate_jobs ((args ->> 'request_id'), id)"
    " WHERE args ->> 'request_id' <> ''"
)
GONE = "DROP INDEX CONCURRENTLY lectern_jobs_of_request"


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("common", "0017_events_of_deliveries_looked_at"), ("procrastinate", "0001_initial")]
    operations = [migrations.RunSQL(MADE, GONE)]
