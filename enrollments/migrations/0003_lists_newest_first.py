"""Lists of a million rows by status, source, course or learner begin where their index ends, newest first.

Those by learner and by course take the places of narrower ones: of a learner's enrollments without those who only
waited, and of a course's rows by status.
"""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("enrollments", "0002_the_waitlist_as_a_list")]
    operations = [
        AddIndexConcurrently(
            "enrollment", models.Index(fields=["learner", "enrolled_at", "id"], name="enrollment_by_learner")
        ),
        AddIndexConcurrently(
            "enrollment", models.Index(fields=["course", "joined_at", "id"], name="enrollment_by_course")
        ),
        AddIndexConcurrently(
            "enrollment", models.Index(fields=["status", "joined_at", "id"], name="enrollment_by_status")
        ),
        AddIndexConcurrently(
            "enrollment", models.Index(fields=["source", "joined_at", "id"], name="enrollment_by_source")
        ),
        RemoveIndexConcurrently("enrollment", "enrollment_of_learner"),
        RemoveIndexConcurrently("enrollment", "enrollment_course_status"),
    ]
