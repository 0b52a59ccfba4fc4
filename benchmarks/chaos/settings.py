"""The service under test: production's settings, with what breaks it on purpose, and pauses short enough to watch."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS, PROCRASTINATE_WORKER_DEFAULTS

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.chaos.plugin.ChaosConfig"]
STALLED_WORKER_SECONDS = 3
PROCRASTINATE_WORKER_DEFAULTS = {
    **PROCRASTINATE_WORKER_DEFAULTS,
    "update_heartbeat_interval": 1,
    "stalled_worker_timeout": STALLED_WORKER_SECONDS,
}
