"""Webhooks for tests, events for them, and the clock moved on."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from common import ids, jobs
from common.events import services as events
from common.events.selectors import list_feed
from common.models import Webhook, WebhookDelivery
from common.tests.factories import SYSTEM
from common.types import PageRequest
from common.webhooks import jobs as webhook_jobs
from common.webhooks import services as webhooks

OWNER = "ptn_01m7w3nhqzfzf863a0qnbxxtp1"
TYPES = ("enrollment.created", "enrollment.withdrawn", "waitlist.promoted")
# Is looked at, but never sent to by these tests: an address of its own needs no look-up.
NOWHERE = "https://1.1.1.1/hooks"


def a_webhook(owner: str = OWNER, *, url: str = NOWHERE, types: Sequence[str] = TYPES) -> UUID:
    """The id of a webhook that is told of events of these types."""
    return webhooks.register(owner=owner, url=url, event_types=types).webhook.id


def happen(type: str = "enrollment.created", *, subject: str = "enr_1", owner: str = OWNER, **data: Any) -> UUID:
    """The id of an event that has been committed and concerns this owner."""
    with transaction.atomic():
        events.record(type=type, subject=subject, course="", data=data, actor=SYSTEM, partner=owner)
    while events.place_committed():
        pass
    return list_feed(type=None, page=PageRequest(limit=100_000)).rows[-1].id


def hand_on() -> None:
    """What a worker does every second."""
    while events.place_committed():
        pass
    webhook_jobs.hand_on()


def deliver() -> None:
    """All that is due has been sent."""
    hand_on()
    jobs.run_pending()


def pass_time(seconds: float) -> None:
    """So much later: what was to wait that long is due."""
    span = timedelta(seconds=seconds)
    WebhookDelivery.objects.update(due_at=F("due_at") - span, since=F("since") - span)
    WebhookDelivery.objects.exclude(ended_at=None).update(ended_at=F("ended_at") - span)
    Webhook.objects.update(paused_until=F("paused_until") - span)
    Webhook.objects.exclude(previous_secret_until=None).update(previous_secret_until=F("previous_secret_until") - span)


def delivery_of(webhook_id: UUID) -> WebhookDelivery:
    """The only delivery of the webhook."""
    return WebhookDelivery.objects.select_related("event").get(webhook=webhook_id)


def log_of(webhook_id: UUID) -> list[tuple[int | None, str | None]]:
    """Status or fault of each attempt of the webhook's only delivery."""
    return [(entry["status_code"], entry["fault"]) for entry in delivery_of(webhook_id).log]


def whk(webhook_id: UUID) -> str:
    """The public id of a webhook."""
    return ids.encode(ids.WEBHOOK, webhook_id)


def evt(event_id: UUID) -> str:
    """The public id of an event."""
    return ids.encode(ids.EVENT, event_id)
