import django.db.models.functions.datetime
from django.db import migrations, models

# A fault goes with its job. Django knows the table of the jobs only as somebody else's.
GOES_WITH_ITS_JOB = """
ALTER TABLE common_jobfault ADD CONSTRAINT fault_of_a_job
    FOREIGN KEY (job_id) REFERENCES procrastinate_jobs (id) ON DELETE CASCADE
"""
STAYS = "ALTER TABLE common_jobfault DROP CONSTRAINT fault_of_a_job"


class Migration(migrations.Migration):
    dependencies = [("common", "0004_events_of_a_partner"), ("procrastinate", "0001_initial")]
    operations = [
        migrations.CreateModel(
            name="JobFault",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("job_id", models.BigIntegerField()),
                ("attempt", models.PositiveIntegerField()),
                ("report", models.TextField()),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "permissions": [("retry_job", "Can have failed jobs tried again")],
                "default_permissions": (),
                "indexes": [models.Index(fields=["job_id", "id"], name="fault_of_job")],
            },
        ),
        migrations.RunSQL(GOES_WITH_ITS_JOB, STAYS),
    ]
