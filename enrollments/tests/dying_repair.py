"""A repair in a process of its own that is killed at its first item, before or after the commit."""

import os
import sys
from signal import SIGKILL

import django


def run(database: str, instant: str, *arguments: str) -> None:
    """Run `repair_enrollments` with these arguments in `database`, and die at `instant`."""
    django.setup()
    from django.core.management import call_command  # noqa: PLC0415  # needs the settings
    from django.db import connection  # noqa: PLC0415

    from common.ops.running import Worker  # noqa: PLC0415

    connection.settings_dict["NAME"] = database
    note, attempt = Worker._note, Worker._attempt

    def dying_note(worker, items, results):  # type: ignore[no-untyped-def]
        note(worker, items, results)
        os.kill(os.getpid(), SIGKILL)

    def dying_attempt(worker, items):  # type: ignore[no-untyped-def]
        attempt(worker, items)
        os.kill(os.getpid(), SIGKILL)

    if instant == "before the commit":
        Worker._note = dying_note  # type: ignore[method-assign]
    else:
        Worker._attempt = dying_attempt  # type: ignore[method-assign]
    call_command("repair_enrollments", *arguments, "--yes", "--batch-size", "1", "--operator", "ada")


if __name__ == "__main__":
    run(*sys.argv[1:])
