"""Reads of webhooks and their deliveries."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from common.models import Webhook as Row
from common.models import WebhookDelivery
from common.types import Page, PageRequest, cut
from common.webhooks.errors import WebhookNotFound
from common.webhooks.types import Attempt, Delivery, Disabled, Status, Webhook


def list_webhooks(*, owner: str, page: PageRequest) -> Page[Webhook]:
    """The owner's webhooks, newest first."""
    rows = of_owner(owner).order_by("-id")
    if page.after is not None:
        rows = rows.filter(pk__lt=UUID(str(page.after[0])))
    found = [to_webhook(row) for row in rows[: page.limit + 1]]
    return cut(found, limit=page.limit, key=lambda webhook: (str(webhook.id),))


def get_webhook(*, owner: str, webhook_id: UUID) -> Webhook:
    """One of the owner's webhooks.

    Raises:
        WebhookNotFound: the owner has none with this id.
    """
    row = of_owner(owner).filter(pk=webhook_id).first()
    if row is None:
        raise WebhookNotFound
    return to_webhook(row)


def list_deliveries(*, owner: str, webhook_id: UUID, status: Status | None, page: PageRequest) -> Page[Delivery]:
    """What one of the owner's webhooks was told of, or is to be told of, newest first.

    Raises:
        WebhookNotFound: the owner has none with this id.
    """
    get_webhook(owner=owner, webhook_id=webhook_id)
    rows = WebhookDelivery.objects.filter(webhook=webhook_id).select_related("event").order_by("-id")
    if status is not None:
        rows = rows.filter(status=status)
    if page.after is not None:
        rows = rows.filter(pk__lt=cast("int", page.after[0]))
    found = [(row.pk, to_delivery(row)) for row in rows[: page.limit + 1]]
    keyed = cut(found, limit=page.limit, key=lambda pair: (pair[0],))
    return Page(rows=[delivery for _, delivery in keyed.rows], next_after=keyed.next_after, has_more=keyed.has_more)


def of_owner(owner: str) -> QuerySet[Row]:
    """The rows of the owner's webhooks; one that was taken away is none."""
    return Row.objects.filter(owner=owner).exclude(disabled_because=Disabled.DELETED)


def webhooks_with_something_due() -> list[UUID]:
    """The webhooks to which something is to be sent now."""
    due = WebhookDelivery.objects.filter(webhook=OuterRef("pk"), status=Status.PENDING, due_at__lte=Now())
    rows = Row.objects.filter(Exists(due), disabled_at=None, paused_until__lte=Now())
    return list(rows.values_list("pk", flat=True))


def count_open() -> tuple[int, int]:
    """How many deliveries are not made yet, and how many of these have failed before."""
    pending = WebhookDelivery.objects.filter(status=Status.PENDING)
    counted = pending.aggregate(all=Count("pk"), failing=Count("pk", filter=Q(attempts__gt=0)))
    return counted["all"], counted["failing"]


def to_webhook(row: Row) -> Webhook:
    """The row as a value."""
    return Webhook(
        id=row.pk,
        url=row.url,
        event_types=tuple(row.event_types),
        status="active" if row.disabled_at is None else "disabled",
        disabled_because=row.disabled_because or None,
        created_at=row.created_at,
    )


def to_delivery(row: WebhookDelivery) -> Delivery:
    """The row as a value. Its event must have been read with it."""
    return Delivery(
        event_id=row.event.uuid,
        event_type=row.event.type,
        subject=row.event.subject,
        sequence=row.sequence,
        status=Status(row.status),
        attempts=[_to_attempt(entry) for entry in row.log],
        next_attempt_at=row.due_at if row.status == Status.PENDING else None,
        created_at=row.created_at,
    )


def _to_attempt(entry: dict[str, Any]) -> Attempt:
    return Attempt(
        at=datetime.fromisoformat(entry["at"]),
        duration_ms=entry["duration_ms"],
        status_code=entry["status_code"],
        fault=entry["fault"],
    )


def has_room(*, owner: str) -> bool:
    """Whether the owner may have one more webhook."""
    return of_owner(owner).count() < settings.WEBHOOKS_PER_OWNER
