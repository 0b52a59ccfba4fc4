"""The use cases of webhooks: what their owners, and staff, do with them. Sending is in `common.webhooks.delivering`."""

from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from common.errors import InvalidInput
from common.events import selectors as events
from common.models import Webhook as Row
from common.models import WebhookDelivery
from common.outcomes import use_case
from common.webhooks import secrets, selectors, targets
from common.webhooks.errors import DeliveryNotFound, WebhookActive, WebhookDisabled, WebhookNotFound
from common.webhooks.selectors import get_webhook, list_deliveries, list_webhooks
from common.webhooks.types import Attempt, Delivery, Disabled, NewSecret, Status, Webhook

# While somebody waits for the answer to a request.
_LOOK_UP_SECONDS = 3


@use_case
def register(*, owner: str, url: str, event_types: Sequence[str]) -> NewSecret:
    """The address is told of the owner's events of these types from now on. The secret is shown here only.

    Raises:
        InvalidInput: the address is none that may be sent to, or the owner has as many webhooks as there may be.
    """
    _check_address(url)
    if not selectors.has_room(owner=owner):
        text = f"You have {settings.WEBHOOKS_PER_OWNER} webhooks, and can have no more."
        raise InvalidInput(field="url", reasons=[text], reason_code="too_many")
    secret = secrets.make()
    row = Row.objects.create(
        owner=owner,
        url=url,
        event_types=list(event_types),
        secret=secrets.seal(secret),
        after_position=events.last_position(),
    )
    row.refresh_from_db(fields=["created_at"])
    return NewSecret(webhook=selectors.to_webhook(row), secret=secret, previous_secret_until=None)


def _check_address(url: str) -> None:
    # A name that cannot be found now may be found when there is something to send. Each sending looks again.
    try:
        target = targets.parse(url, allow_private=settings.WEBHOOK_ALLOW_PRIVATE_ADDRESSES)
        with suppress(targets.NameUnknown):
            targets.resolve(target, seconds=_LOOK_UP_SECONDS)
    except targets.BadAddress as fault:
        raise InvalidInput(field="url", reasons=[str(fault)], reason_code=fault.code) from fault
    except targets.AddressRefused as fault:
        text = "The host is not on the public internet, or one of its addresses is not."
        raise InvalidInput(field="url", reasons=[text], reason_code="address_refused") from fault


@use_case
@transaction.atomic
def rotate_secret(*, owner: str, webhook_id: UUID) -> NewSecret:
    """The webhook signs with a new secret, and for a while also with the one before. It is shown here only.

    One that was before that is good no longer.

    Raises:
        WebhookNotFound: the owner has none with this id.
    """
    row = _lock(selectors.of_owner(owner), webhook_id)
    secret = secrets.make()
    row.previous_secret = row.secret
    row.previous_secret_until = Now() + settings.WEBHOOK_SECRET_OVERLAP
    row.secret = secrets.seal(secret)
    row.save(update_fields=["secret", "previous_secret", "previous_secret_until"])
    row.refresh_from_db(fields=["previous_secret_until"])
    return NewSecret(webhook=selectors.to_webhook(row), secret=secret, previous_secret_until=row.previous_secret_until)


@use_case
@transaction.atomic
def delete(*, owner: str, webhook_id: UUID) -> None:
    """The owner has no such webhook any more, and nothing is sent to it. What is kept of it is cleaned up later.

    Raises:
        WebhookNotFound: the owner has none with this id.
    """
    row = _lock(selectors.of_owner(owner), webhook_id)
    _disable(row, Disabled.DELETED)


@use_case
@transaction.atomic
def disable(*, webhook_id: UUID) -> None:
    """Staff have stopped the webhook.

    Raises:
        WebhookNotFound: there is none with this id.
        WebhookDisabled: it is disabled already.
    """
    row = _lock(Row.objects.all(), webhook_id)
    if row.disabled_at is not None:
        raise WebhookDisabled
    _disable(row, Disabled.STAFF)


@use_case
@transaction.atomic
def enable(*, webhook_id: UUID) -> None:
    """Staff let the webhook be told of its owner's events again, from now on.

    Raises:
        WebhookNotFound: there is none with this id, or its owner took it away.
        WebhookActive: it is not disabled.
    """
    row = _lock(Row.objects.exclude(disabled_because=Disabled.DELETED), webhook_id)
    if row.disabled_at is None:
        raise WebhookActive
    Row.objects.filter(pk=row.pk).update(
        disabled_at=None,
        disabled_because="",
        after_position=events.last_position(),
        unanswered=0,
        paused_until=Now(),
    )


@use_case
@transaction.atomic
def resend(*, owner: str, webhook_id: UUID, event_id: UUID) -> Delivery:
    """The event is sent to the webhook again, soon, and for a day if need be.

    Raises:
        WebhookNotFound: the owner has none with this id.
        DeliveryNotFound: it was not to be told of such an event.
        WebhookDisabled: nothing is sent to it any more.
    """
    get_webhook(owner=owner, webhook_id=webhook_id)
    key = WebhookDelivery.objects.filter(webhook=webhook_id, event__uuid=event_id).values_list("pk", flat=True).first()
    if key is None:
        raise DeliveryNotFound
    resend_delivery(delivery_id=key)
    return selectors.to_delivery(WebhookDelivery.objects.select_related("event").get(pk=key))


@use_case
@transaction.atomic
def resend_delivery(*, delivery_id: int) -> None:
    """The delivery is sent again, soon, and for a day if need be; also if its endpoint is left alone just now.

    Raises:
        DeliveryNotFound: there is none with this key.
        WebhookDisabled: nothing is sent to its webhook any more.
    """
    again = {"status": Status.PENDING, "due_at": Now(), "since": Now(), "attempts": 0, "ended_at": None}
    if not WebhookDelivery.objects.filter(pk=delivery_id).update(**again):
        raise DeliveryNotFound
    owners = Row.objects.filter(pk__in=WebhookDelivery.objects.filter(pk=delivery_id).values("webhook"))
    if not owners.filter(disabled_at=None).update(paused_until=Now()):
        raise WebhookDisabled


def _lock(among: QuerySet[Row], webhook_id: UUID) -> Row:
    row = among.select_for_update(no_key=True).filter(pk=webhook_id).first()
    if row is None:
        raise WebhookNotFound
    return row


def _disable(row: Row, reason: Disabled) -> None:
    Row.objects.filter(pk=row.pk).update(disabled_at=Now(), disabled_because=reason)


__all__ = [
    "Attempt",
    "Delivery",
    "DeliveryNotFound",
    "NewSecret",
    "Status",
    "Webhook",
    "WebhookActive",
    "WebhookDisabled",
    "WebhookNotFound",
    "delete",
    "disable",
    "enable",
    "get_webhook",
    "list_deliveries",
    "list_webhooks",
    "register",
    "resend",
    "resend_delivery",
    "rotate_secret",
]
