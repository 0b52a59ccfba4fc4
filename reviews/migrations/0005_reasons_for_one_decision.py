"""Each reason is for one decision: nobody is told that a review was approved because it advertises."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reviews", "0004_console")]
    operations = [
        migrations.AddField(
            model_name="moderationreason",
            name="decision",
            field=models.CharField(
                "for a decision to",
                max_length=10,
                choices=[("approve", "approve"), ("hide", "hide")],
                default="hide",
                db_default="hide",
            ),
        ),
    ]
