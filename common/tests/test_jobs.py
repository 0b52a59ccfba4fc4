import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from common import db, jobs
from common.db import NotInTransaction
from common.errors import JobNotFailed
from common.tests import sample_jobs

pytestmark = pytest.mark.django_db


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Where the sample jobs leave a line each time they run."""
    return str(tmp_path / "lines")


def lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def defer(job: Callable[..., None] | str, **arguments: Any) -> None:
    with transaction.atomic():
        jobs.defer(job, **arguments)


def execute(sql: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def rows(column: str) -> list[Any]:
    """The values of one column of the jobs' rows, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM procrastinate_jobs ORDER BY id")
        return [value for (value,) in cursor.fetchall()]


def outcomes() -> list[tuple[str, int]]:
    """How each job stands and how often it was tried, oldest first."""
    return list(zip(rows("status::text"), rows("attempts"), strict=True))


def faults() -> list[tuple[int, str]]:
    """What the attempts of all jobs raised, oldest first."""
    return db.fetch_all("SELECT attempt, report FROM common_jobfault ORDER BY id")


class TestDefer:
    def test_lets_the_job_wait_with_its_arguments_and_the_id_of_the_request(self, path: str) -> None:
        defer(sample_jobs.note, path=path, request_id="req_1")

        assert jobs.waiting() == [("samples.note", {"path": path, "request_id": "req_1"})]

    def test_takes_the_job_by_name_too(self, path: str) -> None:
        defer("samples.note", path=path)

        assert jobs.waiting() == [("samples.note", {"path": path, "request_id": ""})]

    def test_leaves_nothing_after_a_rollback(self, path: str) -> None:
        with transaction.atomic():
            jobs.defer(sample_jobs.note, path=path)
            transaction.set_rollback(True)

        assert jobs.waiting() == []

    def test_refuses_outside_of_a_transaction(self, path: str) -> None:
        with pytest.raises(NotInTransaction):
            jobs.defer(sample_jobs.note, path=path)

        assert jobs.waiting() == []

    def test_refuses_a_job_that_nobody_registered(self) -> None:
        with pytest.raises(LookupError):
            defer("samples.unheard_of")

    def test_refuses_arguments_that_the_job_does_not_take(self, path: str) -> None:
        with pytest.raises(TypeError, match="file"):
            defer(sample_jobs.note, path=path, file=path)

        assert jobs.waiting() == []

    def test_refuses_arguments_that_are_not_json(self, tmp_path: Path) -> None:
        with pytest.raises(TypeError, match="JSON"):
            defer(sample_jobs.note, path=tmp_path)

    def test_costs_one_statement(self, path: str, django_assert_num_queries: Any) -> None:
        with transaction.atomic(), django_assert_num_queries(1):
            jobs.defer(sample_jobs.note_by_key, path=path, number=1)

    def test_adds_a_row_even_if_one_like_it_waits(self, path: str) -> None:
        """The one that waits may be taken up before this commit, and would miss what it brings."""
        defer(sample_jobs.note_by_key, path=path, number=1)
        defer(sample_jobs.note_by_key, path=path, number=1)

        assert len(jobs.waiting()) == 2


class TestDeferUnlessLive:
    @pytest.mark.parametrize("status", ["todo", "doing"])
    def test_adds_nothing_while_one_with_the_key_waits_or_runs(self, path: str, status: str) -> None:
        defer(sample_jobs.note_by_key, path=path, number=1)
        execute("UPDATE procrastinate_jobs SET status = %s::procrastinate_job_status", status)

        with transaction.atomic():
            jobs.defer_unless_live(sample_jobs.note_by_key, path=path, number=1)

        assert rows("status::text") == [status]

    @pytest.mark.parametrize("status", ["succeeded", "failed"])
    def test_adds_one_when_the_last_one_has_ended(self, path: str, status: str) -> None:
        defer(sample_jobs.note_by_key, path=path, number=1)
        execute("UPDATE procrastinate_jobs SET status = %s::procrastinate_job_status", status)

        with transaction.atomic():
            jobs.defer_unless_live(sample_jobs.note_by_key, path=path, number=1)

        assert rows("status::text") == [status, "todo"]

    def test_does_not_mind_jobs_with_another_key(self, path: str) -> None:
        defer(sample_jobs.note_by_key, path=path, number=1)
        with transaction.atomic():
            jobs.defer_unless_live(sample_jobs.note_by_key, path=path, number=2)

        assert rows("lock") == ["sample:1", "sample:2"]


