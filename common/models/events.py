"""The event log, and how far its readers have come."""

from django.db import models
from django.db.models.functions import Now

from common import ids


class Event(models.Model):
    """One thing that happened. Written by use cases in their own transaction, never changed, never deleted.

    `position` is the place in the feed. It is given after the commit, by `common.events.services`, since ids are
    drawn before it and would let a reader overtake a transaction that is still open.

    Each month is a table of its own, in which no `uuid` and no `position` comes twice (`common.events.months`).
    """

    id = models.BigAutoField(primary_key=True)
    uuid = models.UUIDField(default=ids.new_uuid)
    position = models.BigIntegerField(null=True)
    type = models.CharField(max_length=60)
    subject = models.CharField(max_length=60)
    course = models.CharField(max_length=30, blank=True)
    partner = models.CharField(max_length=30, blank=True, default="", db_default="")
    actor = models.CharField(max_length=100)
    request_id = models.CharField(max_length=128, blank=True)
    data = models.JSONField()
    time = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["id"], name="event_unplaced", condition=models.Q(position=None)),
            models.Index(fields=["type", "position"], name="event_type_position"),
            models.Index(fields=["subject", "id"], name="event_subject"),
            models.Index(fields=["course", "id"], name="event_course"),
            models.Index(fields=["partner", "position"], name="event_partner", condition=~models.Q(partner="")),
            models.Index(fields=["request_id", "id"], name="event_request", condition=~models.Q(request_id="")),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.subject}"


class ArchivedMonth(models.Model):
    """A month of the event log that is in a file, and no longer here: see `common.events.archiving`."""

    number = models.PositiveIntegerField(primary_key=True)
    events = models.BigIntegerField()
    last_position = models.BigIntegerField()
    last_time = models.DateTimeField()
    file = models.CharField(max_length=1000)
    digest = models.CharField(max_length=64)
    operator = models.CharField(max_length=100)
    archived_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.number}"


class ArchivedSubject(models.Model):
    """How many events of a subject went with a month. Only for those of partners, whose deliveries are numbered."""

    id = models.BigAutoField(primary_key=True)
    month = models.ForeignKey(ArchivedMonth, on_delete=models.CASCADE, related_name="+", db_index=False)
    subject = models.CharField(max_length=60)
    events = models.PositiveIntegerField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["subject", "month"], name="archived_subject_once")]

    def __str__(self) -> str:
        return self.subject


class FeedReader(models.Model):
    """How far one of our own readers of the feed has come: all that follows from events up to `position` is there."""

    name = models.CharField(primary_key=True, max_length=40)
    position = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name
