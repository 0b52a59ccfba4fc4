"""Web processes are replaced under load, and stopped, without a client seeing any of it."""

import http.client
import os
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from common.models import User
from common.tests.patience import PATIENCE_SECONDS
from common.tests.serving import Gunicorn, answer_of, ask, gunicorn
from common.tests.workers import url_of_the_database, wait_until
from courses.tests.factories import an_open_course, crs

BOOTING = re.compile(r"Booting worker with pid: (\d+)")
READY = re.compile(r"Worker ready \(pid: (\d+)\)")
LISTENING = re.compile(r"Listening at: .* \((\d+)\)")
EXITING = re.compile(r"Worker exiting \(pid: (\d+)\)")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "gunicorn.log"


@pytest.fixture
def server(log: Path) -> Iterator[Gunicorn]:
    with gunicorn(log, DATABASE_URL=url_of_the_database(), WEB_CONCURRENCY="2", WEB_THREADS="4") as one:
        yield one


class Load:
    """Eight clients, each with one request at a time and no second try; every other keeps its connection.

    Like any HTTP client they make a new connection once the server has announced that it closes the old one.
    """

    def __init__(self, port: int, path: str) -> None:
        self.port, self.path = port, path
        self.answered = 0
        self.failures: list[str] = []
        self._stop = threading.Event()
        self._lock = threading.Lock()

    def client(self, *, keeps: bool) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        headers = {} if keeps else {"Connection": "close"}
        while not self._stop.is_set():
            try:
                connection.request("GET", self.path, headers=headers)
                response = connection.getresponse()
                outcome = "" if (response.read(), response.status)[1] == 200 else f"status {response.status}"
            except (OSError, http.client.HTTPException) as fault:
                outcome = f"{'kept' if keeps else 'new'} connection: {fault!r}"
                connection.close()
            with self._lock:
                self.answered += 1
                if outcome:
                    self.failures.append(outcome)
        connection.close()

    def goes_on(self) -> None:
        """Every client has been answered since, some of them many times."""
        before = self.answered
        wait_until(lambda: self.answered > before + 100)

    @contextmanager
    def running(self) -> Iterator["Load"]:
        with ThreadPoolExecutor(8) as threads:
            clients = [threads.submit(self.client, keeps=bool(number % 2)) for number in range(8)]
            try:
                self.goes_on()
                yield self
                self.goes_on()
            finally:
                self._stop.set()
        for client in clients:
            client.result()


def pids(pattern: re.Pattern[str], log: Path) -> list[int]:
    return [int(pid) for pid in pattern.findall(log.read_text())]


def replace_workers(server: Gunicorn, log: Path) -> None:
    """HUP: new workers with the code and the settings as they are now; the old ones end."""
    old = pids(BOOTING, log)
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: set(pids(EXITING, log)) >= set(old))


def replace_all(server: Gunicorn, log: Path) -> None:
    """USR2: a new master beside the old one; once its workers answer, the old one is stopped."""
    server.process.send_signal(signal.SIGUSR2)
    wait_until(lambda: len(pids(LISTENING, log)) == 2 and len(pids(READY, log)) == 4)
    server.process.terminate()
    server.process.wait(PATIENCE_SECONDS)


class TestReplacing:
    @pytest.mark.parametrize("replace", [replace_workers, replace_all])
    def test_web_processes_under_load_fails_no_request(
        self, replace: Callable[[Gunicorn, Path], None], server: Gunicorn, log: Path
    ) -> None:
        load = Load(server.port, f"/api/v1/courses/{crs(an_open_course())}")
        with load.running():
            replace(server, log)
        assert load.failures == []
        assert len(pids(BOOTING, log)) == 4
        assert b"http_request_duration_seconds_count" in ask(server.port, "GET", "/metrics").body


REGISTRATION = b'{"email": "ada@lectern.example", "password": "correct horse battery", "display_name": "Ada"}'


def begun(port: int) -> socket.socket:
    """A connection whose request has been taken up and waits for the rest of its body."""
    connection = socket.create_connection(("127.0.0.1", port), 20)
    head = f"POST /api/v1/auth/register HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(REGISTRATION)}\r\n"
    connection.sendall(head.encode() + b"Content-Type: application/json\r\n\r\n" + REGISTRATION[:9])
    return connection


def refuses(port: int) -> bool:
    try:
        ask(port, "GET", "/health/live")
    except ConnectionError as fault:
        return isinstance(fault, ConnectionRefusedError)
    return False


class TestStopping:
    def test_answers_the_requests_at_hand_and_on_kept_connections_says_that_it_closes(
        self, server: Gunicorn, log: Path
    ) -> None:
        kept = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_SECONDS)
        kept.request("GET", "/health/live")
        assert answer_of(kept.getresponse()).headers["connection"] == "keep-alive"
        with begun(server.port) as connection:
            server.process.terminate()
            wait_until(lambda: "Handling signal: term" in log.read_text())
            kept.request("GET", "/health/live")
            assert answer_of(kept.getresponse()).headers["connection"] == "close"
            wait_until(lambda: refuses(server.port))
            connection.sendall(REGISTRATION[9:])
            response = http.client.HTTPResponse(connection)
            response.begin()
            answer = answer_of(response)
        assert answer.status == 201
        assert server.process.wait(PATIENCE_SECONDS) == 0
        assert User.objects.count() == 1

    def test_answers_those_who_have_connected_but_were_not_accepted_yet(self, server: Gunicorn, log: Path) -> None:
        for worker in pids(BOOTING, log):
            os.kill(worker, signal.SIGSTOP)
        waiting = [http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_SECONDS) for _ in range(20)]
        for connection in waiting:
            connection.request("GET", "/health/live")
        server.process.terminate()
        wait_until(lambda: "Handling signal: term" in log.read_text())
        for worker in pids(BOOTING, log):
            os.kill(worker, signal.SIGCONT)
        assert [answer_of(connection.getresponse()).status for connection in waiting] == [200] * 20
