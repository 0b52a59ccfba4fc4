"""The words of mails."""

from collections.abc import Iterable
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from common import ids
from common.events.types import EventRecord
from common.mail.types import Letter

_letters: dict[str, Letter] = {}


def write_letters(letters: Iterable[Letter]) -> None:
    """From now on these events are a reason to write. Called once, by the composition root."""
    _letters.clear()
    _letters.update({letter.event: letter for letter in letters})


def letters() -> dict[str, Letter]:
    """What is written because of which type of event."""
    return _letters


def compose(*, event: EventRecord, name: str, address: str) -> EmailMultiAlternatives:
    """The mail about the event, as text and as HTML.

    Its Message-ID follows from the event: should it be sent twice after all, mailboxes can tell.
    """
    letter = _letters[event.type]
    words = {"recipient": name, **event.data, **letter.details(event.data)}
    _, sender = parseaddr(settings.DEFAULT_FROM_EMAIL)
    mail = EmailMultiAlternatives(
        # On one line, whatever a title may hold.
        subject=" ".join(letter.subject.format_map(words).split()),
        body=render_to_string(f"{letter.template}.txt", words),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[address],
        headers={
            "Message-ID": f"<{ids.encode(ids.EVENT, event.id)}@{sender.rpartition('@')[2]}>",
            "Auto-Submitted": "auto-generated",
        },
    )
    mail.attach_alternative(render_to_string(f"{letter.template}.html", words), "text/html")
    return mail
