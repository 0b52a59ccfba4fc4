"""How events come to people by mail: each is written down once for its recipient, and sent until it is accepted.

Exactly one mail comes of an event, but for one window: a worker that dies after the mail server has accepted a mail
and before that is noted has it sent a second time, with the same Message-ID. The other way round, some would be lost.
"""

import logging
import random
import smtplib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models.functions import Now

from common import db, ids, outgoing, texts
from common.events import selectors as events
from common.events import services as feed
from common.events.types import EventRecord
from common.failpoints import failpoint
from common.mail import composing
from common.mail.errors import MailUnderWay
from common.mail.types import MailStatus
from common.models import Mail
from common.outcomes import use_case
from common.redaction import redact

logger = logging.getLogger(__name__)

READER = "mail"
TURN_SECONDS = 20.0
_AT_ONCE = 10
# Longer than it takes to send so many: what nobody has noted the end of by then is sent again.
_CLAIM_SECONDS = 300
# How long everything waits when the mail server does not let anybody in.
_OUTAGE_SECONDS = 60

_WRITE_DOWN = """
    INSERT INTO common_mail (event_id, recipient_id, status, attempts, fault)
    SELECT event_id, recipient_id, 'pending', 0, ''
    FROM unnest(%s::bigint[], %s::uuid[]) AS letter(event_id, recipient_id)
"""
# Materialized: a subquery with a LIMIT can be run once for each row that it is joined to, and take more than that.
_CLAIM = """
    WITH due AS MATERIALIZED (
        SELECT id FROM common_mail WHERE status = 'pending' AND due_at <= statement_timestamp()
        ORDER BY due_at, id LIMIT %(limit)s
        FOR UPDATE SKIP LOCKED
    )
    UPDATE common_mail AS mail
    SET due_at = statement_timestamp() + make_interval(secs => %(claim)s), attempts = attempts + 1
    FROM due, common_user AS person WHERE mail.id = due.id AND person.id = mail.recipient_id
    RETURNING mail.id, mail.event_id, person.display_name, person.email, mail.attempts,
        extract(epoch FROM statement_timestamp() - mail.since)::float
"""
_NOTE = """
    UPDATE common_mail
    SET status = %(status)s::text, fault = %(fault)s,
        due_at = statement_timestamp() + make_interval(secs => %(pause)s),
        ended_at = CASE WHEN %(status)s::text <> 'pending' THEN statement_timestamp() END
    WHERE id = %(id)s AND status = 'pending'
"""
_GIVE_BACK = """
    UPDATE common_mail SET due_at = statement_timestamp(), attempts = attempts - 1
    WHERE id = ANY (%s) AND status = 'pending'
"""
_POSTPONE = """
    UPDATE common_mail SET due_at = statement_timestamp() + make_interval(secs => %(pause)s)
    WHERE status = 'pending' AND due_at <= statement_timestamp()
"""
_FORGET = """
    WITH old AS MATERIALIZED (
        SELECT id FROM common_mail WHERE status <> 'pending' AND ended_at < statement_timestamp() - %s LIMIT %s
    )
    DELETE FROM common_mail AS mail USING old WHERE mail.id = old.id
"""
_FORGOTTEN_AT_ONCE = 1_000


