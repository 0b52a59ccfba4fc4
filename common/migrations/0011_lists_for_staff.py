"""Indexes for what staff look for first: deliveries in one state, and the few jobs that failed among the many."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

FAILED = "CREATE INDEX CONCURRENTLY lectern_jobs_failed ON procrastinate_jobs (id) WHERE status = 'failed'"
NO_FAILED = "DROP INDEX CONCURRENTLY lectern_jobs_failed"


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("common", "0010_runs_of_operators")]
    operations = [
        AddIndexConcurrently("webhookdelivery", models.Index(fields=["status", "id"], name="delivery_status")),
        migrations.RunSQL(FAILED, NO_FAILED),
    ]
