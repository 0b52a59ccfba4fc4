"""Items of runs that were not done are few among many, and are looked for over all runs."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("common", "0011_lists_for_staff")]
    operations = [
        migrations.RemoveIndex(model_name="opsitem", name="item_of_run_by_outcome"),
        migrations.AddIndex(
            model_name="opsitem",
            index=models.Index(
                condition=models.Q(("outcome__in", ["changed", "failed", "planned", "refused"])),
                fields=["outcome", "id"],
                name="item_not_done",
            ),
        ),
    ]
