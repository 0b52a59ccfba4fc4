"""The settings of the workers that tests start and kill: these are soon given up for dead."""

from config.settings_test import *  # noqa: F403
from config.settings_test import PROCRASTINATE_WORKER_DEFAULTS

STALLED_WORKER_SECONDS = 2
PROCRASTINATE_WORKER_DEFAULTS = {
    **PROCRASTINATE_WORKER_DEFAULTS,
    "update_heartbeat_interval": 0.5,
    "stalled_worker_timeout": STALLED_WORKER_SECONDS,
}
PROCRASTINATE_IMPORT_PATHS = ["common.tests.sample_jobs"]
