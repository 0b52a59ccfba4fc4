"""What a worker does for webhooks."""

from django.db import transaction

from common import ids, jobs, outgoing
from common.webhooks import cleaning, delivering, selectors


@jobs.job(
    name="webhooks.take_turn",
    key="webhook:{webhook}",
    lane=jobs.OUTBOUND,
    longest_pause_seconds=outgoing.LONGEST_PAUSE_BETWEEN_TURNS,
)
def take_turn(*, webhook: str, request_id: str) -> None:  # noqa: ARG001 - every job takes it
    """What is due for the webhook was sent, or tried. What remains has another turn, after the others'."""
    webhook_id = ids.decode(ids.WEBHOOK, webhook)
    assert webhook_id is not None
    delivering.take_turn(webhook_id=webhook_id)


def hand_on() -> None:
    """The feed has become deliveries, and each webhook for which some are due has its turn before it."""
    while delivering.fan_out():
        pass
    with transaction.atomic():
        for webhook_id in selectors.webhooks_with_something_due():
            jobs.defer_unless_live(take_turn, webhook=ids.encode(ids.WEBHOOK, webhook_id))


@jobs.every("*/10 * * * *", name="webhooks.give_up")
def give_up() -> None:
    """No delivery waits longer than a day, nor for a webhook that is disabled."""
    cleaning.give_up()


@jobs.every("31 * * * *", name="webhooks.forget")
def forget() -> None:
    """Old deliveries, and webhooks that were taken away, are gone."""
    cleaning.forget()
