"""Webhooks over HTTP, for partners."""

from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from common import ids
from common.api import ApiView, answer
from common.operations import Access, EmptyBody, PageOf, Tag, operation
from common.webhooks import services as webhooks
from common.webhooks.serializers import (
    DeliveryQuery,
    DeliveryView,
    NewSecretView,
    NewWebhookView,
    WebhookBody,
    WebhookView,
)

TAG = Tag(
    "Webhooks",
    "What happens to a partner's people is sent to the partner's own server, as the events of its feed, signed after "
    "the Standard Webhooks specification.",
)


class Webhooks(ApiView):
    """The partner's webhooks."""

    @operation(
        id="webhooks.create",
        tag=TAG,
        summary="Be told of events",
        description="Events from now on are sent to the address, with the headers `webhook-id` (the event's id), "
        "`webhook-timestamp` and `webhook-signature`, and with `webhook-sequence`, which counts the events of one "
        "subject. What is not answered with 2xx is sent again after growing pauses, for a day.",
        access=Access.PARTNER,
        body=WebhookBody,
        answers={201: NewWebhookView},
        idempotent=True,
        located=True,
        secrets=("secret",),
    )
    def post(self, request: Request) -> HttpResponse:
        body = self.body()
        made = webhooks.register(owner=self.actor().name, url=body["url"], event_types=body["event_types"])
        rendered = {**WebhookView.render(made.webhook), "secret": made.secret}
        location = f"/api/v1/partner/webhooks/{rendered['id']}"
        return answer(rendered, status=201, location=location)

    @operation(
        id="webhooks.list",
        tag=TAG,
        summary="List the partner's webhooks",
        description="Newest first.",
        access=Access.PARTNER,
        answers={200: PageOf(WebhookView)},
    )
    def get(self, request: Request) -> HttpResponse:
        page = webhooks.list_webhooks(owner=self.actor().name, page=self.page_request())
        return self.page(page, WebhookView)


class OneWebhook(ApiView):
    """One of them."""

    @operation(
        id="webhooks.get",
        tag=TAG,
        summary="Look at a webhook",
        description="Where it leads, what it is told of, and whether it still is.",
        access=Access.PARTNER,
        answers={200: WebhookView},
        errors=[webhooks.WebhookNotFound],
    )
    def get(self, request: Request, webhook_id: str) -> HttpResponse:
        found = webhooks.get_webhook(owner=self.actor().name, webhook_id=_webhook_id(webhook_id))
        return answer(WebhookView.render(found))

    @operation(
        id="webhooks.delete",
        tag=TAG,
        summary="Take a webhook away",
        description="Nothing is sent to it any more, and its deliveries are forgotten.",
        access=Access.PARTNER,
        answers={204: None},
        errors=[webhooks.WebhookNotFound],
    )
    def delete(self, request: Request, webhook_id: str) -> HttpResponse:
        key = _webhook_id(webhook_id)
        self.refuse_body()
        webhooks.delete(owner=self.actor().name, webhook_id=key)
        return answer(None, status=204)


class WebhookSecret(ApiView):
    """What a webhook signs with."""

    @operation(
        id="webhooks.rotateSecret",
        tag=TAG,
        summary="Give a webhook a new secret",
        description="For a day what is sent has two signatures, one by the new secret and one by the one before, so "
        "that the receiver can change over without a gap. A second change ends that day.",
        access=Access.PARTNER,
        body=EmptyBody,
        answers={200: NewSecretView},
        errors=[webhooks.WebhookNotFound],
        idempotent=True,
        secrets=("secret",),
    )
    def post(self, request: Request, webhook_id: str) -> HttpResponse:
        key = _webhook_id(webhook_id)
        self.body()
        made = webhooks.rotate_secret(owner=self.actor().name, webhook_id=key)
        return answer(NewSecretView.render(made))


class WebhookDeliveries(ApiView):
    """What a webhook was told of."""

    @operation(
        id="webhooks.listDeliveries",
        tag=TAG,
        summary="Look at a webhook's deliveries",
        description="Newest first, each with its attempts. Kept for 30 days.",
        access=Access.PARTNER,
        query=DeliveryQuery,
        answers={200: PageOf(DeliveryView)},
        errors=[webhooks.WebhookNotFound],
    )
    def get(self, request: Request, webhook_id: str) -> HttpResponse:
        status = self.query.get("status")
        page = webhooks.list_deliveries(
            owner=self.actor().name,
            webhook_id=_webhook_id(webhook_id),
            status=None if status is None else webhooks.Status(status),
            page=self.page_request(),
        )
        return self.page(page, DeliveryView)


class WebhookResend(ApiView):
    """One event, once more."""

    @operation(
        id="webhooks.resendDelivery",
        tag=TAG,
        summary="Have an event sent again",
        description="Whether it was received before or not. It has a day of attempts before it.",
        access=Access.PARTNER,
        body=EmptyBody,
        answers={200: DeliveryView},
        errors=[webhooks.WebhookNotFound, webhooks.DeliveryNotFound, webhooks.WebhookDisabled],
        idempotent=True,
    )
    def post(self, request: Request, webhook_id: str, event_id: str) -> HttpResponse:
        key, event_key = _webhook_id(webhook_id), ids.decode(ids.EVENT, event_id)
        if event_key is None:
            raise webhooks.DeliveryNotFound
        self.body()
        delivery = webhooks.resend(owner=self.actor().name, webhook_id=key, event_id=event_key)
        return answer(DeliveryView.render(delivery))


def _webhook_id(text: str) -> UUID:
    decoded = ids.decode(ids.WEBHOOK, text)
    if decoded is None:
        raise webhooks.WebhookNotFound
    return decoded
