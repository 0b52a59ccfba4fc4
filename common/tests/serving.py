"""gunicorn in processes of its own, with the configuration of production, and what clients get from it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from common.tests.patience import PATIENCE_SECONDS, eventually


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def problem(self) -> dict[str, Any]:
        assert self.headers["content-type"] == "application/problem+json", self
        problem: dict[str, Any] = json.loads(self.body)
        assert problem["request_id"] == self.headers["x-request-id"]
        return problem


@dataclass(frozen=True)
class Gunicorn:
    """The one that was started; others may have taken its place at this port since."""

    port: int
    process: "subprocess.Popen[bytes]"


@contextmanager
def gunicorn(log: Path, **environment: str) -> Iterator[Gunicorn]:
    """gunicorn answers inside the block, and after it nothing that it started is left; it writes to `log`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    chosen = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings_test",
        "ALLOWED_HOSTS": "127.0.0.1",
        "PORT": str(port),
        **environment,
    }
    # As in the Procfile. Started by `python -m gunicorn`, it could not start its own successor.
    command = [sys.executable, str(Path(sys.executable).with_name("gunicorn")), "--config", "config/gunicorn.py"]
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [*command, "config.wsgi"], cwd=settings.BASE_DIR, env=chosen, stderr=output, start_new_session=True
        ) as process,
    ):
        try:
            wait_until_it_answers(port)
            yield Gunicorn(port, process)
        finally:
            _end_all(process)


def _end_all(process: "subprocess.Popen[bytes]") -> None:
    """The process is gone, and so are those that took its place: all are of its session."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        while time.monotonic() < deadline:
            process.poll()
            os.killpg(process.pid, 0)
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)


def wait_until_it_answers(port: int) -> None:
    assert eventually(lambda: _answers(port)), "The server does not come up."


def _answers(port: int) -> bool:
    try:
        return ask(port, "GET", "/health/live").status == 200
    except OSError:
        return False


def ask(port: int, method: str, path: str, body: Any = None, **headers: str) -> Answer:
    """What a client gets that sends all it has before it listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    chunked = body is not None and not isinstance(body, bytes)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json", **named}, encode_chunked=chunked)
        return answer_of(connection.getresponse())
    finally:
        connection.close()


def answer_of(response: http.client.HTTPResponse) -> Answer:
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
