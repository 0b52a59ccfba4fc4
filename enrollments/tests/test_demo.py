"""The demonstration's partner: something to see on each page that is about partners."""

import pytest
from django.core.management import call_command

from common import ids
from common.models import Webhook, WebhookDelivery
from common.tests.webhooks import hand_on
from enrollments.models import Import, Partner

pytestmark = pytest.mark.django_db


def test_has_a_file_that_was_done_and_a_webhook_that_is_to_be_told_of_it(any_lock_order: None) -> None:
    call_command("demo_data")
    hand_on()
    webhook, delivery = Webhook.objects.get(), WebhookDelivery.objects.select_related("event").get()
    assert (webhook.owner, webhook.disabled_at) == (ids.encode(ids.PARTNER, Partner.objects.get().pk), None)
    assert (delivery.event.type, Import.objects.get().status) == ("import.completed", "completed")
