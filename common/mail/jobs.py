"""What a worker does for mails."""

from django.conf import settings
from django.db import transaction

from common import jobs, outgoing
from common.mail import services


@jobs.job(
    name="mail.take_turn", key="mail", lane=jobs.OUTBOUND, longest_pause_seconds=outgoing.LONGEST_PAUSE_BETWEEN_TURNS
)
def take_turn(*, request_id: str) -> None:  # noqa: ARG001 - every job takes it
    """Mails that are due were sent, or tried."""
    services.take_turn()


def hand_on() -> None:
    """The feed has become mails, and if some are due somebody will send them."""
    while services.write_down():
        pass
    if services.has_due():
        with transaction.atomic():
            jobs.defer_unless_live(take_turn)


@jobs.every("37 * * * *", name="mail.forget")
def forget() -> None:
    """Mails that ended long ago are gone."""
    services.forget(kept=settings.MAIL_LOG_KEPT_FOR)
