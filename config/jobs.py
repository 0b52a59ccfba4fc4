"""What is done on schedule for the whole house."""

from django.core.management import call_command

from common import idempotency, jobs
from common.events import services as events


@jobs.every("* * * * *", name="common.place_events")
def place_events() -> None:
    """The feed is placed even when nobody reads it, so that the first reader after a long time does not wait."""
    while events.place_committed():
        pass


@jobs.every("23 * * * *", name="common.forget_idempotency_keys")
def forget_idempotency_keys() -> None:
    """No answer is kept longer than promised."""
    idempotency.forget_expired()


@jobs.every("41 * * * *", name="common.forget_expired_tokens")
def forget_expired_tokens() -> None:
    """Refresh tokens that have run out are no longer listed."""
    call_command("flushexpiredtokens")
