"""The tables of the catalogue: a course's texts, and beside them its places."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Coalesce, Lower, Now

from common import ids
from courses.types import CourseStatus

# Left to itself, PostgreSQL takes `Python/Django` for a path, `Node.js` for a host and `3.11` for one number.
_GLUE = Value("./-_@:+=&<>?~")


def _words(column: str) -> Func:
    return Func(F(column), _GLUE, Value(" " * len(_GLUE.value)), function="translate", output_field=models.TextField())


SEARCHED = SearchVector(_words("title"), _words("summary"), _words("instructor"), config="simple")


class Course(models.Model):
    """The texts of a course, and what its learners gave it. Editing them never meets the lock on its places."""

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    slug = models.CharField(max_length=100)
    title = models.CharField(max_length=200)
    summary = models.CharField(max_length=500, blank=True)
    description = models.TextField(blank=True)
    instructor = models.CharField(max_length=200, blank=True)
    rating_average = models.DecimalField(max_digits=3, decimal_places=2, null=True, editable=False)
    rating_count = models.PositiveIntegerField(default=0, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["slug"], name="course_one_slug")]
        indexes = [
            models.Index(Lower("title"), "id", name="course_by_title"),
            models.Index(
                Coalesce("rating_average", 0, output_field=models.DecimalField()), "id", name="course_by_rating"
            ),
            GinIndex(SEARCHED, name="course_by_words"),
        ]

    def __str__(self) -> str:
        return self.title


class CoursePlaces(models.Model):
    """Everything that decides who gets in, in one narrow row: taking it is taking the course's lock.

    Only the steps of `courses.services` change it. Status and window stand here and not beside the texts because
    the statement that gives out a seat must see them as they are once it has the lock.
    """

    course = models.OneToOneField(Course, primary_key=True, on_delete=models.PROTECT, related_name="places")
    status = models.CharField(max_length=10, choices=[(s.value, s.value) for s in CourseStatus], default="draft")
    enrollment_opens_at = models.DateTimeField(null=True, blank=True)
    enrollment_closes_at = models.DateTimeField(null=True, blank=True)
    waitlist_enabled = models.BooleanField(default=False)
    capacity = models.PositiveIntegerField(null=True, blank=True)
    seats_taken = models.PositiveIntegerField(default=0, editable=False)
    waiting = models.PositiveIntegerField(default=0, editable=False)
    last_queue_number = models.PositiveBigIntegerField(default=0, editable=False)

    class Meta:
        default_permissions = ()
        verbose_name_plural = "course places"
        constraints = [
            models.CheckConstraint(
                condition=Q(capacity=None) | Q(seats_taken__lte=F("capacity")), name="places_within_capacity"
            ),
            models.CheckConstraint(condition=Q(status__in=list(CourseStatus)), name="places_known_status"),
            models.CheckConstraint(
                condition=Q(enrollment_opens_at=None)
                | Q(enrollment_closes_at=None)
                | Q(enrollment_closes_at__gt=F("enrollment_opens_at")),
                name="places_window_opens_before_it_closes",
            ),
        ]
        indexes = [models.Index(fields=["status", "course"], name="places_by_status")]

    def __str__(self) -> str:
        return f"{self.seats_taken} of {self.capacity} seats"
