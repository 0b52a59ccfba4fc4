"""The checks on what stars are for hold for every row."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("reviews", "0008_rating_details")]
    operations = [
        ValidateConstraint("review", "review_details_of_five"),
        ValidateConstraint("revision", "revision_details_of_five"),
    ]
