"""Whether the server ends what takes too long. Through PgBouncer a connection cannot ask for it; the role has to."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import connections

_TIMEOUTS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


def check_timeouts(*, databases: Sequence[str] | None, **_options: Any) -> list[checks.CheckMessage]:
    """A warning for each timeout that is off. Only `migrate` and `check --database` name databases, and so ask."""
    if not settings.THROUGH_PGBOUNCER:
        return []
    return [_warning(alias, name) for alias in databases or () for name in _missing(alias)]


def _missing(alias: str) -> list[str]:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT name FROM pg_settings WHERE name = ANY(%s) AND setting = '0'", [list(_TIMEOUTS)])
        return sorted(name for (name,) in cursor.fetchall())


def _warning(alias: str, name: str) -> checks.CheckMessage:
    return checks.Warning(
        f"{name} is off for the role of the database {alias!r}: what hangs there hangs for ever.",
        hint="See PgBouncer in docs/operations.md.",
        id="common.W001",
    )
