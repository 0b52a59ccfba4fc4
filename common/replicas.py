"""Public reads go to a replica while there is one that answers; everything else goes to the primary.

A replica is behind by what it has not replayed yet. So only they read from it who cannot have written: callers without
credentials. Whoever sends any reads from the primary, and with that their own writes. And nobody reads from it while it
is further behind than the setting allows. See docs/adr.
"""

import logging
from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections

from common import db

logger = logging.getLogger(__name__)

R = TypeVar("R")

REPLICA = "replica"
# So long a replica that did not answer is left alone, so that not every request waits for it.
_AWAY_SECONDS = 5.0
# So often each process looks how far behind it is. Shorter than a replica may be behind.
_LOOK_SECONDS = 2.0
# How far a server is in the log: what it has on its disk, or has replayed.
_POSITION = """
    SELECT (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END
        - '0/0'::pg_lsn)::bigint
"""
_away_until = 0.0
_good_until = 0.0
# When the primary was where, as far back as the replica may be. Replaced as a whole, since threads share it.
_marks: tuple[tuple[float, int], ...] = ()
_looking = Lock()


class Router:
    """Django's own queries go where `common.db` sends ours."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return db.alias_for_reads()

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return db.PRIMARY

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, alias: str, app_label: str, **hints: Any) -> bool:
        return alias == db.PRIMARY


def read_publicly(read: Callable[[], R]) -> R:
    """What `read` returns, which only reads. It runs once more, on the primary, if the replica cannot answer."""
    if REPLICA not in connections.settings or monotonic() < _away_until:
        return read()
    try:
        if monotonic() < _good_until or _keeps_up():
            with db.reading_from(REPLICA):
                return read()
    except (DatabaseError, InterfaceError) as fault:
        if not db.is_unavailable(fault):
            raise
        logger.warning("The replica cannot answer; reading from the primary: %s", fault)
        _leave_alone(_AWAY_SECONDS)
    return read()


def _keeps_up() -> bool:
    """Whether the replica may be read from. One looks, and can hang in that; meanwhile it is for all as it was."""
    if not _looking.acquire(blocking=False):
        return _good_until > 0
    try:
        return _look()
    finally:
        _looking.release()


def _look() -> bool:
    """Whether the replica has all that the primary had at a moment that is not too long ago.

    Positions say so without the clocks of two machines, whether or not somebody writes, and if the two do not talk.
    """
    global _good_until, _marks  # noqa: PLW0603 -- one for the process, as the replica is one
    now, longest = monotonic(), settings.REPLICA_MOST_SECONDS_BEHIND
    position = _position_of_primary()
    if position is None:
        _good_until = now + _LOOK_SECONDS  # there is nothing newer to be had
        return True
    with db.reading_from(REPLICA):
        replayed = _position()
    _marks = (*(mark for mark in _marks if mark[0] > now - longest), (now, position))
    as_of = max((at for at, passed in _marks if passed <= replayed), default=None)
    if as_of is None:
        if _good_until:
            logger.warning("The replica is more than %.0f seconds behind; reading from the primary", now - _marks[0][0])
        _leave_alone(_LOOK_SECONDS)
        return False
    _good_until = min(now + _LOOK_SECONDS, as_of + longest)
    return True


def _position_of_primary() -> int | None:
    """None if it cannot be asked."""
    try:
        return _position()
    except (DatabaseError, InterfaceError) as fault:
        if not db.is_unavailable(fault):
            raise
        return None


def _position() -> int:
    row = db.fetch_one(_POSITION)
    assert row is not None
    return int(row[0])


def _leave_alone(seconds: float) -> None:
    global _away_until, _good_until
    _away_until, _good_until = monotonic() + seconds, 0.0
