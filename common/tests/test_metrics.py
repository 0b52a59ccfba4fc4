"""What Prometheus reads: counts of all processes together, and figures of the service as a whole."""

import json
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import OperationalError, transaction

from common import db, jobs, metrics
from common.models import WebhookDelivery
from common.tests import sample_jobs
from common.tests.factories import ApiClient, a_person, client_of
from common.tests.serving import ask, gunicorn
from common.tests.webhooks import a_webhook, hand_on, happen
from common.tests.workers import (
    defer,
    url_of_the_database,
    wait_until,
    wait_until_others_are_gone,
    workers,
)
from courses.tests.factories import a_draft, an_open_course, crs
from enrollments.tests.factories import a_full_course, enroll
from reviews.tests.factories import a_held_review, a_review, retract


def value(text: str, metric: str, **labels: str) -> float:
    """What `text` says of the metric with these labels, 0 if it says nothing."""
    wanted = set(labels.items())
    for line in text.splitlines():
        name, _, rest = line.partition("{") if "{" in line else line.partition(" ")
        if name == metric and wanted <= set(re.findall(r'(\w+)="([^"]*)"', rest)):
            return float(line.rpartition(" ")[2])
    return 0.0


def scraped() -> str:
    """What Prometheus gets, as it is now."""
    metrics.GAUGES.forget()
    return ApiClient().get("/metrics").content.decode()


@pytest.mark.django_db(transaction=True)
class TestCounts:
    def test_of_requests_have_their_time_in_the_database_and_their_queries(self) -> None:
        labels = {"method": "GET", "route": "api/v1/courses"}
        before = scraped()
        client_of().get("courses")
        after = scraped()
        assert value(after, "http_request_queries_total", **labels) == 1 + value(
            before, "http_request_queries_total", **labels
        )
        assert value(after, "http_request_database_seconds_total", **labels) > value(
            before, "http_request_database_seconds_total", **labels
        )

    def test_of_use_cases_are_by_what_became_of_them(self) -> None:
        client, path = client_of(a_person()), f"courses/{crs(an_open_course(capacity=3))}/enrollments"
        codes = ("done", "already_enrolled")
        before = scraped()
        client.post(path)
        client.post(path)
        after = scraped()
        counted = [
            value(text, "use_case_outcomes_total", use_case="enrollments.enroll", code=code)
            for text in (before, after)
            for code in codes
        ]
        assert counted[2:] == [counted[0] + 1, counted[1] + 1]

    def test_of_jobs_are_by_what_became_of_them(self) -> None:
        labels = {"job": "samples.fail_at_once", "code": "internal_error"}
        before = value(scraped(), "job_duration_seconds_count", **labels)
        defer(sample_jobs.fail_at_once)
        with pytest.raises(RuntimeError):
            jobs.run_pending()
        assert value(scraped(), "job_duration_seconds_count", **labels) == before + 1


