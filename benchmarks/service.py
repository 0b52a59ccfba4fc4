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
_START_SECONDS = 60
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
    environment = service_environment(database_url)
    # Pages name their styles by what is in them, which is looked up in a list that this makes.
    collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
    subprocess.run(collect, cwd=_ROOT, env=environment, check=True)
    with under_gunicorn("config.wsgi", environment, *options) as service:
        yield service


@contextmanager
def under_gunicorn(application: str, environment: dict[str, str], *options: str) -> Iterator[Service]:
    """This WSGI application with config/gunicorn.py."""
    port = _free_port()
    command = ["gunicorn", "--config", "config/gunicorn.py", *options, "--bind", f"127.0.0.1:{port}", application]
    with _serving(command, environment, port) as service:
        yield service


@contextmanager
def under_uvicorn(application: str, environment: dict[str, str]) -> Iterator[Service]:
    """This ASGI application with as many processes."""
    port = _free_port()
    command = ["uvicorn", application, "--port", str(port), "--workers", "2", "--no-access-log"]
    with _serving(command, environment, port) as service:
        yield service


@contextmanager
def _serving(command: list[str], environment: dict[str, str], port: int) -> Iterator[Service]:
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen([sys.executable, "-m", *command], cwd=_ROOT, env=environment, stdout=log, stderr=log)
        try:
            _wait_until_ready(port, server)
            yield Service(port=port, pid=server.pid)
        except BaseException:
            log.seek(0)
            sys.stderr.write(log.read().decode(errors="replace")[-4000:])
            raise
        finally:
            server.terminate()
            try:
                server.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            if ask(port, "GET", "/api/v1/courses?limit=1") == 200:
                return
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.1)
    raise RuntimeError("The service did not start.")


def ask(port: int, method: str, path: str, *, body: str | None = None, **more: str) -> int:
    """The status of one request, as a proxy in front would send it; `more` are headers."""
    headers = {"X-Forwarded-Proto": "https", "Content-Type": "application/json", **more}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body=body, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()
