"""Mails for tests: written down, sent, and the clock moved on."""

from datetime import timedelta
from typing import Any

from django.core import mail as django_mail
from django.db.models import F

from common import jobs
from common.events import services as events
from common.mail import jobs as mail_jobs
from common.models import Mail


def hand_on() -> None:
    """What a worker does every second."""
    while events.place_committed():
        pass
    mail_jobs.hand_on()


def deliver() -> list[Any]:
    """All mails that are due have been sent. Returns those that are new."""
    before = len(django_mail.outbox)
    hand_on()
    jobs.run_pending()
    return django_mail.outbox[before:]


def forget_what_was() -> None:
    """Nobody is told of what it took to set the scene."""
    hand_on()
    Mail.objects.all().delete()


def pass_time(seconds: float) -> None:
    """So much later: what was to wait that long is due."""
    span = timedelta(seconds=seconds)
    Mail.objects.update(due_at=F("due_at") - span, since=F("since") - span)