@pytest.mark.django_db(transaction=True)
class TestGauges:
    def test_say_how_full_the_open_courses_are(self) -> None:
        a_full_course(capacity=2, waiting=3)
        enroll(an_open_course(capacity=5))
        enroll(an_open_course(capacity=None))
        a_draft(capacity=100)
        text = scraped()
        assert value(text, "lectern_seats", what="capacity") == 7
        assert value(text, "lectern_seats", what="taken") == 3
        assert value(text, "lectern_waiting") == 3

    def test_say_what_waits_in_each_lane_and_for_how_long(self) -> None:
        defer(sample_jobs.note, path="x")
        defer(sample_jobs.note, path="x")
        age("procrastinate_events", "at", "90 seconds")
        text = scraped()
        assert value(text, "lectern_due_jobs", lane="default") == 2
        assert value(text, "lectern_due_jobs", lane="outbound") == 0
        assert 90 <= value(text, "lectern_oldest_due_job_seconds", lane="default") < 120
        assert value(text, "lectern_oldest_due_job_seconds", lane="outbound") == 0

    def test_count_a_job_that_is_to_be_tried_again_once_it_is_due(self) -> None:
        defer(sample_jobs.fail, path=os.devnull)
        with pytest.raises(RuntimeError):
            jobs.run_pending()
        assert value(scraped(), "lectern_due_jobs", lane="default") == 0
        age("procrastinate_jobs", "scheduled_at", "90 seconds")
        text = scraped()
        assert value(text, "lectern_due_jobs", lane="default") == 1
        assert 80 < value(text, "lectern_oldest_due_job_seconds", lane="default") < 120

    def test_say_what_has_failed(self) -> None:
        defer(sample_jobs.fail_at_once)
        with pytest.raises(RuntimeError):
            jobs.run_pending()
        assert value(scraped(), "lectern_failed_jobs", lane="default") == 1

    def test_are_read_once_in_five_seconds(self) -> None:
        scraped()
        an_open_course(capacity=5)
        assert value(ApiClient().get("/metrics").content.decode(), "lectern_seats", what="capacity") == 0
        assert value(scraped(), "lectern_seats", what="capacity") == 5

    def test_say_that_the_database_is_away_when_it_is(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail() -> None:
            raise OperationalError("the connection is lost")

        monkeypatch.setattr("common.jobs.count_failed", fail)
        text = scraped()
        assert "lectern_database_up 0.0" in text
        assert "lectern_seats" not in text

    def test_of_an_empty_service_are_zero(self) -> None:
        shown = [line for line in scraped().splitlines() if line.startswith("lectern_")]
        assert {line.rpartition(" ")[2] for line in shown if "read_seconds" not in line} == {"0.0", "1.0"}
        assert "lectern_database_up 1.0" in shown

    def test_say_how_many_reviews_wait_for_a_moderator(self) -> None:
        a_held_review()
        a_review()
        retract(a_held_review())
        assert value(scraped(), "lectern_pending_reviews") == 1

    def test_say_which_deliveries_fail(self) -> None:
        a_webhook()
        happen()
        happen()
        hand_on()
        WebhookDelivery.objects.filter(pk=WebhookDelivery.objects.latest("pk").pk).update(attempts=1)
        text = scraped()
        assert value(text, "lectern_webhook_deliveries", state="pending") == 2
        assert value(text, "lectern_webhook_deliveries", state="failing") == 1


@pytest.fixture
def port(tmp_path: Path, transactional_db: None) -> Iterator[int]:
    """Where two processes of gunicorn serve, on the database of the tests."""
    several = {"WEB_CONCURRENCY": "2", "WEB_THREADS": "2", "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    with gunicorn(tmp_path / "log", DATABASE_URL=url_of_the_database(), **several) as server:
        yield server.port
    wait_until_others_are_gone()


class TestSeveralProcesses:
    def test_are_counted_together_and_agree(self, port: int, tmp_path: Path) -> None:
        a_full_course(capacity=2, waiting=3)

        def served() -> int:
            """How many processes have answered."""
            ask(port, "GET", "/api/v1/courses")
            asked.append(1)
            return len(list(tmp_path.glob("histogram_*.db")))

        asked: list[int] = []
        wait_until(lambda: served() == 2)
        texts = [ask(port, "GET", "/metrics").body.decode() for _ in range(8)]
        counted = {
            value(text, "http_request_duration_seconds_count", route="api/v1/courses", status="2xx") for text in texts
        }
        assert counted == {len(asked)}
        assert {value(text, "lectern_seats", what="taken") for text in texts} == {2}
        assert {value(text, "lectern_waiting") for text in texts} == {3}

    def test_say_everything_in_json(self, port: int, tmp_path: Path) -> None:
        ask(port, "GET", "/api/v1/courses", X_Request_ID="seen-1")
        wait_until(lambda: "seen-1" in (tmp_path / "log").read_text())
        lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
        assert {"gunicorn.error", None} <= {line.get("logger") for line in lines}
        assert [line["route"] for line in lines if line.get("request_id") == "seen-1"] == ["api/v1/courses"]


class TestWorkers:
    def test_tell_what_they_count_where_they_are_told_to(self, transactional_db: None, tmp_path: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            number: int = free.getsockname()[1]
        defer(sample_jobs.note, path=str(tmp_path / "notes"))
        with workers(tmp_path / "log", metrics=f"127.0.0.1:{number}") as start:
            start()
            wait_until((tmp_path / "notes").exists)
            labels = {"job": "samples.note", "code": "done"}
            wait_until(
                lambda: value(ask(number, "GET", "/").body.decode(), "job_duration_seconds_count", **labels) == 1
            )


def age(table: str, column: str, by: str) -> None:
    """Everything in this table is so much older."""
    with transaction.atomic():
        db.execute(f"UPDATE {table} SET {column} = {column} - %s::interval", [by])
