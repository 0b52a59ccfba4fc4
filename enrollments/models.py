"""Who is in, who waits, and who was, in one table; the partners who bring people, and their keys."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from common import ids
from enrollments.types import (
    ENROLLMENT,
    EXTERNAL_ID_LENGTH,
    FILE_NAME_LENGTH,
    LIVE,
    NAME_LENGTH,
    ImportStatus,
    RowResult,
    Source,
    Status,
)

_IS_LIVE = Q(status__in=sorted(LIVE))
_IS_ENROLLMENT = Q(status__in=sorted(ENROLLMENT))
_OF_A_PARTNER = Q(partner__isnull=False)
_IS_UNFINISHED = Q(status__in=[ImportStatus.QUEUED, ImportStatus.RUNNING])


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
    partner = models.ForeignKey("Partner", on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    # What the partner calls the learner, empty without a partner.
    external_id = models.CharField(max_length=EXTERNAL_ID_LENGTH, blank=True, default="", db_default="")
    # From 1 on in the order of joining; a repair that puts somebody at the head goes below.
    queue_number = models.BigIntegerField(null=True)
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
            models.CheckConstraint(
                condition=Q(partner=None, external_id="") | (Q(partner__isnull=False) & ~Q(external_id="")),
                name="enrollment_external_id_is_a_partners",
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
            models.Index(fields=["partner", "id"], condition=_OF_A_PARTNER, name="enrollment_of_partner"),
            models.Index(fields=["partner", "course", "id"], condition=_OF_A_PARTNER, name="enrollment_partner_course"),
            models.Index(
                fields=["partner", "external_id", "id"], condition=_OF_A_PARTNER, name="enrollment_partner_learner"
            ),
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


class Partner(models.Model):
    """A company that enrolls its people through its own systems."""

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    name = models.CharField(max_length=NAME_LENGTH)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        default_permissions = ("view", "change")

    def __str__(self) -> str:
        return self.name


class PartnerKey(models.Model):
    """One of a partner's API keys. Of the secret only a hash is here: it is shown once, when the key is made."""

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="keys")
    prefix = models.CharField(max_length=20)
    digest = models.BinaryField(max_length=32)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["prefix"], name="partner_key_one_prefix")]

    def __str__(self) -> str:
        return self.prefix


class PartnerLearner(models.Model):
    """Whom a partner means by one of its own ids. One person may have several of them."""

    id = models.BigAutoField(primary_key=True)
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+", db_index=False)
    external_id = models.CharField(max_length=EXTERNAL_ID_LENGTH)
    learner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["partner", "external_id"], name="partner_learner_one_external_id")
        ]

    def __str__(self) -> str:
        return self.external_id


class Import(models.Model):
    """A file of learners that a partner sent, and how far it has come.

    All rows up to `done_through`, a line of the file, have their results; whoever goes on with the import starts there.
    The counts change in the transactions of the rows that they count.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+", db_index=False)
    status = models.CharField(max_length=10, choices=[(each.value, each.value) for each in ImportStatus])
    file_name = models.CharField(max_length=FILE_NAME_LENGTH, null=True)  # noqa: DJ001  # none is not an empty one
    rows_total = models.PositiveIntegerField(default=0)
    done_through = models.PositiveIntegerField(default=0)
    enrolled = models.PositiveIntegerField(default=0)
    waitlisted = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    # Who sent it, and in which request: the cause of the events of its rows.
    actor = models.CharField(max_length=100)
    request_id = models.CharField(max_length=128, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ("view", "change")
        constraints = [
            models.CheckConstraint(condition=Q(status__in=list(ImportStatus)), name="import_known_status"),
            models.CheckConstraint(
                condition=Q(
                    rows_total__gte=F("enrolled") + F("waitlisted") + F("unchanged") + F("rejected") + F("failed")
                ),
                name="import_counts_fit_rows",
            ),
        ]
        indexes = [
            models.Index(fields=["partner", "id"], name="import_of_partner"),
            models.Index(fields=["id"], condition=_IS_UNFINISHED, name="import_unfinished"),
        ]

    def __str__(self) -> str:
        return self.file_name or "rows sent as JSON"


class ImportRow(models.Model):
    """A row of a file, with its cells as sent, by the line on which it begins; and what came of it.

    Without a `result` it is still to be done. One that was seen to be wrong when it came in has its `code` already.
    """

    pk = models.CompositePrimaryKey("file", "line")
    file = models.ForeignKey(Import, on_delete=models.PROTECT, related_name="rows", db_index=False)
    line = models.PositiveIntegerField()
    course_id = models.TextField()
    external_id = models.TextField()
    email = models.TextField()
    name = models.TextField()
    result = models.CharField(  # noqa: DJ001  # none is not an empty one
        max_length=10, choices=[(each.value, each.value) for each in RowResult], null=True
    )
    code = models.CharField(max_length=40, blank=True, default="", db_default="")
    detail = models.TextField(blank=True, default="", db_default="")

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=Q(result__in=list(RowResult)), name="import_row_known_result")]

    def __str__(self) -> str:
        return f"line {self.line}"
