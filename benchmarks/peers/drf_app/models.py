"""The tables, as far as this peer reads and writes them."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7


class Person(AbstractBaseUser):
    """Somebody with an account."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    email = models.EmailField(unique=True)
    display_name = models.CharField(max_length=100)
    is_active = models.BooleanField(default=True)

    USERNAME_FIELD = "email"

    class Meta:
        managed = False
        db_table = "common_user"

    def __str__(self) -> str:
        return self.display_name


class Course(models.Model):
    """The texts of a course."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    slug = models.CharField(max_length=100)
    title = models.CharField(max_length=200)
    summary = models.CharField(max_length=500)
    description = models.TextField()
    instructor = models.CharField(max_length=200)
    rating_average = models.DecimalField(max_digits=3, decimal_places=2, null=True)
    rating_count = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        managed = False
        db_table = "courses_course"

    def __str__(self) -> str:
        return self.title


class Places(models.Model):
    """The seats of a course."""

    course = models.OneToOneField(Course, primary_key=True, on_delete=models.PROTECT, related_name="places")
    status = models.CharField(max_length=10)
    enrollment_opens_at = models.DateTimeField(null=True)
    enrollment_closes_at = models.DateTimeField(null=True)
    waitlist_enabled = models.BooleanField(default=False)
    capacity = models.PositiveIntegerField(null=True)
    seats_taken = models.PositiveIntegerField(default=0)
    waiting = models.PositiveIntegerField(default=0)
    last_queue_number = models.PositiveBigIntegerField(default=0)

    class Meta:
        managed = False
        db_table = "courses_courseplaces"

    def __str__(self) -> str:
        return f"{self.seats_taken} of {self.capacity}"


class Enrollment(models.Model):
    """A learner's place in a course, or in its line."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="enrollments")
    learner = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="enrollments")
    status = models.CharField(max_length=10)
    source = models.CharField(max_length=10, default="self")
    queue_number = models.BigIntegerField(null=True)
    joined_at = models.DateTimeField()
    enrolled_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "enrollments_enrollment"

    def __str__(self) -> str:
        return self.status


class Event(models.Model):
    """One thing that happened."""

    uuid = models.UUIDField(default=uuid7)
    type = models.CharField(max_length=60)
    subject = models.CharField(max_length=60)
    course = models.CharField(max_length=30, default="")
    actor = models.CharField(max_length=100)
    request_id = models.CharField(max_length=128, default="")
    data = models.JSONField()

    class Meta:
        managed = False
        db_table = "common_event"

    def __str__(self) -> str:
        return self.type


class Review(models.Model):
    """What a learner says about a course."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="reviews")
    author = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="reviews")
    status = models.CharField(max_length=10, default="published")
    rating = models.PositiveSmallIntegerField()
    comment = models.TextField()
    revision = models.PositiveIntegerField(default=1)
    public_rating = models.PositiveSmallIntegerField(null=True)
    public_comment = models.TextField()
    public_revision = models.PositiveIntegerField(null=True, default=1)
    public_updated_at = models.DateTimeField(null=True)
    held_reason = models.CharField(max_length=20, default="")
    open_reports = models.PositiveIntegerField(default=0)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    retracted_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "reviews_review"

    def __str__(self) -> str:
        return self.comment[:40]


class Summary(models.Model):
    """How many ratings of each kind a course has."""

    course = models.OneToOneField(Course, primary_key=True, on_delete=models.PROTECT, related_name="+")
    ones = models.PositiveIntegerField(default=0)
    twos = models.PositiveIntegerField(default=0)
    threes = models.PositiveIntegerField(default=0)
    fours = models.PositiveIntegerField(default=0)
    fives = models.PositiveIntegerField(default=0)

    class Meta:
        managed = False
        db_table = "reviews_coursesummary"

    def __str__(self) -> str:
        return f"{self.ones}/{self.twos}/{self.threes}/{self.fours}/{self.fives}"
