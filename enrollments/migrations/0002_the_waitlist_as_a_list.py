"""The rows of those who wait get a list of their own in the admin. No table changes."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("enrollments", "0001_initial")]
    operations = [
        migrations.CreateModel(
            name="PlaceInLine",
            fields=[],
            options={
                "verbose_name": "place in line",
                "verbose_name_plural": "places in line",
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("enrollments.enrollment",),
        ),
    ]
