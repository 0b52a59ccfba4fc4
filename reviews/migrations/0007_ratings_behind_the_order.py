"""Who looks for one rating among the hidden ones, say, no longer reads all the others."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

LIVE = models.Q(retracted_at=None)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("reviews", "0006_the_reason_to_approve")]
    operations = [
        AddIndexConcurrently(
            "review", models.Index(fields=["submitted_at", "id", "rating"], condition=LIVE, name="review_ages")
        ),
        AddIndexConcurrently(
            "review",
            models.Index(fields=["status", "submitted_at", "id", "rating"], condition=LIVE, name="review_status_ages"),
        ),
        AddIndexConcurrently(
            "review",
            models.Index(fields=["course", "submitted_at", "id", "rating"], condition=LIVE, name="review_course_ages"),
        ),
        AddIndexConcurrently(
            "review",
            models.Index(
                fields=["course", "status", "submitted_at", "id", "rating"],
                condition=LIVE,
                name="review_course_status_ages",
            ),
        ),
        RemoveIndexConcurrently("review", "review_by_age"),
        RemoveIndexConcurrently("review", "review_status_by_age"),
        RemoveIndexConcurrently("review", "review_course_by_age"),
        RemoveIndexConcurrently("review", "review_course_status_by_age"),
    ]
