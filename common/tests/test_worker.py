import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from signal import SIGKILL

import pytest
from django.conf import settings
from django.db import Error, connection, transaction
from procrastinate.contrib.django import app
from procrastinate.worker import Worker

from common import jobs
from common.management.commands.worker import _WakeUp
from common.models import User
from common.tests import sample_jobs
from common.tests.patience import PATIENCE_SECONDS
from common.tests.workers import (
    OTHERS_CONNECTED,
    Process,
    alive,
    chores_of,
    defer,
    lines,
    outcomes,
    query,
    wait_until,
    workers,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Where the sample jobs leave a line each time they run."""
    return str(tmp_path / "lines")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """What all workers of a test say."""
    return tmp_path / "log"


@pytest.fixture
def start_worker(log: Path, transactional_db: None) -> Iterator[Callable[[], Process]]:
    """Starts a worker on the database of the tests, in a process of its own."""
    with workers(log) as start:
        yield start


def is_served() -> bool:
    """Whether a statement of this test is answered at this moment."""
    try:
        query("SELECT 1")
    except Error:
        connection.close()
        return False
    return True


class TestWorker:
    def test_runs_a_job_after_the_commit_and_ends_when_asked_to(
        self, start_worker: Callable[[], Process], path: str
    ) -> None:
        worker = start_worker()
        defer(sample_jobs.note, path=path, request_id="req_1")
        wait_until(lambda: outcomes() == [("succeeded", 1)])
        worker.terminate()

        assert worker.wait(PATIENCE_SECONDS) == 0
        assert lines(path) == ["req_1"]

    def test_finishes_the_job_at_hand_when_asked_to_end(self, start_worker: Callable[[], Process], path: str) -> None:
        defer(sample_jobs.dawdle, path=path, seconds=1)
        worker = start_worker()
        wait_until(lambda: len(lines(path)) == 1)
        worker.terminate()

        assert worker.wait(PATIENCE_SECONDS) == 0
        assert lines(path)[1:] == ["done"]
        assert outcomes() == [("succeeded", 1)]

    @pytest.mark.parametrize("seconds", [0, 0.02])
    def test_takes_up_jobs_of_one_key_in_order_and_without_a_pause(
        self, start_worker: Callable[[], Process], seconds: float
    ) -> None:
        """At one for each poll these would take a minute."""
        with transaction.atomic():
            for place in range(60):
                jobs.defer(sample_jobs.count, place=place, seconds=seconds)
        start_worker()
        wait_until(lambda: outcomes() == [("succeeded", 1)] * 60)

        ended = query("SELECT job_id FROM procrastinate_events WHERE type = 'succeeded' ORDER BY id")
        counted = query("SELECT id FROM procrastinate_jobs WHERE task_name = 'samples.count' ORDER BY id")
        assert [job for job in ended if job in counted] == counted

    def test_reports_a_job_that_has_failed_for_good(self, start_worker: Callable[[], Process], log: Path) -> None:
        defer(sample_jobs.fail_at_once)
        start_worker()
        wait_until(lambda: outcomes() == [("failed", 1)])

        (report,) = [line for line in log.read_text().splitlines() if '"level":"error"' in line]
        assert "samples.fail_at_once" in report
        assert "RuntimeError: a sample of bad luck" in log.read_text()

    def test_outlives_the_loss_of_its_connections(self, start_worker: Callable[[], Process], path: str) -> None:
        worker = start_worker()
        wait_until(lambda: alive() == 1)
        query(f"SELECT pg_terminate_backend(pid) FROM ({OTHERS_CONNECTED}) others")
        # PgBouncer has lost its connections too, and may not have heard of it yet.
        wait_until(is_served)
        defer(sample_jobs.note, path=path)
        wait_until(lambda: outcomes() == [("succeeded", 1)])

        assert worker.poll() is None

    def test_takes_up_the_job_of_one_that_was_killed(self, start_worker: Callable[[], Process], path: str) -> None:
        defer(sample_jobs.dawdle, path=path, seconds=60)
        worker = start_worker()
        wait_until(lambda: len(lines(path)) == 1)
        start_worker()
        wait_until(lambda: alive() == 2)
        worker.kill()
        wait_until(lambda: outcomes() == [("succeeded", 2)])

        assert lines(path)[2:] == ["done"]

    def test_repeats_a_job_whose_end_nobody_noted_to_no_further_effect(
        self, start_worker: Callable[[], Process], path: str
    ) -> None:
        defer(sample_jobs.add_person, path=path, email="ada@example.org")
        assert start_worker().wait(PATIENCE_SECONDS) == -SIGKILL
        start_worker()
        wait_until(lambda: outcomes() == [("succeeded", 2)])

        assert len(lines(path)) == 2
        assert User.objects.count() == 1

    def test_stops_a_job_that_kills_one_worker_after_the_other(
        self, start_worker: Callable[[], Process], path: str, log: Path
    ) -> None:
        defer(sample_jobs.kill_worker, path=path)
        for _ in range(2):
            assert start_worker().wait(PATIENCE_SECONDS) == -SIGKILL
        start_worker()
        wait_until(lambda: outcomes() == [("failed", 2)])

        assert len(lines(path)) == 2
        errors = [line for line in map(json.loads, log.read_text().splitlines()) if line["level"] == "error"]
        assert [line["logger"] for line in errors if "Job samples.kill_worker" in line["event"]] == ["common.jobs"]

    def test_does_jobs_although_all_that_wait_for_other_servers_hang(
        self, start_worker: Callable[[], Process], path: str
    ) -> None:
        for _ in range(8):
            defer(sample_jobs.wait_for_somebody, seconds=60)
        start_worker()
        wait_until(lambda: [status for status, _ in outcomes()] == ["doing"] * 4 + ["todo"] * 4)
        defer(sample_jobs.note, path=path)
        wait_until(lambda: outcomes()[8:] == [("succeeded", 1)])

    def test_does_chores_although_all_places_are_taken(self, start_worker: Callable[[], Process], log: Path) -> None:
        for _ in range(5):
            defer(sample_jobs.sleep, seconds=60)
        start_worker()
        wait_until(lambda: [status for status, _ in outcomes()] == ["doing"] * 4 + ["todo"])
        done_before = len(lines(chores_of(log)))
        wait_until(lambda: len(lines(chores_of(log))) > done_before + 2)

    def test_defers_a_periodic_job_at_each_tick_once_among_all(self, start_worker: Callable[[], Process]) -> None:
        def ticks() -> list[int]:
            rows = query("SELECT args->>'timestamp' FROM procrastinate_jobs WHERE task_name = 'samples.tick'")
            return sorted(int(timestamp) for (timestamp,) in rows)

        start_worker()
        start_worker()
        wait_until(lambda: alive() == 2)
        before = len(ticks())
        wait_until(lambda: len(ticks()) >= before + 3)

        seen = ticks()
        assert seen == list(range(seen[0], seen[-1] + 1))


class TestWakeUp:
    def test_keeps_what_came_while_the_worker_looked_for_work(self) -> None:
        async def come_and_look() -> bool:
            event = _WakeUp()
            event.set()
            event.clear()
            await asyncio.wait_for(event.wait(), timeout=1)
            return event.is_set()

        assert asyncio.run(come_and_look()) is False

    def test_stands_in_for_an_event_that_procrastinate_still_has(self) -> None:
        assert type(Worker(app)._new_job_event) is asyncio.Event


def test_a_killed_worker_is_noticed_in_time_with_the_settings_of_production() -> None:
    """A heartbeat may be missed, and the next look for dead workers, and the poll for work, all before 30 seconds."""
    defaults = settings.PROCRASTINATE_WORKER_DEFAULTS
    noticed_after = settings.STALLED_WORKER_SECONDS * 4 / 3 + defaults["fetch_job_polling_interval"]

    assert timedelta(seconds=noticed_after) < timedelta(seconds=30)
    assert defaults["update_heartbeat_interval"] * 2 < settings.STALLED_WORKER_SECONDS
