"""Whether this process can do its work."""

import logging
from threading import Event

from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor

logger = logging.getLogger(__name__)

OK = "ok"

# Looking for migrations reads every migration file. Once applied, they stay so while the process lives.
_all_applied = Event()


def checks() -> dict[str, str]:
    """How each thing is that requests depend on: OK, or what is wrong with it."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return {"database": OK, "migrations": _migrations()}
    except (DatabaseError, InterfaceError) as fault:
        logger.warning("Not ready: %s: %s", type(fault).__name__, str(fault).strip())
        return {"database": "unreachable", "migrations": "unknown"}


def _migrations() -> str:
    if not _all_applied.is_set():
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return "pending: run manage.py migrate"
        _all_applied.set()
    return OK
