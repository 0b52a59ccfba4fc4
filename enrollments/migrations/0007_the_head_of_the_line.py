"""A queue number may lie below zero: a repair puts people in front of a line without numbering it anew."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("enrollments", "0006_imports"),
    ]

    operations = [
        migrations.AlterField(
            model_name="enrollment",
            name="queue_number",
            field=models.BigIntegerField(null=True),
        ),
    ]
