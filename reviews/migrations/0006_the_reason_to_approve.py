"""Of the reasons to begin with, one is for approving."""

from django.db import migrations


def tell_apart(apps, _schema_editor):
    apps.get_model("reviews", "ModerationReason").objects.filter(code="fine").update(decision="approve")


class Migration(migrations.Migration):
    dependencies = [("reviews", "0005_reasons_for_one_decision")]
    operations = [migrations.RunPython(tell_apart, migrations.RunPython.noop)]
