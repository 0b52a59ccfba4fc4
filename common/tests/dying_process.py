"""A process that answers one request under an idempotency key, and is killed before or after its commit."""

import os
import sys
from signal import SIGKILL

import django


def run(database: str, instant: str) -> None:
    """Make the person of `keyed` in `database` and die at `instant`."""
    django.setup()
    from django.db import connection  # noqa: PLC0415  # needs the settings

    from common.tests.keyed import make_person, once  # noqa: PLC0415

    connection.settings_dict["NAME"] = database

    def work() -> object:
        answer = make_person()
        if instant == "before the commit":
            os.kill(os.getpid(), SIGKILL)
        return answer

    once(work)  # type: ignore[arg-type]
    os.kill(os.getpid(), SIGKILL)


if __name__ == "__main__":
    run(*sys.argv[1:])
