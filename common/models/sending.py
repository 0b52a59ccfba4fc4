"""What is sent because of events: to webhooks, and by mail."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from common import ids
from common.mail.types import MailStatus
from common.models.events import Event
from common.models.people import User
from common.webhooks.types import Disabled, Status


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
