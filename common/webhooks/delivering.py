"""How events come to webhooks: each is made into deliveries once, and these are sent until they are received.

Deliveries follow from the feed. They are sent in turns, one webhook at a time in each, so that it does not matter to
the others how much waits for it, or how long its server takes.
"""

import json
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from common import clock, db, ids, outgoing
from common.api import to_json
from common.events import selectors as events
from common.events import services as feed
from common.events.serializers import EventView
from common.events.types import EventRecord
from common.failpoints import failpoint
from common.fields import rfc3339
from common.webhooks import rules, secrets, sending, targets
from common.webhooks.types import Answer, Disabled, Fault

READER = "webhooks"
# How long a webhook may keep its place among those that send, and how much it is sent at the same time.
TURN_SECONDS = 5.0
SENT_AT_ONCE = 8
# Longer than sending can take: what nobody has noted the end of by then is sent again.
_CLAIM_SECONDS = 60
_LONGEST_LOG = 50
_GONE = 410

_FAN_OUT = """
    INSERT INTO common_webhookdelivery (webhook_id, event_id, sequence, status, attempts, log)
    SELECT webhook.id, event.id, (
            SELECT count(*) FROM common_event AS earlier
            WHERE earlier.subject = event.subject AND earlier.position <= event.position
        ) + (
            SELECT coalesce(sum(events), 0) FROM common_archivedsubject AS gone WHERE gone.subject = event.subject
        ), 'pending', 0, '[]'
    FROM common_event AS event JOIN common_webhook AS webhook ON webhook.owner = event.partner
    WHERE event.position > %(after)s AND event.position <= %(up_to)s AND event.partner <> ''
        AND event.type = ANY (webhook.event_types)
        AND event.position > webhook.after_position AND webhook.disabled_at IS NULL
    ORDER BY event.position, webhook.id
"""
# Materialized: a subquery with a LIMIT can be run once for each row that it is joined to, and take more than that.
_CLAIM = """
    WITH due AS MATERIALIZED (
        SELECT id FROM common_webhookdelivery
        WHERE webhook_id = %(webhook)s AND status = 'pending' AND due_at <= statement_timestamp()
        ORDER BY due_at, id LIMIT %(limit)s
        FOR UPDATE SKIP LOCKED
    )
    UPDATE common_webhookdelivery AS delivery
    SET due_at = statement_timestamp() + make_interval(secs => %(claim)s), attempts = attempts + 1
    FROM due WHERE delivery.id = due.id
    RETURNING delivery.id, delivery.event_id, delivery.sequence, delivery.attempts,
        extract(epoch FROM statement_timestamp() - delivery.since)::float
"""
_READY = """
    SELECT url, secret, CASE WHEN previous_secret_until > statement_timestamp() THEN previous_secret END, unanswered
    FROM common_webhook WHERE id = %s AND disabled_at IS NULL AND paused_until <= statement_timestamp()
"""
_NOTE = """
    UPDATE common_webhookdelivery
    SET status = %(status)s::text,
        due_at = statement_timestamp() + make_interval(secs => %(pause)s),
        ended_at = CASE WHEN %(status)s::text <> 'pending' THEN statement_timestamp() END,
        log = CASE WHEN jsonb_array_length(log) < %(longest)s THEN log ELSE log - 0 END || %(entry)s::jsonb
    WHERE id = %(id)s AND status = 'pending'
"""
_PAUSE = """
    UPDATE common_webhook SET unanswered = %s, paused_until = statement_timestamp() + make_interval(secs => %s)
    WHERE id = %s
"""
_DISABLE = """
    UPDATE common_webhook SET disabled_at = statement_timestamp(), disabled_because = %s
    WHERE id = %s AND disabled_at IS NULL
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Endpoint:
    """Where a webhook is, what it signs with, and how often in a row it did not answer."""

    webhook_id: UUID
    url: str
    secrets: Sequence[str]
    unanswered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claimed:
    """A delivery that is being sent, for the nth time since so many seconds."""

    id: int
    event_id: int
    sequence: int
    attempts: int
    age: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    """What came of it."""

    delivery: _Claimed
    at: datetime
    answer: Answer


def fan_out() -> bool:
    """There are deliveries of what has come into the feed, one for each webhook that is to be told of it.

    Returns whether there may be more to do.
    """
    return feed.read_on(reader=READER, handle=_make_deliveries)


def _make_deliveries(after: int, up_to: int) -> None:
    db.execute(_FAN_OUT, {"after": after, "up_to": up_to})


def take_turn(*, webhook_id: UUID) -> None:
    """What is due for the webhook was sent, as much as a turn allows. It ends early when there is no answer."""
    until = time.monotonic() + TURN_SECONDS
    while _send_some(webhook_id) and time.monotonic() < until:
        pass


def _send_some(webhook_id: UUID) -> bool:
    endpoint = _ready(webhook_id)
    if endpoint is None:
        return False
    # To one that did not answer the last time, one is enough to see.
    claimed = _claim(webhook_id, limit=1 if endpoint.unanswered else SENT_AT_ONCE)
    if claimed:
        batch = _send_all(endpoint, claimed)
        failpoint("webhook.sent")
        _note(endpoint, batch)
    return bool(claimed)


def _ready(webhook_id: UUID) -> _Endpoint | None:
    """The webhook, unless it is disabled or left alone just now."""
    row = db.fetch_one(_READY, [webhook_id])
    if row is None:
        return None
    url, *sealed, unanswered = row
    good = [secrets.unseal(each) for each in sealed if each is not None]
    return _Endpoint(webhook_id=webhook_id, url=url, secrets=good, unanswered=unanswered)


def _claim(webhook_id: UUID, *, limit: int) -> list[_Claimed]:
    values = {"webhook": webhook_id, "claim": _CLAIM_SECONDS, "limit": limit}
    rows = db.fetch_all(_CLAIM, values)
    return [
        _Claimed(id=id, event_id=event_id, sequence=sequence, attempts=attempts, age=age)
        for id, event_id, sequence, attempts, age in sorted(rows)
    ]


def _send_all(endpoint: _Endpoint, claimed: Sequence[_Claimed]) -> list[_Sent]:
    """All at once, each in a thread that has nothing to do with the database."""
    records = events.get_records(keys=[delivery.event_id for delivery in claimed])
    with ThreadPoolExecutor(len(claimed)) as threads:
        return list(threads.map(lambda delivery: _send(endpoint, delivery, records[delivery.event_id]), claimed))


def _send(endpoint: _Endpoint, delivery: _Claimed, event: EventRecord) -> _Sent:
    now = clock.now()
    body = to_json(EventView.render(event))
    signed = secrets.headers(secrets=endpoint.secrets, id=ids.encode(ids.EVENT, event.id), body=body, now=now)
    headers = {
        "Content-Type": "application/cloudevents+json; charset=utf-8",
        "User-Agent": "Lectern-Webhooks/1",
        "webhook-sequence": str(delivery.sequence),
        **signed,
    }
    return _Sent(delivery=delivery, at=now, answer=_post(endpoint.url, headers, body))


def _post(url: str, headers: dict[str, str], body: bytes) -> Answer:
    try:
        target = targets.parse(url, allow_private=settings.WEBHOOK_ALLOW_PRIVATE_ADDRESSES)
    except targets.BadAddress:  # it was good when it was saved: the setting has changed since
        return Answer(fault=Fault.ADDRESS_REFUSED)
    return sending.post(target=target, headers=headers, body=body, seconds=settings.WEBHOOK_TIMEOUT_SECONDS)


@transaction.atomic
def _note(endpoint: _Endpoint, batch: Sequence[_Sent]) -> None:
    """What came of each is in its log, and what is to come of it; and whether the endpoint is to be left alone."""
    for sent in batch:
        _note_delivery(sent)
    answers = [sent.answer for sent in batch]
    if any(answer.status == _GONE for answer in answers):
        db.execute(_DISABLE, [Disabled.GONE, endpoint.webhook_id])
        return
    unanswered, silence = _silence(endpoint, answers)
    if silence or unanswered != endpoint.unanswered:
        db.execute(_PAUSE, [unanswered, silence, endpoint.webhook_id])


def _note_delivery(sent: _Sent) -> None:
    status, pause = _verdict(sent)
    entry = {
        "at": rfc3339(sent.at),
        "duration_ms": round(sent.answer.seconds * 1000),
        "status_code": sent.answer.status,
        "fault": sent.answer.fault,
    }
    values = {"id": sent.delivery.id, "status": status, "pause": pause, "longest": _LONGEST_LOG}
    db.execute(_NOTE, {**values, "entry": json.dumps([entry])})


def _verdict(sent: _Sent) -> tuple[str, float]:
    """The delivery's status, and how long it waits if that is pending."""
    answer = sent.answer
    if answer.is_success:
        return "delivered", 0.0
    pause = outgoing.pause_before_next(
        attempts=sent.delivery.attempts, age=sent.delivery.age, asked_for=answer.retry_after, spread=_spread()
    )
    if pause is None or answer.status == _GONE:
        return "failed", 0.0
    return "pending", pause


def _silence(endpoint: _Endpoint, answers: Sequence[Answer]) -> tuple[int, float]:
    """How often in a row the endpoint has not answered now, and for how long it is left alone."""
    if all(answer.status is None for answer in answers):
        unanswered = endpoint.unanswered + 1
        return unanswered, rules.silence_after(unanswered=unanswered, spread=_spread())
    return 0, max(answer.retry_after or 0.0 for answer in answers)


def _spread() -> float:
    return random.uniform(0.8, 1.2)  # noqa: S311 - nothing is kept secret by it
