"""Work in a process of its own, which may be killed."""

from collections.abc import Callable
from multiprocessing import get_context

import django
from django.apps import apps
from django.db import connection

from common.tests.patience import PATIENCE_SECONDS

# Each is forked from one process that has loaded the service and holds no connection: it is there in no time.
_PROCESSES = get_context("forkserver")
_PROCESSES.set_forkserver_preload([__name__, "config.urls"])
if not apps.ready:
    django.setup()


def run_apart(work: Callable[..., object], *arguments: str) -> int | None:
    """The exit code of a process that does `work` in the database of the tests; -9 if it was killed."""
    process = _PROCESSES.Process(target=_run, args=(str(connection.settings_dict["NAME"]), work, arguments))
    process.start()
    process.join(PATIENCE_SECONDS)
    return process.exitcode


def _run(database: str, work: Callable[..., object], arguments: tuple[str, ...]) -> None:
    connection.settings_dict["NAME"] = database
    work(*arguments)
