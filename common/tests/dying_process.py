"""What a process does that answers one request under an idempotency key, and is killed before or after its commit."""

import os
from signal import SIGKILL

from django.http import HttpResponse

from common.tests.keyed import make_person, once


def answer(instant: str) -> None:
    """Make the person of `keyed` and die at `instant`."""

    def work() -> HttpResponse:
        answer = make_person()
        if instant == "before the commit":
            os.kill(os.getpid(), SIGKILL)
        return answer

    once(work)
    os.kill(os.getpid(), SIGKILL)
