"""Reviews say what their stars are for. A review without that, as the code before writes it, has null.

The checks look at new rows from here on, and at the old ones in the next migration, which does not hold the tables.
"""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import Q

DETAILS = ["clarity", "pace", "support"]


def of_five(column):
    each_of_five = {f"{column}__{detail}__in": [1, 2, 3, 4, 5] for detail in DETAILS}
    return Q(**{f"{column}__isnull": True}) | Q(**{f"{column}__has_keys": DETAILS}, **each_of_five)


class Migration(migrations.Migration):
    dependencies = [("reviews", "0007_ratings_behind_the_order")]
    operations = [
        migrations.AddField("review", "rating_details", models.JSONField(null=True)),
        migrations.AddField("review", "public_rating_details", models.JSONField(null=True)),
        migrations.AddField("revision", "rating_details", models.JSONField(null=True)),
        AddConstraintNotValid(
            "review",
            models.CheckConstraint(
                condition=of_five("rating_details") & of_five("public_rating_details"), name="review_details_of_five"
            ),
        ),
        AddConstraintNotValid(
            "revision",
            models.CheckConstraint(condition=of_five("rating_details"), name="revision_details_of_five"),
        ),
    ]
