"""Webhooks and their deliveries: to read, to stop, and to send again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common import clock, ids
from common.admin.base import Fact, Link, RecordAdmin
from common.admin.display import NOTHING, badge, code, link_to_id, moment
from common.admin.filters import ChoiceFilter, YesNoFilter
from common.admin.steps import Done, Step
from common.models import Webhook, WebhookDelivery
from common.types import Actor
from common.webhooks import services
from common.webhooks.types import Disabled, Status

_WHY = {
    Disabled.GONE: "its endpoint answered 410",
    Disabled.STAFF: "staff stopped it",
    Disabled.DELETED: "its owner took it away",
}


class ActiveFilter(YesNoFilter):
    """Webhooks that are sent to, or not."""

    title = parameter_name = "active"
    column = "disabled_at__isnull"


class Disable(Step):
    """Nothing is sent to the webhook any more."""

    name, label, permission, is_destructive = "disable", "Disable", "common.operate_webhook", True

    def is_possible(self, record: Webhook) -> bool:
        return record.disabled_at is None

    def consequences(self, record: Webhook) -> list[str]:
        return [
            "Nothing is sent to this address any more, and what waits for it is given up.",
            "Once it is enabled again, what happened in between is not sent; the partner finds it in its feed.",
        ]

    def run(self, *, record: Webhook, form: forms.Form, actor: Actor, now: datetime) -> Done:
        services.disable(webhook_id=record.pk)
        return Done(message="The webhook is disabled.")


class Enable(Step):
    """The webhook is told of events again."""

    name, label, permission = "enable", "Enable", "common.operate_webhook"

    def is_possible(self, record: Webhook) -> bool:
        return record.disabled_because in {Disabled.GONE, Disabled.STAFF}

    def consequences(self, record: Webhook) -> list[str]:
        because = _WHY[Disabled(record.disabled_because)] if record.disabled_because else "it never was"
        return [
            f"It is disabled because {because}.",
            "What happens from now on is sent to this address. What happened in between is not.",
        ]

    def run(self, *, record: Webhook, form: forms.Form, actor: Actor, now: datetime) -> Done:
        services.enable(webhook_id=record.pk)
        return Done(message="The webhook is enabled.")


@admin.register(Webhook)
class WebhookAdmin(RecordAdmin):
    """Where partners are told of events."""

    section = "Partners"
    description = "Where partners' servers are told of events, and whether they answer."
    list_display = ("url", "owner_", "state", "unanswered", "created")
    list_filter = (ActiveFilter,)
    list_select_related: ClassVar[list[str]] = []
    ordering = ("-id",)
    id_prefixes = (ids.WEBHOOK,)
    search_help_text = "A whk_… id, or the ptn_… id of a partner."
    steps = (Disable(), Enable())

    def searched(self, queryset: QuerySet, text: str) -> QuerySet:
        """The webhook with this id, or those of this owner."""
        key = ids.decode(ids.WEBHOOK, text)
        return queryset.filter(owner=text) if key is None else queryset.filter(pk=key)

    def links_about(self, request: HttpRequest, public_id: str) -> Sequence[Link]:
        """From a partner to its webhooks."""
        if ids.decode(ids.PARTNER, public_id) is None:
            return ()
        return [("Webhooks", self.list_address(q=public_id))]

    def public_id(self, record: Webhook) -> str:
        """`whk_…`."""
        return ids.encode(ids.WEBHOOK, record.pk)

    def name_of(self, record: Webhook) -> str:
        """By its address."""
        return record.url

    def badges(self, record: Webhook) -> Sequence[str]:
        """Whether it is sent to."""
        return [self.state(record)]

    def facts(self, request: HttpRequest, record: Webhook) -> Sequence[Fact]:
        """Where it leads, what it is told of, and how it does. Its secrets are nobody's to read."""
        why = f", because {_WHY[Disabled(record.disabled_because)]}" if record.disabled_because else ""
        paused = record.paused_until if record.paused_until > clock.now() else None
        return [
            ("Address", code(record.url)),
            ("Owner", self.owner_(record)),
            ("Told of", ", ".join(record.event_types)),
            ("Made", moment(record.created_at)),
            ("Disabled", format_html("{}{}", moment(record.disabled_at), why)),
            ("Unanswered in a row", record.unanswered),
            ("Left alone until", moment(paused)),
            ("Secret before the last is good until", moment(record.previous_secret_until)),
        ]

    @admin.display(description="partner")
    def owner_(self, webhook: Webhook) -> SafeString:
        return link_to_id(webhook.owner)

    @admin.display(description="state")
    def state(self, webhook: Webhook) -> SafeString:
        if webhook.disabled_at is not None:
            return badge("deactivated", "disabled")
        return badge("failed", "does not answer") if webhook.unanswered else badge("active")

    @admin.display(description="made")
    def created(self, webhook: Webhook) -> SafeString | str:
        return moment(webhook.created_at)


