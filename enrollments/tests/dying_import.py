"""What a process does that goes on with an import until it is killed, at one instant of it."""

import os
from signal import SIGKILL
from typing import Any
from uuid import UUID

from common import clock
from enrollments.services import import_runs

# What is called at each instant, and whether the process dies before it or after.
INSTANTS = {
    "before a batch": ("_do_together", False),
    "in a batch, with people recognized": ("recognize", True),
    "in a batch, with its rows enrolled": ("enroll_many", True),
    "in a batch, with its results written": ("_write", True),
    "after the commit of a batch": ("_do_together", True),
    "before the line is noted": ("_advance", False),
    "after the line is noted": ("_advance", True),
    "in the completion": ("_record_completion", True),
}


def go_on(import_id: str, instant: str, count: str) -> None:
    """Go on with the import and die when the instant comes for the time `count`."""
    name, is_after = INSTANTS[instant]
    original = getattr(import_runs, name)
    left = int(count)

    def dying(*arguments: Any, **keywords: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0 and not is_after:
            os.kill(os.getpid(), SIGKILL)
        result = original(*arguments, **keywords)
        if left == 0:
            os.kill(os.getpid(), SIGKILL)
        return result

    setattr(import_runs, name, dying)
    import_runs._ROWS_AT_ONCE = 2_000
    import_runs.run_import(import_id=UUID(import_id), seconds=600, now=clock.now())
