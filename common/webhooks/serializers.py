"""The shapes of webhooks over HTTP."""

from typing import ClassVar

from rest_framework import serializers

from common import examples, ids
from common.events.types import TYPES
from common.fields import Choice, DistinctList, PublicId, Text
from common.webhooks.targets import LONGEST_URL
from common.webhooks.types import Disabled, Fault, Status
from common.wire import Body, PageQuery, View

_SECRET = "Signs what is sent. Shown here and never again; null when this answer is a replay."


class EventTypes(DistinctList):
    """Which types of events a webhook is told of, each named once."""

    child = Choice("EventType", TYPES, open=True)
    default_error_messages = {"repeated": "Name each type once."}


class WebhookBody(Body):
    """What is to be told of, and where."""

    url = Text(
        max_length=LONGEST_URL,
        help_text="An https address on the public internet, on port 443 or one above 1023. Redirects are not followed.",
    )
    event_types = EventTypes(min_length=1, max_length=len(TYPES))

    example: ClassVar = {
        "url": "https://hooks.example.org/lectern",
        "event_types": ["enrollment.created", "waitlist.promoted", "import.completed"],
    }


class WebhookView(View):
    """An address that is told of the partner's events."""

    id = PublicId(ids.WEBHOOK)
    url = serializers.CharField()
    event_types = serializers.ListField(child=Choice("EventType", TYPES, open=True))
    status = Choice("WebhookStatus", ["active", "disabled"])
    disabled_because = Choice(
        "WebhookDisabled",
        [reason for reason in Disabled if reason is not Disabled.DELETED],
        open=True,
        allow_null=True,
        help_text="`gone`: its endpoint answered 410. `staff`: whoever runs this service stopped it.",
    )
    created_at = serializers.DateTimeField()

    example: ClassVar = {
        "id": examples.WEBHOOK,
        **WebhookBody.example,
        "status": "active",
        "disabled_because": None,
        "created_at": "2026-11-20T09:30:00.120331Z",
    }


class NewWebhookView(WebhookView):
    """A new webhook, and what it signs with."""

    secret = serializers.CharField(allow_null=True, help_text=_SECRET)

    example: ClassVar = {**WebhookView.example, "secret": "whsec_bGVjdHVyZXMgYXJlIGJlc3QgaGVhcmQgdHdpY2UuLi4="}


class NewSecretView(View):
    """What the webhook signs with from now on, beside the secret before."""

    secret = serializers.CharField(allow_null=True, help_text=_SECRET)
    previous_secret_until = serializers.DateTimeField(help_text="Until then the secret before signs as well.")

    example: ClassVar = {
        "secret": NewWebhookView.example["secret"],
        "previous_secret_until": "2026-11-21T09:30:00.120331Z",
    }


class DeliveryQuery(PageQuery):
    """Which of a webhook's deliveries."""

    status = Choice("DeliveryStatus", Status, required=False)


class AttemptView(View):
    """One try: the answer's status, or why there was none."""

    at = serializers.DateTimeField()
    duration_ms = serializers.IntegerField(min_value=0)
    status_code = serializers.IntegerField(allow_null=True, help_text="Anything but 2xx is a failure.")
    fault = Choice("DeliveryFault", Fault, open=True, allow_null=True)

    example: ClassVar = {
        "at": "2026-11-20T09:30:01.402118Z",
        "duration_ms": 112,
        "status_code": 204,
        "fault": None,
    }


class DeliveryView(View):
    """One event for one webhook, and what became of it."""

    event_id = PublicId(ids.EVENT)
    event_type = Choice("EventType", TYPES, open=True)
    subject = serializers.CharField(help_text="The public id of what the event happened to.")
    sequence = serializers.IntegerField(
        min_value=1, help_text="Counts the events of the subject, so that their order can be restored."
    )
    status = Choice("DeliveryStatus", Status)
    attempts = AttemptView.of(many=True, help_text="Oldest first; of many, the last fifty.")
    next_attempt_at = serializers.DateTimeField(allow_null=True, help_text="null unless `pending`.")
    created_at = serializers.DateTimeField()

    example: ClassVar = {
        "event_id": examples.EVENT,
        "event_type": "enrollment.created",
        "subject": examples.ENROLLMENT,
        "sequence": 1,
        "status": "delivered",
        "attempts": [AttemptView.example],
        "next_attempt_at": None,
        "created_at": "2026-11-20T09:30:01.003417Z",
    }
