"""`manage.py migrate`: Django's own, beside a service that goes on working."""

import time
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections
from django.db.migrations import Migration

_LOCK_NOT_AVAILABLE = "55P03"


class Command(migrate.Command):
    """A migration may take its time, but holds nobody up by waiting for a lock: it lets go, and tries again.

    Whoever waits for the lock of a table makes all others wait behind, those that only read as well. A migration that
    is not atomic builds beside the work of others and stands in nobody's way, so that one waits as long as it takes.
    Behind PgBouncer the timeouts are those of the role.
    """

    pauses = (1, 2, 4, 8)

    def handle(self, *args: Any, **options: Any) -> None:
        """Every migration is applied, or none of those after the one that could not get its lock."""
        self._alias = options["database"]
        for pause in (*self.pauses, None):
            try:
                self._try(*args, **options)
            except OperationalError as fault:
                if not _is_lock(fault):
                    raise
                self._connect_anew()
                if pause is None:
                    told = "A table was in use all the time. Nothing is half done; migrate again later."
                    raise CommandError(told) from fault
            else:
                return
            self.stderr.write(f"\nA table is in use. Trying again in {pause} s.")
            time.sleep(pause)

    def migration_progress_callback(
        self,
        action: str,
        migration: Migration | None = None,
        fake: bool = False,  # noqa: FBT001, FBT002
    ) -> None:
        """Before each migration: how long it may wait for a lock."""
        super().migration_progress_callback(action, migration, fake)
        if action in {"apply_start", "unapply_start"} and migration is not None:
            self._set("lock_timeout", f"'{settings.LOCK_TIMEOUT_SECONDS}s'" if migration.atomic else "0")

    def _try(self, *args: Any, **options: Any) -> None:
        self._set("statement_timeout", "0")
        super().handle(*args, **options)
        self._set("statement_timeout", "DEFAULT")
        self._set("lock_timeout", "DEFAULT")

    def _connect_anew(self) -> None:
        """Django leaves the transaction open if one of the last statements of a migration fails."""
        connections[self._alias].close()
        connections[self._alias] = connections[self._alias].copy()

    def _set(self, name: str, value: str) -> None:
        if not settings.THROUGH_PGBOUNCER:
            with connections[self._alias].cursor() as cursor:
                cursor.execute(f"SET {name} = {value}")


def _is_lock(fault: OperationalError) -> bool:
    return getattr(fault.__cause__, "sqlstate", "") == _LOCK_NOT_AVAILABLE