class DeliveryStatusFilter(ChoiceFilter):
    """Deliveries in one state."""

    title = parameter_name = column = "status"
    options = [(status.value, status.value.capitalize()) for status in Status]


class SendAgain(Step):
    """The event is sent to the webhook once more."""

    name, label, permission, asks = "resend", "Send again", "common.operate_webhook", False

    def run(self, *, record: WebhookDelivery, form: forms.Form, actor: Actor, now: datetime) -> Done:
        services.resend_delivery(delivery_id=record.pk)
        return Done(message="It is sent again, soon.")


@admin.register(WebhookDelivery)
class DeliveryAdmin(RecordAdmin):
    """What webhooks were told of."""

    section = "Partners"
    heading = "Webhook deliveries"
    description = "What was sent to webhooks, and what their servers said."
    view_permission = "common.view_webhook"
    shortcuts = (("Failed", "?status=failed"), ("Pending", "?status=pending"))
    list_display = ("type", "webhook_", "state", "attempts", "last_answer", "next_try", "created")
    list_filter = (DeliveryStatusFilter,)
    list_select_related: ClassVar[list[str]] = ["webhook", "event"]
    ordering = ("-id",)
    search_help_text = "The whk_… id of a webhook, or the evt_… id of an event."
    steps = (SendAgain(),)

    def searched(self, queryset: QuerySet, text: str) -> QuerySet:
        """What this webhook was told of, or whom this event was told."""
        webhook, event = ids.decode(ids.WEBHOOK, text), ids.decode(ids.EVENT, text)
        if webhook is not None:
            return queryset.filter(webhook=webhook)
        return queryset.none() if event is None else queryset.filter(event__uuid=event)

    def links_about(self, request: HttpRequest, public_id: str) -> Sequence[Link]:
        """From a webhook, or an event, to its deliveries."""
        if ids.decode(ids.WEBHOOK, public_id) is None and ids.decode(ids.EVENT, public_id) is None:
            return ()
        return [("Deliveries", self.list_address(q=public_id))]

    def public_id(self, record: WebhookDelivery) -> str:
        """The event's."""
        return ids.encode(ids.EVENT, record.event.uuid)

    def name_of(self, record: WebhookDelivery) -> str:
        """What is told."""
        return f"{record.event.type} to {record.webhook.url}"

    def badges(self, record: WebhookDelivery) -> Sequence[str]:
        """What has become of it."""
        return [self.state(record)]

    def facts(self, request: HttpRequest, record: WebhookDelivery) -> Sequence[Fact]:
        """What is told, to whom, and what came of each attempt."""
        return [
            ("Event", link_to_id(self.public_id(record))),
            ("Subject", link_to_id(record.event.subject)),
            ("Number among the events of the subject", record.sequence),
            ("Webhook", link_to_id(ids.encode(ids.WEBHOOK, record.webhook_id), record.webhook.url)),
            ("Made", self.created(record)),
            ("Next try", self.next_try(record)),
            *((_when(entry), _answer(entry)) for entry in record.log),
        ]

    @admin.display(description="event")
    def type(self, delivery: WebhookDelivery) -> str:
        return delivery.event.type

    @admin.display(description="webhook")
    def webhook_(self, delivery: WebhookDelivery) -> SafeString:
        return link_to_id(ids.encode(ids.WEBHOOK, delivery.webhook_id), urlsplit(delivery.webhook.url).netloc)

    @admin.display(description="status")
    def state(self, delivery: WebhookDelivery) -> SafeString:
        return badge(delivery.status)

    @admin.display(description="last answer")
    def last_answer(self, delivery: WebhookDelivery) -> str:
        return _said(delivery.log[-1]) if delivery.log else NOTHING

    @admin.display(description="next try")
    def next_try(self, delivery: WebhookDelivery) -> SafeString | str:
        return moment(delivery.due_at) if delivery.status == Status.PENDING else NOTHING

    @admin.display(description="made")
    def created(self, delivery: WebhookDelivery) -> SafeString | str:
        return moment(delivery.created_at)


def _when(entry: dict[str, Any]) -> SafeString | str:
    return moment(datetime.fromisoformat(entry["at"]))


def _answer(entry: dict[str, Any]) -> str:
    return f"{_said(entry)}, after {entry['duration_ms']:,} ms"


def _said(entry: dict[str, Any]) -> str:
    return str(entry["status_code"] or entry["fault"]).replace("_", " ")
