"""From a client's request id to what came of it: events, jobs, mails, webhooks, lines, trace."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from common import explaining, jobs
from common.mail import jobs as mail
from common.models import Mail
from common.tests import sample_jobs
from common.tests.factories import client_of, staff_member
from common.tests.staff import StaffClient, a_superuser, a_viewer, address, listed, text
from common.tests.webhooks import a_webhook, hand_on
from courses.tests.factories import an_open_course, crs
from enrollments.tests.factories import a_full_course, a_partner, partner_client, ptn

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
REQUEST = "wider-1"
EXPLAINERS = ("common.view_event", "common.view_mail", "common.view_webhook", "procrastinate.view_procrastinatejob")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def promoted() -> str:
    """The request that widened a course, so that somebody who waited has a seat and was told of it."""
    course_id, _seated, _waiting = a_full_course(waiting=1)
    traceparent = f"00-{TRACE}-00f067aa0ba902b7-01"
    client = client_of(staff_member(), X_Request_ID=REQUEST, traceparent=traceparent)
    client.patch(f"courses/{crs(course_id)}", {"capacity": 2})
    jobs.run_pending()
    hand_on()
    mail.hand_on()
    return REQUEST


def told(*arguments: str) -> str:
    out = io.StringIO()
    call_command("explain", *arguments, stdout=out)
    return out.getvalue()


def explained(*arguments: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(told(*arguments, "--format", "json"))
    return said


class TestExplain:
    def test_tells_events_jobs_mails_and_the_trace(self, promoted: str) -> None:
        said = explained(promoted)
        assert (said["format"], said["request_id"], said["traces"]) == ("lectern-explain/1", REQUEST, [TRACE])
        assert [event["type"] for event in said["events"]] == ["course.updated", "waitlist.promoted"]
        assert [(job["name"], job["status"], job["last_fault"]) for job in said["jobs"]] == [
            ("enrollments.promote_waitlist", "succeeded", "")
        ]
        assert [(each["event"], each["status"]) for each in said["mails"]] == [("waitlist.promoted", "pending")]
        assert said["mails"][0]["key"] == Mail.objects.get(event__type="waitlist.promoted").pk

    def test_tells_what_partners_are_told_because_of_it(self) -> None:
        partner_id = a_partner()
        a_webhook(ptn(partner_id))
        course_id = an_open_course(capacity=1)
        learner = {"external_id": "1", "email": "new@example.org", "name": "New"}
        client = partner_client(partner_id, X_Request_ID="through-1")
        client.post("partner/enrollments", {"course_id": crs(course_id), "learner": learner})
        hand_on()
        (delivery,) = explained("through-1")["deliveries"]
        assert (delivery["event"], delivery["status"]) == ("enrollment.created", "pending")

    def test_tells_why_a_job_fails(self) -> None:
        with transaction.atomic():
            jobs.defer(sample_jobs.fail_at_once, request_id="bad-1")
            jobs.defer(sample_jobs.fail_at_once, request_id="other")
        with pytest.raises(RuntimeError):
            jobs.run_pending()
        (job,) = explained("bad-1")["jobs"]
        assert (job["status"], job["last_fault"]) == ("failed", "RuntimeError: a sample of bad luck")

    def test_tells_its_own_lines_of_a_log_that_is_handed_over(self, promoted: str, tmp_path: Path) -> None:
        log = tmp_path / "log"
        own = {"event": "request", "request_id": REQUEST, "trace_id": "a" * 32, "route": "api/v1/courses"}
        other = {"event": "request", "request_id": f"{REQUEST}0"}
        log.write_text(f"Nov 21 host lectern[7]: {json.dumps(own)}\n{json.dumps(other)}\nnot JSON {REQUEST} {{\n")
        said = explained(promoted, "--log", str(log))
        assert said["lines"] == [own]
        assert said["traces"] == [TRACE, "a" * 32]
        assert "api/v1/courses" in told(promoted, "--log", str(log))

    def test_tells_people_the_same_in_tables(self, promoted: str, settings: Any) -> None:
        settings.LOGS_URL = "https://logs.example/?q={request_id}"
        said = told(promoted)
        assert said.startswith(f"Request {REQUEST}\nTrace ")
        for part in (TRACE, "waitlist.promoted", "enrollments.promote_waitlist", "https://logs.example/?q=wider-1"):
            assert part in said
        assert explained(promoted)["logs_url"] == "https://logs.example/?q=wider-1"

    def test_breaks_no_id_over_lines_where_nobody_looks(self, promoted: str) -> None:
        said, events = told(promoted), explained(promoted)["events"]
        assert [event["subject"] for event in events if event["subject"] not in said] == []

    @pytest.mark.parametrize("request_id", ["unknown", "", "' OR 1=1", "x" * 500, "x\udcff"])
    def test_says_that_nothing_is_known(self, request_id: str) -> None:
        client_of().get("courses")
        with pytest.raises(CommandError, match="Nothing is known") as refusal:
            told(request_id)
        assert refusal.value.returncode == 1

    def test_refuses_a_log_that_cannot_be_read(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="cannot be read"):
            told("x", "--log", str(tmp_path / "nowhere"))

    def test_reads_no_whole_table(self) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN {explaining._JOBS}", ["x", 100])
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "lectern_jobs_of_request" in plan


class TestPage:
    def test_shows_what_came_of_a_request(self, promoted: str) -> None:
        page = text(StaffClient(a_superuser()).get(address("common_event_request", promoted)))
        parts = (REQUEST, TRACE, "got a seat from the waitlist", "enrollments.promote_waitlist", "waitlist.promoted")
        assert [part for part in parts if part not in page] == []

    def test_leads_to_log_and_trace_where_they_are(self, promoted: str, settings: Any) -> None:
        client = StaffClient(a_superuser())
        assert "Log lines" not in text(client.get(address("common_event_request", promoted)))
        settings.LOGS_URL, settings.TRACES_URL = (
            "https://logs.example/{request_id}",
            "https://traces.example/{request_id}",
        )
        page = client.get(address("common_event_request", promoted)).content.decode()
        assert 'href="https://logs.example/wider-1"' in page
        assert 'href="https://traces.example/wider-1"' in page

    def test_is_found_by_the_search_at_the_top_and_from_its_events(self, promoted: str) -> None:
        client = StaffClient(a_superuser())
        target = address("common_event_request", promoted)
        assert client.get("/admin/find/", {"q": promoted})["Location"] == target
        (row, *_) = listed(client, address("common_event_changelist"), q=promoted)
        assert f'href="{target}"' in client.get(address("common_event_change", row.pk)).content.decode()

    @pytest.mark.parametrize("missing", EXPLAINERS)
    def test_is_for_who_may_see_all_of_it(self, promoted: str, missing: str) -> None:
        path = address("common_event_request", promoted)
        assert StaffClient(a_viewer(*EXPLAINERS)).get(path).status_code == 200
        assert StaffClient(a_viewer(*set(EXPLAINERS) - {missing})).get(path).status_code == 403

    @pytest.mark.parametrize("request_id", ["unknown", "x\0"])
    def test_is_not_there_for_a_request_that_left_nothing(self, request_id: str) -> None:
        assert StaffClient(a_superuser()).get(address("common_event_request", request_id)).status_code == 404
        assert StaffClient(a_superuser()).get("/admin/find/", {"q": request_id})["Location"] == "/admin/"
