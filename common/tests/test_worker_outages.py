"""A database that is away: for longer than the worker's patience, and while the worker is asked to stop."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import transaction

from common.db import execute
from common.tests import sample_jobs
from common.tests.line import Line
from common.tests.patience import PATIENCE_SECONDS
from common.tests.workers import Process, alive, defer, lines, outcomes, query, wait_until, workers

pytestmark = pytest.mark.django_db(transaction=True)

# The worker waits 5 seconds for a connection before it gives up and begins anew.
LONGER_THAN_ITS_PATIENCE = 8


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