class TestJob:
    def test_refuses_a_function_that_does_not_take_the_id_of_the_request(self) -> None:
        with pytest.raises(TypeError, match="request_id"):
            jobs.job(name="samples.forgetful")(lambda: None)

    def test_with_a_key_waits_while_another_with_the_key_runs(self, path: str) -> None:
        for number, request_id in ((1, "runs"), (1, "waits"), (2, "free")):
            defer(sample_jobs.note_by_key, path=path, number=number, request_id=request_id)
        execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE args->>'request_id' = 'runs'")

        assert jobs.run_pending() == 1
        assert lines(path) == ["free"]

    def test_that_raises_is_tried_again_after_growing_pauses_and_then_given_up(self, path: str) -> None:
        defer(sample_jobs.fail, path=path)

        for shortest, longest in ((0.5, 1.5), (1.5, 4.5)):
            started_at = datetime.now(UTC)
            with pytest.raises(RuntimeError, match="bad luck"):
                jobs.run_pending()
            (retry_at,) = rows("scheduled_at")
            assert shortest <= (retry_at - started_at).total_seconds() <= longest + 1
            assert jobs.run_pending() == 0
            execute("UPDATE procrastinate_jobs SET scheduled_at = now()")
        with pytest.raises(RuntimeError):
            jobs.run_pending()

        assert outcomes() == [("failed", 3)]
        assert len(lines(path)) == 3

    @pytest.mark.parametrize(
        ("name", "arguments"), [("mail.take_turn", {}), ("webhooks.take_turn", {"webhook": "whk_none"})]
    )
    def test_that_many_wait_for_is_tried_again_within_half_a_minute_whatever_it_has_been_through(
        self, monkeypatch: pytest.MonkeyPatch, name: str, arguments: dict[str, str]
    ) -> None:
        def lose_the_database(**_: object) -> None:
            raise OperationalError("the connection is lost")

        monkeypatch.setitem(jobs._jobs, name, replace(jobs._jobs[name], run=lose_the_database))
        defer(name, **arguments)
        execute("UPDATE procrastinate_jobs SET attempts = 6")

        with pytest.raises(OperationalError):
            jobs.run_pending()

        (retry_at,) = rows("scheduled_at")
        assert (retry_at - datetime.now(UTC)).total_seconds() <= 30

    def test_waits_in_its_lane(self, path: str) -> None:
        defer(sample_jobs.note, path=path)
        defer(sample_jobs.wait_for_somebody, seconds=0)

        assert rows("queue_name") == ["default", "outbound"]

    def test_that_raises_leaves_what_it_raised_for_each_attempt(self, path: str) -> None:
        defer(sample_jobs.fail, path=path)
        for _ in range(2):
            with pytest.raises(RuntimeError):
                jobs.run_pending()
            execute("UPDATE procrastinate_jobs SET scheduled_at = now()")

        assert [attempt for attempt, _ in faults()] == [1, 2]
        assert all(report.endswith("RuntimeError: a sample of bad luck\n") for _, report in faults())


class TestRetry:
    def test_lets_a_failed_job_wait_again_with_all_its_attempts(self, path: str) -> None:
        defer(sample_jobs.fail, path=path)
        execute(
            "UPDATE procrastinate_jobs SET status = 'failed', attempts = 3, scheduled_at = now() + interval '1 day'"
        )
        (job_id,) = rows("id")

        jobs.retry(job_id=job_id)

        assert outcomes() == [("todo", 0)]
        with pytest.raises(RuntimeError):
            jobs.run_pending()
        assert outcomes() == [("todo", 1)]

    @pytest.mark.parametrize("status", ["todo", "doing", "succeeded"])
    def test_refuses_a_job_that_has_not_failed(self, path: str, status: str) -> None:
        defer(sample_jobs.note, path=path)
        execute("UPDATE procrastinate_jobs SET status = %s::procrastinate_job_status", status)
        (job_id,) = rows("id")

        with pytest.raises(JobNotFailed):
            jobs.retry(job_id=job_id)

        assert rows("status::text") == [status]

    def test_refuses_a_job_that_nobody_knows(self) -> None:
        with pytest.raises(JobNotFailed):
            jobs.retry(job_id=2**60)


