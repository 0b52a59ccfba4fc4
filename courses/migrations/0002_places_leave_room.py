"""Places are updated at every enrollment: room on their page lets PostgreSQL do so without touching an index."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("courses", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE courses_courseplaces SET (fillfactor = 50)",
            "ALTER TABLE courses_courseplaces RESET (fillfactor)",
        )
    ]
