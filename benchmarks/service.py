"""The service under load: gunicorn with the production configuration."""

import http.client
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.database import service_environment

_ROOT = Path(__file__).parent.parent
_START_SECONDS = 30
_STOP_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class Service:
    """A running service."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def running(database_url: str, *options: str) -> Iterator[Service]:
    """The service on this database, with config/gunicorn.py; `options` of gunicorn's go before what that says."""
    port = _free_port()
    command = [sys.executable, "-m", "gunicorn", "--config", "config/gunicorn.py", *options]
    with tempfile.TemporaryFile() as log:
        gunicorn = subprocess.Popen(
            [*command, "--bind", f"127.0.0.1:{port}", "config.wsgi"],
            cwd=_ROOT,
            env=service_environment(database_url),
            stdout=log,
            stderr=log,
        )
        try:
            _wait_until_ready(port, gunicorn)
            yield Service(port=port, pid=gunicorn.pid)
        except BaseException:
            log.seek(0)
            sys.stderr.write(log.read().decode(errors="replace")[-4000:])
            raise
        finally:
            gunicorn.terminate()
            try:
                gunicorn.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                gunicorn.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(port: int, gunicorn: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while gunicorn.poll() is None and time.monotonic() < deadline:
        try:
            if ask(port, "GET", "/health/live") == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError("The service did not start.")


def ask(port: int, method: str, path: str, **more: str) -> int:
    """The status of one request, as a proxy in front would send it; `more` are headers."""
    headers = {"X-Forwarded-Proto": "https", **more}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()
