"""Tables that every app needs and none owns: people, the event log, kept answers, what operators ran."""

from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now, Upper

from common import ids
from common.mail.types import MailStatus
from common.ops.types import Outcome, RunStatus
from common.webhooks.types import Disabled, Status

NAME = SearchVector("display_name", config="simple")


class UserManager(BaseUserManager["User"]):
    """Makes people for Django's own commands (`createsuperuser`) and finds them by email for its sign-in."""

    def create_user(self, email: str, password: str | None = None, **fields: object) -> "User":
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person: a learner, a member of staff, or both. Signs in by email."""

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    email = models.EmailField(max_length=254)
    display_name = models.CharField(max_length=100)
    is_active = models.BooleanField("active", default=True)
    is_staff = models.BooleanField("may use the admin", default=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["display_name"]

    class Meta:
        # Django compares without case by UPPER(), so this index serves the constraint and sign-in alike.
        constraints = [models.UniqueConstraint(Upper("email"), name="user_one_email")]
        # Few among many: without these, listing them would read everybody.
        indexes = [
            models.Index(fields=["id"], name="user_staff", condition=models.Q(is_staff=True)),
            models.Index(fields=["id"], name="user_deactivated", condition=models.Q(is_active=False)),
            GinIndex(NAME, name="user_words_of_name"),
        ]

    def __str__(self) -> str:
        return f"{self.display_name} <{self.email}>"


class Event(models.Model):
    """One thing that happened. Written by use cases in their own transaction, never changed, never deleted.

    `position` is the place in the feed. It is given after the commit, by `common.events.services`, since ids are
    drawn before it and would let a reader overtake a transaction that is still open.
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
        constraints = [
            models.UniqueConstraint(fields=["uuid"], name="event_one_uuid"),
            models.UniqueConstraint(fields=["position"], name="event_one_position"),
        ]
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


class FeedReader(models.Model):
    """How far one of our own readers of the feed has come: all that follows from events up to `position` is there."""

    name = models.CharField(primary_key=True, max_length=40)
    position = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


