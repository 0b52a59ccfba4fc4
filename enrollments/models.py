"""The one table of who is in, who waits, and who was."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from common import ids
from enrollments.types import ENROLLMENT, LIVE, Source, Status

_IS_LIVE = Q(status__in=sorted(LIVE))
_IS_ENROLLMENT = Q(status__in=sorted(ENROLLMENT))


class Enrollment(models.Model):
    """A learner's way through a course, from the waitlist if there was one: two states of one row.

    So one partial unique index holds "in or waiting, never both, never twice" against any race. The contract shows
    the row as two resources, `wle_…` and `enr_…`, of the same UUID.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    course = models.ForeignKey("courses.Course", on_delete=models.PROTECT, related_name="+", db_index=False)
    learner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    status = models.CharField(max_length=10, choices=[(status.value, status.value) for status in Status])
    source = models.CharField(max_length=10, choices=[(source.value, source.value) for source in Source])
    queue_number = models.PositiveBigIntegerField(null=True)
    joined_at = models.DateTimeField(db_default=Now())
    enrolled_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ("view", "change")
        constraints = [
            models.UniqueConstraint(
                fields=["learner", "course"], condition=_IS_LIVE, name="enrollment_one_live_standing"
            ),
            models.UniqueConstraint(fields=["course", "queue_number"], name="enrollment_one_queue_number"),
            models.CheckConstraint(
                condition=Q(status__in=[Status.LEFT, Status.EXPIRED, Status.WAITING], enrolled_at=None)
                | (_IS_ENROLLMENT & Q(enrolled_at__isnull=False)),
                name="enrollment_times_fit_status",
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.WAITING) | Q(queue_number__isnull=False), name="enrollment_waits_in_line"
            ),
        ]
        indexes = [
            models.Index(
                fields=["course", "queue_number"], condition=Q(status=Status.WAITING), name="enrollment_queue"
            ),
            models.Index(fields=["learner", "enrolled_at", "id"], name="enrollment_by_learner"),
            models.Index(fields=["course", "enrolled_at", "id"], condition=_IS_ENROLLMENT, name="enrollment_roster"),
            models.Index(fields=["course", "joined_at", "id"], name="enrollment_by_course"),
            models.Index(fields=["status", "joined_at", "id"], name="enrollment_by_status"),
            models.Index(fields=["source", "joined_at", "id"], name="enrollment_by_source"),
        ]

    def __str__(self) -> str:
        return f"{self.learner_id} in {self.course_id}: {self.status}"


class PlaceInLine(Enrollment):
    """The rows of those who wait, as a list of its own for staff."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = "place in line"
        verbose_name_plural = "places in line"
