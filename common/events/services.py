"""The event log's writing side: use cases record into it, and what has been committed gets its place in the feed."""

from collections.abc import Callable, Iterable, Sequence

import orjson
from django.db import transaction

from common import db, ids
from common.events import selectors
from common.events.types import Data, Happening, Occurrence, Subscription
from common.failpoints import failpoint
from common.types import Actor

_COLUMNS = "uuid, type, subject, course, partner, actor, request_id, data"
_INSERT = f"INSERT INTO common_event ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
_INSERT_FROM = f"""
    INSERT INTO common_event ({_COLUMNS})
    SELECT %({{name}}_uuid)s, %({{name}}_type)s, %({{name}}_subject)s, %({{name}}_course)s, %({{name}}_partner)s,
        %({{name}}_actor)s, %({{name}}_request_id)s, %({{name}}_data)s::jsonb || ({{more}})
    FROM {{source}} RETURNING id
"""
_INSERT_MANY = f"""
    INSERT INTO common_event ({_COLUMNS})
    SELECT uuid, %(type)s, subject, %(course)s, partner, %(actor)s, %(request_id)s, data
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS occurrence(uuid uuid, subject text, partner text, data jsonb)
"""
_INSERT_VARIOUS = f"""
    INSERT INTO common_event ({_COLUMNS})
    SELECT uuid, type, subject, course, partner, %(actor)s, %(request_id)s, data::jsonb
    FROM unnest(%(uuids)s::uuid[], %(types)s::text[], %(subjects)s::text[], %(courses)s::text[], %(partners)s::text[],
        %(data)s::text[]) AS happening(uuid, type, subject, course, partner, data)
"""
# Ids are drawn before the commit, so they are no order to read by: a reader would step over a transaction that is
# still open. Positions are given afterwards, by one placer at a time, to whatever has been committed since. Within
# one round the ids decide: events of one course are recorded under its lock, so theirs are in commit order.
_PLACE = """
    UPDATE common_event SET position = placed.position
    FROM (
        SELECT id, row_number() OVER (ORDER BY id) + (SELECT coalesce(max(position), 0) FROM common_event) AS position
        FROM (SELECT id FROM common_event WHERE position IS NULL ORDER BY id LIMIT %s) AS committed
    ) AS placed
    WHERE common_event.id = placed.id
"""
# What somebody else reads on at this instant is left to them.
_TAKE_READER = "SELECT position FROM common_feedreader WHERE name = %s FOR NO KEY UPDATE SKIP LOCKED"
_MOVE_READER = "UPDATE common_feedreader SET position = %s WHERE name = %s"
# A reader that is new begins with what is yet to come: nobody is told of what was before its time.
_MAKE_READERS = """
    INSERT INTO common_feedreader (name, position)
    SELECT name, (SELECT coalesce(max(position), 0) FROM common_event) FROM unnest(%s::text[]) AS wanted(name)
    ON CONFLICT DO NOTHING
"""
_READ_AT_ONCE = 1_000
_PLACER_LOCK = 0x1EC7E12
_PLACED_AT_ONCE = 5_000

_subscriptions: tuple[Subscription, ...] = ()


def subscribe(subscriptions: Iterable[Subscription]) -> None:
    """From now on `record` wakes what `subscriptions` says. Called once, by the composition root."""
    global _subscriptions  # noqa: PLW0603
    _subscriptions = tuple(subscriptions)


@db.step
def record(*, type: str, subject: str, course: str, data: Data, actor: Actor, partner: str = "") -> list[str]:
    """The event is part of the caller's transaction, and so are the jobs that it wakes.

    `subject`, `course` and `partner` are public ids: what it happened to, the course that this belongs to, and the
    partner whom it concerns, if any. Returns the public names of the consequences.
    """
    values = [ids.new_uuid(), type, subject, course, partner, actor.name, actor.request_id, orjson.dumps(data).decode()]
    db.execute(_INSERT, values)
    return _wake(type, data, actor)