class TestRunPending:
    def test_runs_what_waits_in_order_and_counts_it(self, path: str) -> None:
        for request_id in ("first", "second"):
            defer(sample_jobs.note, path=path, request_id=request_id)

        assert jobs.run_pending() == 2
        assert lines(path) == ["first", "second"]
        assert rows("status::text") == ["succeeded", "succeeded"]
        assert jobs.run_pending() == 0

    def test_leaves_what_is_not_due_yet(self, path: str) -> None:
        defer(sample_jobs.note, path=path)
        execute("UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 hour'")

        assert jobs.run_pending() == 0
        assert lines(path) == []


class TestRescue:
    @pytest.fixture
    def worker_id(self, path: str) -> int:
        """A worker that died in the middle of a job."""
        defer(sample_jobs.fail, path=path)
        with connection.cursor() as cursor:
            cursor.execute("SELECT worker_id FROM procrastinate_register_worker_v1()")
            (worker_id,) = cursor.fetchone()
            cursor.execute("SELECT procrastinate_fetch_job_v2(NULL, %s)", [worker_id])
        execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '16 seconds'")
        return int(worker_id)

    def test_lets_the_job_of_a_dead_worker_wait_again(self, worker_id: int) -> None:
        jobs.rescue()

        assert outcomes() == [("todo", 1)]

    def test_lets_a_job_wait_again_whose_worker_is_no_longer_known(self, worker_id: int) -> None:
        execute("SELECT procrastinate_unregister_worker_v1(%s)", worker_id)

        jobs.rescue()

        assert rows("status::text") == ["todo"]

    def test_leaves_the_job_of_a_living_worker_alone(self, worker_id: int) -> None:
        execute("SELECT procrastinate_update_heartbeat_v1(%s)", worker_id)

        jobs.rescue()

        assert outcomes() == [("doing", 0)]

    def test_takes_a_job_beyond_its_time_even_from_a_living_worker(self, worker_id: int) -> None:
        execute("SELECT procrastinate_update_heartbeat_v1(%s)", worker_id)
        execute("UPDATE procrastinate_events SET at = at - interval '301 seconds'")

        jobs.rescue()

        assert rows("status::text") == ["todo"]

    def test_gives_a_job_up_and_reports_it_after_its_last_attempt(
        self, worker_id: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        execute("UPDATE procrastinate_jobs SET attempts = 2")

        jobs.rescue()

        assert outcomes() == [("failed", 3)]
        (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
        assert "samples.fail" in record.message
        assert "given up" in record.message
        assert faults() == [(3, "It never came to an end: its worker died, or it took longer than a job may.")]


class TestClean:
    def test_removes_what_ended_long_ago_and_nothing_else(self, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(jobs, "_CLEANED_AT_ONCE", 1)
        for request_id in ("old", "old too", "recent", "waits"):
            defer(sample_jobs.note, path=path, request_id=request_id)
        execute("UPDATE procrastinate_jobs SET status = 'succeeded' WHERE args->>'request_id' <> 'waits'")
        execute(
            "UPDATE procrastinate_events SET at = at - interval '8 days' FROM procrastinate_jobs job"
            " WHERE job_id = job.id AND job.args->>'request_id' <> 'recent'"
        )

        for (job_id,) in zip(rows("id"), strict=True):
            execute("INSERT INTO common_jobfault (job_id, attempt, report) VALUES (%s, 1, 'bad luck')", job_id)

        jobs.clean()

        assert rows("args->>'request_id'") == ["recent", "waits"]
        assert len(faults()) == 2
