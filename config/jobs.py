"""What is done on schedule, and all the time, for the whole house."""

from django.core.management import call_command

from common import clock, idempotency, jobs
from common.events import months, selectors
from common.events import services as events
from common.mail import jobs as mail
from common.mail import services as mail_services
from common.ops import invariants
from common.webhooks import delivering
from common.webhooks import jobs as webhooks

# Who reads the feed within the house.
READERS = (delivering.READER, mail_services.READER)


@jobs.beside(seconds=1)
def follow_events() -> None:
    """What has happened is in the feed, and what follows from the feed is under way."""
    if selectors.has_unplaced():
        while events.place_committed():
            pass
    webhooks.hand_on()
    mail.hand_on()


@jobs.every("0 * * * *", name="common.begin_month")
def begin_month() -> None:
    """Events go into the table of the month that it is; the next month's is there before it begins."""
    months.begin()


@jobs.every("23 * * * *", name="common.forget_idempotency_keys")
def forget_idempotency_keys() -> None:
    """No answer is kept longer than promised."""
    idempotency.forget_expired()


@jobs.every("41 * * * *", name="common.forget_expired_tokens")
def forget_expired_tokens() -> None:
    """Refresh tokens that have run out are no longer listed."""
    call_command("flushexpiredtokens")


@jobs.every("*/15 * * * *", name="common.look_at_invariants")
def look_at_invariants() -> None:
    """The health page is not older than a quarter of an hour."""
    invariants.look(now=clock.now())
