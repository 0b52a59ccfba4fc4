"""One operator at a time for each command that writes."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast

import psycopg
from django.db import connection

_CLASS = 0x0B5
# The transaction has done nothing but take the lock, so it holds up no vacuum.
_STAY = "SELECT set_config('idle_in_transaction_session_timeout', '0', true)"
_TAKE = "SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))"


class HeldByAnother(Exception):
    """Somebody runs this command at the moment."""


@contextmanager
def alone(command: str) -> Iterator[None]:
    """Inside the block nobody else runs this command. However the process ends, the lock ends with it.

    The lock belongs to a transaction on a connection of its own, which stays open meanwhile. A lock of a session would
    be somebody else's behind PgBouncer, and a row with a time in it would outlive a killed process.

    Raises:
        HeldByAnother: somebody does.
    """
    own = connection.copy()
    own.ensure_connection()
    raw = cast("psycopg.Connection[Any]", own.connection)
    try:
        raw.execute("BEGIN")
        raw.execute(_STAY)
        row = raw.execute(_TAKE, [_CLASS, command]).fetchone()
        if row is None or not row[0]:
            raise HeldByAnother
        yield
    finally:
        # The server hears of a closed connection some time later, and whoever comes next would be refused.
        with suppress(psycopg.Error):
            raw.execute("ROLLBACK")
        own.close()