def recording(
    name: str,
    *,
    type: str,
    subject: str,
    course: str,
    data: Data,
    actor: Actor,
    partner: str = "",
    source: str,
    more: str = "'{}'::jsonb",
) -> db.Part:
    """As `record`, as a part of a larger statement: an event for each row of `source`, a FROM clause of that statement.

    One whose `source` is another such part comes after that one's event.

    `more` is an SQL expression over `source` that adds to `data`.

    Raises:
        ValueError: events of this type wake something, which a part cannot do.
    """
    if any(each.event == type for each in _subscriptions):
        raise ValueError(f"{type} wakes something: record it on its own.")
    values = {
        f"{name}_uuid": ids.new_uuid(),
        f"{name}_type": type,
        f"{name}_subject": subject,
        f"{name}_course": course,
        f"{name}_partner": partner,
        f"{name}_actor": actor.name,
        f"{name}_request_id": actor.request_id,
        f"{name}_data": orjson.dumps(data).decode(),
    }
    return db.Part(name, _INSERT_FROM.format(name=name, more=more, source=source), values)


def _wake(type: str, data: Data, actor: Actor) -> list[str]:
    woken = [each for each in _subscriptions if each.event == type and each.when(data)]
    for subscription in woken:
        subscription.wake(data, actor.request_id)
    return [subscription.consequence for subscription in woken]


@db.step
def record_many(*, type: str, course: str, rows: Sequence[Occurrence], actor: Actor) -> None:
    """As `record`, for one type and course, an event for each of `rows`, in their order. Wakes nothing."""
    values = {
        "type": type,
        "course": course,
        "actor": actor.name,
        "request_id": actor.request_id,
        # As JSON, which for so many words is cheaper to write than arrays.
        "rows": orjson.dumps(
            [
                {"uuid": ids.new_uuid().hex, "subject": row.subject, "partner": row.partner, "data": row.data}
                for row in rows
            ]
        ).decode(),
    }
    db.execute(_INSERT_MANY, values)


@db.step
def record_various(*, happenings: Sequence[Happening], actor: Actor) -> None:
    """As `record`, for events of any types and courses at once, in their order. Wakes nothing."""
    values = {
        "actor": actor.name,
        "request_id": actor.request_id,
        "uuids": [ids.new_uuid() for _ in happenings],
        "types": [each.type for each in happenings],
        "subjects": [each.subject for each in happenings],
        "courses": [each.course for each in happenings],
        "partners": [each.partner for each in happenings],
        "data": [orjson.dumps(each.data).decode() for each in happenings],
    }
    db.execute(_INSERT_VARIOUS, values)


def place_committed() -> int:
    """Every event committed before the call has its place in the feed, up to a batch. Returns how many got theirs."""
    with transaction.atomic():
        db.execute("SELECT pg_advisory_xact_lock(%s)", [_PLACER_LOCK])
        return db.execute(_PLACE, [_PLACED_AT_ONCE])


def make_readers(names: Sequence[str]) -> None:
    """Readers with these names exist. A new one starts at the end of the feed. Runs after each `migrate`."""
    if db.fetch_one("SELECT to_regclass('common_feedreader')") != (None,):  # it may have gone back to before them
        db.execute(_MAKE_READERS, [list(names)])


@transaction.atomic
def read_on(*, reader: str, handle: Callable[[int, int], None]) -> bool:
    """`handle` was called with the bounds of what follows in the feed, the first excluded, and what it did is kept.

    For each event once, whoever else reads on at the same time and whatever breaks in between: how far the reader has
    come is remembered in the transaction of what `handle` does. Returns whether there may be more.
    """
    row = db.fetch_one(_TAKE_READER, [reader])
    if row is None:
        return False
    after = int(row[0])
    up_to = min(selectors.last_position(), after + _READ_AT_ONCE)
    if up_to <= after:
        return False
    handle(after, up_to)
    failpoint("feed.before_reader_moves")
    db.execute(_MOVE_READER, [up_to, reader])
    return True
