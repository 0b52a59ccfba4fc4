"""Public reads go to a replica while there is one that answers; everything else goes to the primary.

A replica is behind by what it has not replayed yet. So only they read from it who cannot have written: callers without
credentials. Whoever sends any reads from the primary, and with that their own writes. See docs/adr.
"""

import logging
from collections.abc import Callable
from time import monotonic
from typing import Any, TypeVar

from django.db import DatabaseError, InterfaceError, connections

from common import db

logger = logging.getLogger(__name__)

R = TypeVar("R")

REPLICA = "replica"
# So long a replica that did not answer is left alone, so that not every request waits for it.
_AWAY_SECONDS = 5
_away_until = 0.0


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
        with db.reading_from(REPLICA):
            return read()
    except (DatabaseError, InterfaceError) as fault:
        if not db.is_unavailable(fault):
            raise
        _leave_alone(fault)
    return read()


def _leave_alone(fault: Exception) -> None:
    global _away_until  # noqa: PLW0603 -- one for the process, as the replica is one
    logger.warning("The replica cannot answer; reading from the primary: %s", fault)
    _away_until = monotonic() + _AWAY_SECONDS
