"""People are found by the words of their names."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.contrib.postgres.search import SearchVector
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("common", "0005_faults_of_jobs")]
    operations = [
        AddIndexConcurrently(
            "user", GinIndex(SearchVector("display_name", config="simple"), name="user_words_of_name")
        ),
    ]
