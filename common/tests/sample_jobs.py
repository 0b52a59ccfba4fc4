"""Jobs that show the promises of `common.jobs`. They leave a line in the file at `path` each time they run."""

import os
import signal
import time
from pathlib import Path

from common import jobs
from common.models import User

BAD_LUCK = "a sample of bad luck"


@jobs.job(name="samples.note")
def note(*, path: str, request_id: str) -> None:
    _leave(path, request_id)


@jobs.job(name="samples.note_by_key", key="sample:{number}")
def note_by_key(*, path: str, number: int, request_id: str) -> None:
    _leave(path, request_id)


@jobs.job(name="samples.count", key="sample")
def count(*, place: int, seconds: float, request_id: str) -> None:
    time.sleep(seconds)


@jobs.job(name="samples.fail", attempts=3)
def fail(*, path: str, request_id: str) -> None:
    _leave(path, request_id)
    raise RuntimeError("a sample of bad luck")


@jobs.job(name="samples.fail_at_once", attempts=1)
def fail_at_once(*, request_id: str) -> None:
    raise RuntimeError(BAD_LUCK)


@jobs.job(name="samples.dawdle")
def dawdle(*, path: str, seconds: float, request_id: str) -> None:
    """Take the time only when run for the first time."""
    if _leave(path, request_id) == 1:
        time.sleep(seconds)
    _leave(path, "done")


@jobs.job(name="samples.wait_for_somebody", lane=jobs.OUTBOUND)
def wait_for_somebody(*, seconds: float, request_id: str) -> None:
    time.sleep(seconds)


@jobs.job(name="samples.sleep")
def sleep(*, seconds: float, request_id: str) -> None:
    time.sleep(seconds)


@jobs.job(name="samples.kill_worker", attempts=2)
def kill_worker(*, path: str, request_id: str) -> None:
    _leave(path, request_id)
    os.kill(os.getpid(), signal.SIGKILL)


@jobs.job(name="samples.add_person")
def add_person(*, path: str, email: str, request_id: str) -> None:
    """Idempotent: the worker dies between the commit and the note that the job is done, and the person is one."""
    User.objects.get_or_create(email=email)
    if _leave(path, request_id) == 1:
        os.kill(os.getpid(), signal.SIGKILL)


@jobs.every("* * * * * *", name="samples.tick")
def tick() -> None:
    """Run each second: a sixth field stands for seconds."""


@jobs.beside(seconds=0.1)
def chore() -> None:
    """Leave a line in a file that the worker was told of."""
    _leave(os.environ["SAMPLE_CHORE"], "done")


def _leave(path: str, line: str) -> int:
    with Path(path).open("a") as file:
        file.write(f"{line}\n")
    return len(Path(path).read_text().splitlines())


@jobs.job(name="samples.nothing")
def nothing(*, request_id: str) -> None:
    """Do nothing."""
