"""How gunicorn serves the API: `gunicorn --config config/gunicorn.py config.wsgi`."""

import gc
import os
import shutil
import socket
import struct
import tempfile
from pathlib import Path
from typing import Any

from common import logs

bind = f"127.0.0.1:{os.environ.get('PORT', '8000')}"

# Each thread keeps one database connection: workers times threads stay below what the database allows.
worker_class = "config.worker.Worker"
logger_class = "config.worker.Logger"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "4"))

# A worker is replaced now and then, not all at the same time, so that a slow leak never grows large.
max_requests = 20_000
max_requests_jitter = 2_000

# How many connections a worker holds, and how many more may wait to be accepted. WEB_QUEUE: see config.worker.
worker_connections = 1000
backlog = 1024

timeout = 30
graceful_timeout = 25
# A client that neither sends nor reads gives its thread back after so long.
_stall_seconds = int(os.environ.get("WEB_STALL_SECONDS", "20"))
# Longer than a proxy in front keeps idle connections, so that it never sends into a closed one.
keepalive = 75

# Heartbeats of workers are file writes: a slow disk must not look like a dead worker.
_memory = Path("/dev/shm")  # noqa: S108 -- gunicorn makes its files there unguessable and private
worker_tmp_dir = str(_memory) if _memory.is_dir() else None

# Room for a search and a cursor, each of which may hold two hundred letters of any script.
limit_request_line = 8190

# What gunicorn says comes out in the form of all other lines.
logconfig_dict = logs.configure()
control_socket_disable = True


def when_ready(server: Any) -> None:
    """A connection that is accepted inherits these limits from the socket that listens."""
    limit = struct.pack("ll", _stall_seconds, 0)
    for listener in server.LISTENERS:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)


def post_worker_init(worker: Any) -> None:
    """Whoever replaces a service waits for this line before the one that it replaces is stopped.

    What has been loaded by now stays for good. To look through all of it for garbage took 0.1 s every few seconds, in
    which nobody was answered; frozen, it is left out.
    """
    gc.collect()
    gc.freeze()
    worker.log.info("Worker ready (pid: %s)", worker.pid)


# Each worker counts requests in a file of its own, and /metrics adds them up. Set before any worker loads the counters.
_METRICS_FOLDER = "lectern-metrics-"
if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix=_METRICS_FOLDER)


def child_exit(server: Any, worker: Any) -> None:
    """What a gone worker counted stays counted; gauges of what it was at do not, and nothing is dealt to it."""
    from prometheus_client import multiprocess  # noqa: PLC0415 -- must be loaded after the folder is named

    multiprocess.mark_process_dead(worker.pid)
    worker.leave()


def on_exit(server: Any) -> None:
    """No folder made here is left. (Not by atexit: workers are forks, and would do it as well.)"""
    folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    if folder.name.startswith(_METRICS_FOLDER):
        shutil.rmtree(folder, ignore_errors=True)