class _LineLost(Exception):
    """The mail server hung up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claimed:
    """A mail that is being sent, for the nth time since so many seconds."""

    id: int
    event_id: int
    name: str
    address: str
    attempts: int
    age: float


def write_down() -> bool:
    """There is a mail for each event in the feed that is a reason for one. Returns whether there may be more to do."""
    return feed.read_on(reader=READER, handle=_write_down)


def _write_down(after: int, up_to: int) -> None:
    found = events.get_stretch(after=after, up_to=up_to, types=composing.letters().keys())
    recipients = [_recipient(record) for _, record in found]
    db.execute(_WRITE_DOWN, [[key for key, _ in found], recipients])


def _recipient(record: EventRecord) -> UUID:
    person_id = ids.decode(ids.USER, str(record.data[composing.letters()[record.type].to]))
    assert person_id is not None
    return person_id


def has_due() -> bool:
    """Whether a mail is to be sent now."""
    return Mail.objects.filter(status=MailStatus.PENDING, due_at__lte=Now()).exists()


def take_turn() -> None:
    """What was due has been sent over one connection, as much as a turn allows.

    When the mail server lets nobody in, everything waits for a minute, which counts as no attempt.
    """
    until = time.monotonic() + TURN_SECONDS
    line = get_connection()
    try:
        line.open()
        while _send_some(line) and time.monotonic() < until:
            pass
    except (OSError, smtplib.SMTPException, _LineLost) as outage:
        logger.warning("The mail server cannot be used, mails wait: %r", outage)
        db.execute(_POSTPONE, {"pause": _OUTAGE_SECONDS})
    finally:
        line.close()


def _send_some(line: BaseEmailBackend) -> bool:
    claimed = _claim()
    records = events.get_records(keys=[mail.event_id for mail in claimed])
    for number, mail in enumerate(claimed):
        try:
            _send(line, mail, records[mail.event_id])
        except _LineLost:
            _give_back(claimed[number + 1 :])
            raise
    return bool(claimed)


def _claim() -> list[_Claimed]:
    rows = db.fetch_all(_CLAIM, {"limit": _AT_ONCE, "claim": _CLAIM_SECONDS})
    return [
        _Claimed(id=id, event_id=event_id, name=name, address=address, attempts=attempts, age=age)
        for id, event_id, name, address, attempts, age in sorted(rows)
    ]


def _give_back(mails: Sequence[_Claimed]) -> None:
    keys = [mail.id for mail in mails]
    db.execute(_GIVE_BACK, [keys])


def _send(line: BaseEmailBackend, mail: _Claimed, event: EventRecord) -> None:
    """The mail was sent, or not; either is noted.

    Raises:
        _LineLost: nothing more can be sent over this connection.
    """
    if mail.address.endswith(f"@{texts.NO_MAIL_DOMAIN}"):
        _note(mail, "failed", "This person has no email.", 0.0)
        return
    try:
        line.send_messages([composing.compose(event=event, name=mail.name, address=mail.address)])
    except Exception as fault:  # whatever is wrong with one mail must not keep the others
        _note_fault(mail, fault)
        if _is_line_lost(fault):
            raise _LineLost from fault
    else:
        failpoint("mail.sent")
        _note(mail, "sent", "", 0.0)


def _note_fault(mail: _Claimed, fault: Exception) -> None:
    logger.warning("Mail %s was not sent: %r", mail.id, fault, exc_info=not isinstance(fault, OSError))
    spread = random.uniform(0.8, 1.2)  # noqa: S311 - nothing is kept secret by it
    pause = None
    if not _is_final(fault):
        pause = outgoing.pause_before_next(attempts=mail.attempts, age=mail.age, spread=spread)
    _note(mail, "failed" if pause is None else "pending", redact(repr(fault))[:2000], pause or 0.0)


def _is_line_lost(fault: Exception) -> bool:
    """Whether the mail server hung up: refusals, which leave the connection as it is, are kinds of OSError as well."""
    is_refusal = isinstance(fault, smtplib.SMTPException) and not isinstance(fault, smtplib.SMTPServerDisconnected)
    return isinstance(fault, OSError) and not is_refusal


def _is_final(fault: Exception) -> bool:
    """Whether the mail server will say the same tomorrow: a code of 5xx, for a recipient or for the mail."""
    if isinstance(fault, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in fault.recipients.values())
    return isinstance(fault, smtplib.SMTPResponseException) and fault.smtp_code >= 500


def _note(mail: _Claimed, status: str, fault: str, pause: float) -> None:
    db.execute(_NOTE, {"id": mail.id, "status": status, "fault": fault.replace("\0", ""), "pause": pause})


@use_case
@transaction.atomic
def resend(*, mail_id: int) -> None:
    """The mail is sent again, soon, and for a day if need be.

    Raises:
        MailUnderWay: it has not been sent, nor failed, or is no longer kept.
    """
    again = {"status": MailStatus.PENDING, "due_at": Now(), "since": Now(), "attempts": 0, "ended_at": None}
    if not Mail.objects.filter(pk=mail_id).exclude(status=MailStatus.PENDING).update(**again):
        raise MailUnderWay


def forget(*, kept: timedelta) -> None:
    """Nothing is kept of mails that ended longer ago than `kept`."""
    while db.execute(_FORGET, [kept, _FORGOTTEN_AT_ONCE]):
        pass
