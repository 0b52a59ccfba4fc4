"""Words of reviews, and open reports by reason, are found by an index."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reviews", "0003_reasons_to_begin_with")]
    operations = [
        migrations.AddIndex(
            model_name="review",
            index=GinIndex(SearchVector("comment", config="simple"), name="review_search"),
        ),
        migrations.AddIndex(
            model_name="report",
            index=models.Index(fields=["reason"], condition=models.Q(resolution=""), name="report_open"),
        ),
    ]