class Webhook(models.Model):
    """An address that is told of the events of its owner, who is a public id from an app that `common` does not know.

    The secrets are encrypted (`common.webhooks.secrets`). After a change the one before is good for a while.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    owner = models.CharField(max_length=30)
    url = models.CharField("address", max_length=2000)
    event_types = ArrayField(models.CharField(max_length=60))
    secret = models.BinaryField(editable=False)
    previous_secret = models.BinaryField(null=True, editable=False)
    previous_secret_until = models.DateTimeField(null=True)
    # Events up to this place in the feed were before its time.
    after_position = models.BigIntegerField()
    # How often in a row there was no answer at all, and until when it is left alone because of that or by its own wish.
    unanswered = models.PositiveIntegerField(default=0)
    paused_until = models.DateTimeField(db_default=Now())
    disabled_at = models.DateTimeField(null=True)
    disabled_because = models.CharField(
        max_length=10, blank=True, choices=[(reason.value, reason.value) for reason in Disabled]
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ("view",)
        permissions = [("operate_webhook", "Can disable webhooks and send deliveries again")]
        constraints = [
            models.CheckConstraint(
                condition=Q(disabled_at=None, disabled_because="")
                | Q(~Q(disabled_because=""), disabled_at__isnull=False),
                name="webhook_disabled_for_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(previous_secret=None, previous_secret_until=None)
                | Q(previous_secret__isnull=False, previous_secret_until__isnull=False),
                name="webhook_previous_secret_ends",
            ),
        ]
        indexes = [models.Index(fields=["owner", "id"], name="webhook_of_owner")]

    def __str__(self) -> str:
        return self.url


class WebhookDelivery(models.Model):
    """One event for one webhook, and what became of it. `log` has an entry for each attempt that came to an end."""

    id = models.BigAutoField(primary_key=True)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="+", db_index=False)
    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="+", db_index=False)
    sequence = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=[(status.value, status.value) for status in Status])
    # When it is to be sent next. Who sends it moves this to when another may, in case the end is never noted.
    due_at = models.DateTimeField(db_default=Now())
    # Since when it has been tried in vain, and how often; both begin anew when somebody has it sent again.
    since = models.DateTimeField(db_default=Now())
    attempts = models.PositiveIntegerField(default=0)
    log = models.JSONField(default=list)
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        verbose_name = "delivery"
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["webhook", "event"], name="delivery_one_each"),
            models.CheckConstraint(
                condition=Q(status=Status.PENDING, ended_at=None)
                | Q(~Q(status=Status.PENDING), ended_at__isnull=False),
                name="delivery_ended_or_pending",
            ),
        ]
        indexes = [
            models.Index(fields=["webhook", "id"], name="delivery_of_webhook"),
            models.Index(fields=["webhook", "status", "id"], name="delivery_by_status"),
            models.Index(fields=["status", "id"], name="delivery_status"),
            models.Index(fields=["webhook", "due_at", "id"], condition=Q(status=Status.PENDING), name="delivery_due"),
            models.Index(fields=["since"], condition=Q(status=Status.PENDING), name="delivery_since"),
            models.Index(fields=["ended_at"], condition=~Q(status=Status.PENDING), name="delivery_ended"),
            models.Index(fields=["event"], name="delivery_of_event"),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} to {self.webhook_id}"


class Mail(models.Model):
    """A mail to one person because of one event. Its words are put together when it is sent."""

    id = models.BigAutoField(primary_key=True)
    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="+", db_index=False)
    recipient = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    status = models.CharField(max_length=10, choices=[(status.value, status.value) for status in MailStatus])
    # As those of a delivery.
    due_at = models.DateTimeField(db_default=Now())
    since = models.DateTimeField(db_default=Now())
    attempts = models.PositiveIntegerField(default=0)
    fault = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ("view",)
        permissions = [("resend_mail", "Can have mails sent again")]
        constraints = [
            models.UniqueConstraint(fields=["event", "recipient"], name="mail_one_each"),
            models.CheckConstraint(
                condition=Q(status=MailStatus.PENDING, ended_at=None)
                | Q(~Q(status=MailStatus.PENDING), ended_at__isnull=False),
                name="mail_ended_or_pending",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=Q(status=MailStatus.PENDING), name="mail_due"),
            models.Index(fields=["status", "id"], name="mail_by_status"),
            models.Index(fields=["recipient", "id"], name="mail_of_recipient"),
            models.Index(fields=["ended_at"], condition=~Q(status=MailStatus.PENDING), name="mail_ended"),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} to {self.recipient_id}"


class IdempotencyRecord(models.Model):
    """The answer that a POST with an `Idempotency-Key` gave, stored in the transaction of its effect."""

    caller = models.CharField(max_length=60)
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField()
    body = models.TextField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["caller", "key"], name="idempotency_one_key")]
        indexes = [models.Index(fields=["created_at"], name="idempotency_age")]

    def __str__(self) -> str:
        return f"{self.caller} {self.key}"


class JobFault(models.Model):
    """What one attempt of a background job raised. Gone with its job, by a foreign key that only the database knows."""

    job_id = models.BigIntegerField()
    attempt = models.PositiveIntegerField()
    report = models.TextField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        permissions = [("retry_job", "Can have failed jobs tried again")]
        indexes = [models.Index(fields=["job_id", "id"], name="fault_of_job")]

    def __str__(self) -> str:
        return f"{self.job_id}, attempt {self.attempt}"


class OpsRun(models.Model):
    """One run of an operator's command that writes: who ran what, how far it has come, what became of its items."""

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    command = models.CharField(max_length=40)
    arguments = models.JSONField()
    operator = models.CharField(max_length=100)
    status = models.CharField(max_length=12, choices=[(status.value, status.value) for status in RunStatus])
    # Of the plan that it carries out, if it does not look for itself.
    plan_digest = models.CharField(max_length=64, blank=True)
    undoes = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    # The process that works on it; one that it was taken from can write nothing more.
    holder = models.UUIDField(null=True)
    # How many of its sources of items have been read, and the last item that is done with.
    sources_read = models.PositiveSmallIntegerField(default=0)
    position = models.BigIntegerField(default=0)
    counts = models.JSONField(default=dict)
    started_at = models.DateTimeField(db_default=Now())
    last_progress_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ("view",)
        verbose_name = "run"
        indexes = [models.Index(fields=["command", "id"], name="run_of_command")]

    def __str__(self) -> str:
        return f"{self.command} by {self.operator}"


_NOT_DONE = Q(outcome__in=sorted(each.value for each in {*Outcome} - {Outcome.DONE, Outcome.UNNEEDED}))


class OpsItem(models.Model):
    """One thing of a run: found or asked for, with the state before and after, and what became of it."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(OpsRun, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=40)
    # What it is about, and the course of that: `common` knows neither table.
    key = models.UUIDField(null=True)
    course_id = models.UUIDField(null=True)
    # Of the file that it was read from.
    line = models.PositiveIntegerField(null=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    outcome = models.CharField(max_length=10, choices=[(outcome.value, outcome.value) for outcome in Outcome])
    code = models.CharField(max_length=60, blank=True)
    detail = models.TextField(blank=True)
    at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ("view",)
        verbose_name = "item of a run"
        verbose_name_plural = "items of runs"
        indexes = [
            models.Index(fields=["run", "id"], name="item_of_run"),
            # Few among many, over all runs.
            models.Index(fields=["outcome", "id"], condition=_NOT_DONE, name="item_not_done"),
            models.Index(fields=["key"], name="item_about"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.outcome}"


class Invariant(models.Model):
    """What the last look at one of the checks found. `findings` is null if the look itself failed."""

    name = models.CharField(primary_key=True, max_length=40)
    findings = models.PositiveIntegerField(null=True)
    # The first of them.
    sample = models.JSONField(default=list)
    fault = models.TextField(blank=True)
    took_ms = models.PositiveIntegerField()
    checked_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.name
