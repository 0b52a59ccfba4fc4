"""What a process does that repairs and is killed at its first item, before or after the commit."""

import os
from signal import SIGKILL

from django.core.management import call_command

from common.ops.running import Worker


def repair(instant: str, *arguments: str) -> None:
    """Run `repair_enrollments` with these arguments, and die at `instant`."""
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
