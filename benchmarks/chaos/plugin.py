"""What is put into the processes of the service under test, from outside: failpoints that kill, and planted defects."""

import os
import signal
from contextlib import suppress
from functools import partial
from pathlib import Path

from django.apps import AppConfig

# Where a process of the service can be told to die, and which kind of process passes there.
WEB_FAILPOINTS = (
    "enroll.before_claim",
    "enroll.after_claim",
    "idempotency.before_commit",
    "idempotency.after_commit",
    "leave.half_done",
    "line.half_moved",
    "request.before_answer",
)
WORKER_FAILPOINTS = ("job.before", "job.after", "feed.before_reader_moves", "webhook.sent", "mail.sent")
DEFECT_FAILPOINT = "defect.between"
FOLDER, DEFECT = "CHAOS_FOLDER", "CHAOS_DEFECT"
# What a killed worker was sending is taken up again after so long, instead of minutes.
_CLAIM_SECONDS = 4


class ChaosConfig(AppConfig):
    """Installed by `benchmarks.chaos.settings` alone."""

    name = "benchmarks.chaos"
    label = "chaos"

    def ready(self) -> None:
        """Everything is in place before the process serves."""
        from benchmarks.chaos import defects  # noqa: PLC0415 -- needs the models
        from common import failpoints  # noqa: PLC0415
        from common.mail import services as mail  # noqa: PLC0415
        from common.webhooks import delivering  # noqa: PLC0415

        mail._CLAIM_SECONDS = delivering._CLAIM_SECONDS = _CLAIM_SECONDS
        folder = Path(os.environ[FOLDER])
        for name in (*WEB_FAILPOINTS, *WORKER_FAILPOINTS, DEFECT_FAILPOINT):
            failpoints.put(name, partial(_die_if_armed, folder, name))
        if defect := os.environ.get(DEFECT):
            defects.plant(defect)


def arm(folder: Path, name: str) -> None:
    """The next process that passes this failpoint dies there."""
    (folder / "armed" / name).touch()


def fired(folder: Path) -> list[str]:
    """The failpoints at which a process has died, once for each death."""
    return [path.name.rpartition("-")[0] for path in (folder / "fired").iterdir()]


def _die_if_armed(folder: Path, name: str) -> None:
    # Of those who pass at the same time, one can move the file.
    with suppress(FileNotFoundError):
        (folder / "armed" / name).rename(folder / "fired" / f"{name}-{os.getpid()}")
        os.kill(os.getpid(), signal.SIGKILL)
