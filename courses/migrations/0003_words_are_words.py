"""The index of the search knows `Python/Django` as two words."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.contrib.postgres.search import SearchVector
from django.db import migrations, models

GLUE = "./-_@:+=&<>?~"


def words(column: str) -> models.Func:
    spaces = models.Value(" " * len(GLUE))
    return models.Func(
        models.F(column), models.Value(GLUE), spaces, function="translate", output_field=models.TextField()
    )


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("courses", "0002_places_leave_room")]
    operations = [
        AddIndexConcurrently(
            "course",
            GinIndex(
                SearchVector(words("title"), words("summary"), words("instructor"), config="simple"),
                name="course_by_words",
            ),
        ),
        RemoveIndexConcurrently("course", "course_search"),
    ]
