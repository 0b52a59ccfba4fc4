"""A database that is away: for longer than the worker's patience, and while the worker is asked to stop."""

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from django.db import connection, transaction

from common.db import execute
from common.tests import sample_jobs
from common.tests.patience import PATIENCE_SECONDS
from common.tests.workers import Process, alive, defer, lines, outcomes, query, wait_until, workers

pytestmark = pytest.mark.django_db(transaction=True)

# The worker waits 5 seconds for a connection before it gives up and begins anew.
LONGER_THAN_ITS_PATIENCE = 8


class Line:
    """The only way from the workers to the database.

    Cut, it refuses whoever comes and loses whoever is there. Silent, it takes what is said and hands on nothing.
    """

    def __init__(self) -> None:
        connection.ensure_connection()
        there = connection.connection.info
        self._database = f"{there.host}/.s.PGSQL.{there.port}"
        self._ends: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self._is_silent = False
        self.port = 0
        self.mend()

    def mend(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def fall_silent(self) -> None:
        self._is_silent = True

    def cut(self) -> None:
        for end in [self._listener, *self._ends]:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._ends = []

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._database)
                self._ends += [client, server]
                for source, target in ((client, server), (server, client)):
                    threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if not self._is_silent:
                    target.sendall(data)
        # Also after a client that was killed amid an answer, which ends with an error: the server must learn of it.
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def line(transactional_db: None) -> Iterator[Line]:
    one = Line()
    yield one
    one.cut()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def start_worker(log: Path, line: Line) -> Iterator[Callable[[], Process]]:
    with workers(log, host="127.0.0.1", port=str(line.port)) as start:
        yield start


def test_a_worker_goes_on_after_an_outage_and_so_does_the_job_that_it_was_at(
    start_worker: Callable[[], Process], line: Line, tmp_path: Path
) -> None:
    path = str(tmp_path / "lines")
    defer(sample_jobs.dawdle, path=path, seconds=2)
    worker = start_worker()
    wait_until(lambda: len(lines(path)) == 1)
    line.cut()
    defer(sample_jobs.note, path=path, request_id="meanwhile")
    time.sleep(LONGER_THAN_ITS_PATIENCE)
    assert "meanwhile" not in lines(path)
    line.mend()
    wait_until(lambda: [status for status, _ in outcomes()] == ["succeeded", "succeeded"])

    assert worker.poll() is None
    assert "The worker stopped by itself and starts again" in (tmp_path / "log").read_text()


@pytest.mark.parametrize("away_for", [0, 1, LONGER_THAN_ITS_PATIENCE])
def test_a_worker_stops_when_asked_to_although_the_database_is_away(
    start_worker: Callable[[], Process], line: Line, away_for: float
) -> None:
    worker = start_worker()
    wait_until(lambda: alive() == 1)
    line.cut()
    time.sleep(away_for)
    worker.send_signal(signal.SIGTERM)

    assert worker.wait(PATIENCE_SECONDS) == 0


def test_a_worker_stops_when_asked_to_although_the_database_says_nothing(
    start_worker: Callable[[], Process], line: Line
) -> None:
    """Unless it is at a job, which may come to its end."""

    def fall_silent_between_jobs() -> bool:
        with transaction.atomic():
            execute("LOCK procrastinate_jobs")
            if query("SELECT id FROM procrastinate_jobs WHERE status = 'doing'"):
                return False
            line.fall_silent()
        return True

    worker = start_worker()
    wait_until(lambda: alive() == 1)
    wait_until(fall_silent_between_jobs)
    worker.send_signal(signal.SIGTERM)

    assert worker.wait(PATIENCE_SECONDS) == 0
