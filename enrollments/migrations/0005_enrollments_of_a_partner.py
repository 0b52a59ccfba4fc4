"""A partner finds its enrollments, those in one course and those of one learner, newest first."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

_OF_A_PARTNER = models.Q(partner__isnull=False)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("enrollments", "0004_partners")]
    operations = [
        AddIndexConcurrently(
            "enrollment",
            models.Index(fields=["partner", "id"], condition=_OF_A_PARTNER, name="enrollment_of_partner"),
        ),
        AddIndexConcurrently(
            "enrollment",
            models.Index(fields=["partner", "course", "id"], condition=_OF_A_PARTNER, name="enrollment_partner_course"),
        ),
        AddIndexConcurrently(
            "enrollment",
            models.Index(
                fields=["partner", "external_id", "id"], condition=_OF_A_PARTNER, name="enrollment_partner_learner"
            ),
        ),
    ]
