"""What is logged: one line for each request, use case and job, all of it JSON, and nothing about anybody in it."""

import json
import logging
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction

from common import ids, jobs, logs
from common.tests import sample_jobs
from common.tests.factories import PASSWORD, a_person, client_of, staff_member
from common.tests.lines import told
from common.tests.staff import StaffClient
from courses.tests.factories import a_draft, an_open_course, crs
from enrollments.tests.factories import a_full_course, a_partner, partner_client

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
ENROLL = "api/v1/courses/<str:course_id>/enrollments"


def said_of(logger: str, message: str, *arguments: Any, fault: Exception | None = None) -> dict[str, Any]:
    """The line that comes of a record of the standard library."""
    error = (type(fault), fault, None) if fault else None
    record = logging.LogRecord(logger, logging.WARNING, "x.py", 1, message, arguments, error)
    line: dict[str, Any] = json.loads(logs.formatter().format(record))
    return line


def stderr_of(script: str) -> list[str]:
    """What a process of its own says."""
    command = [sys.executable, "-c", script]
    return subprocess.run(
        command, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True
    ).stderr.splitlines()


@pytest.mark.django_db(transaction=True)
class TestRequests:
    def test_have_one_line_each_with_who_what_and_at_what_cost(self) -> None:
        ada, course_id = a_person(), an_open_course(capacity=3)
        client = client_of(ada, X_Request_ID="enroll-1", traceparent=f"00-{TRACE}-00f067aa0ba902b7-01")
        with told("request") as lines:
            assert client.post(f"courses/{crs(course_id)}/enrollments").status_code == 201
        (line,) = lines
        assert line.pop("ms") >= line.pop("database_ms") > 0
        assert line == {
            "event": "request",
            "log_level": "info",
            "request_id": "enroll-1",
            "trace_id": TRACE,
            "method": "POST",
            "route": ENROLL,
            "status": 201,
            "caller": ids.encode(ids.USER, ada.pk),
            "queries": 1,
            "release": settings.RELEASE,
        }

    def test_count_their_queries(self) -> None:
        client = client_of(a_person(), Idempotency_Key="once")
        path = f"courses/{crs(an_open_course(capacity=3))}/enrollments"
        with told("request") as lines:
            client.post(path)
            client.post(path)
        # The person, the key's lock and its answer; then a savepoint and its end, the claim, the answer.
        assert [line["queries"] for line in lines] == [6, 3]

    def test_of_partners_name_the_partner(self) -> None:
        partner_id = a_partner()
        with told("request") as lines:
            partner_client(partner_id).get("partner/enrollments")
        assert [line["caller"] for line in lines] == [ids.encode(ids.PARTNER, partner_id)]

    def test_of_pages_name_who_is_signed_in(self) -> None:
        client = StaffClient()
        with told("request") as lines:
            client.get("/admin/")
        assert [line["caller"] for line in lines] == [ids.encode(ids.USER, client.person.pk)]

    def test_of_nobody_name_nobody_and_look_nobody_up(self) -> None:
        with told("request") as lines:
            client_of().get("courses")
            client_of().get("/health/live")
        assert [(line["caller"], line["queries"]) for line in lines] == [("", 1), ("", 0)]

    def test_do_not_say_what_was_asked_for_beside_the_route(self) -> None:
        with told("request") as lines:
            client_of().get("courses/my-own-words?search=ada@example.org")
            client_of().get("nowhere/my-own-words")
            client_of().generic("MADEUP", "courses")
        assert [line["route"] for line in lines] == [
            "api/v1/courses/<str:course_id>",
            "none",
            "api/v1/courses",
        ]
        assert lines[2]["method"] == "other"
        assert "my-own-words" not in str(lines)


@pytest.mark.django_db(transaction=True)
class TestUseCases:
    def test_have_one_line_each_with_what_became_of_them(self) -> None:
        client = client_of(a_person(), X_Request_ID="enroll-2")
        path = f"courses/{crs(an_open_course(capacity=3))}/enrollments"
        with told("use_case") as lines:
            client.post(path)
            client.post(path)
            client.post(f"courses/{crs(a_draft())}/enrollments")
        assert [(line["use_case"], line["code"], line["request_id"]) for line in lines] == [
            ("enrollments.enroll", "done", "enroll-2"),
            ("enrollments.enroll", "already_enrolled", "enroll-2"),
            ("enrollments.enroll", "course_not_found", "enroll-2"),
        ]

    def test_are_told_after_the_commit_of_their_idempotency_key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def lose(*_: Any) -> None:
            raise IntegrityError

        monkeypatch.setattr("common.idempotency._keep", lose)
        client = client_of(a_person(), Idempotency_Key="lost")
        client.raise_request_exception = False
        with told("use_case") as lines:
            client.post(f"courses/{crs(an_open_course(capacity=3))}/enrollments")
        assert lines == []

    def test_that_call_others_speak_for_them(self) -> None:
        partner_id, course_id = a_partner(), an_open_course(capacity=3)
        client = partner_client(partner_id)
        body = {"course_id": crs(course_id), "learner": {"external_id": "1", "email": "new@example.org", "name": "New"}}
        with told("use_case") as lines:
            client.post("partner/enrollments", body)
        assert [line["use_case"] for line in lines] == ["enrollments.enroll_through_partner"]

    def test_refused_for_their_input_say_so(self) -> None:
        body = {"email": "ada@example.org", "password": "short", "display_name": "Ada"}
        with told("use_case") as lines:
            client_of().post("auth/register", body)
        assert [(line["use_case"], line["code"]) for line in lines] == [("accounts.register", "invalid_request")]

    def test_that_fall_over_say_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def crash(**_: Any) -> None:
            raise RuntimeError("out of luck")

        monkeypatch.setattr("common.accounts.services.authenticate", crash)
        client = client_of()
        client.raise_request_exception = False
        with told("use_case") as lines:
            client.post("auth/token", {"email": "ada@example.org", "password": PASSWORD})
        assert [(line["use_case"], line["code"]) for line in lines] == [("accounts.sign_in", "internal_error")]

    def test_outside_of_requests_and_jobs_are_silent(self) -> None:
        with told("use_case") as lines:
            an_open_course()
        assert lines == []


@pytest.mark.django_db(transaction=True)
class TestJobs:
    def test_have_one_line_for_each_attempt(self, tmp_path: Any) -> None:
        with transaction.atomic():
            jobs.defer(sample_jobs.note, path=str(tmp_path / "x"), request_id="req-1")
            jobs.defer(sample_jobs.fail_at_once, request_id="req-2")
        with told("job") as lines, pytest.raises(RuntimeError):
            jobs.run_pending()
        known = [(line["job"], line["attempt"], line["code"], line["request_id"]) for line in lines]
        assert known == [
            ("samples.note", 1, "done", "req-1"),
            ("samples.fail_at_once", 1, "internal_error", "req-2"),
        ]

    def test_belong_to_the_trace_of_the_request_that_caused_them(self) -> None:
        client = client_of(staff_member(), X_Request_ID="wider-1", traceparent=f"00-{TRACE}-00f067aa0ba902b7-01")
        course_id, _seated, _waiting = a_full_course(waiting=1)
        assert client.patch(f"courses/{crs(course_id)}", {"capacity": 2}).status_code == 200
        with told("job", "use_case") as lines:
            jobs.run_pending()
        assert [(line["request_id"], line["trace_id"]) for line in lines] == [("wider-1", TRACE)] * 2
        assert [line.get("job") or line["use_case"] for line in lines] == [
            "enrollments.promote_waitlist",
            "enrollments.promote_waitlist",
        ]


class TestOtherLines:
    @pytest.mark.parametrize("logger", ["django.request", "procrastinate.worker", "gunicorn.error"])
    def test_have_the_same_form(self, logger: str) -> None:
        line = said_of(logger, "%s went wrong", "It")
        assert line.pop("timestamp").endswith("Z")
        assert line == {"event": "It went wrong", "level": "warning", "logger": logger}

    def test_keep_a_traceback_in_one_piece(self) -> None:
        assert said_of("x", "Alas", fault=ValueError("no luck"))["exception"] == "ValueError: no luck"

    @pytest.mark.parametrize(
        "text",
        [
            'violates unique constraint "user_one_email"\nDETAIL:  Key (upper(email)) = (ADA@X.ORG) already exists.',
            "DETAIL:  Failing row contains (7, Ada, secret)",
            "{'ada@example.org': (550, b'no such user')}",
            "Mail to <ada@example.org> was refused",
        ],
    )
    def test_leave_out_what_others_say_about_people(self, text: str) -> None:
        for line in (said_of("x", "Alas: %s", text), said_of("x", "Alas", fault=ValueError(text))):
            assert "ada" not in str(line).lower()

    def test_come_from_the_whole_service_as_json(self) -> None:
        script = "import logging, django; django.setup(); " + "; ".join(
            f"logging.getLogger('{name}').warning('hello from {name}')"
            for name in ("django", "django.server", "procrastinate", "common.x")
        )
        assert [json.loads(line)["logger"] for line in stderr_of(script)] == [
            "django",
            "django.server",
            "procrastinate",
            "common.x",
        ]

    def test_include_warnings_of_python(self) -> None:
        script = "import django, warnings; django.setup(); warnings.warn('mind the gap')"
        (line,) = map(json.loads, stderr_of(script))
        assert (line["logger"], "mind the gap" in line["event"]) == ("py.warnings", True)

    def test_are_for_people_on_a_terminal(self) -> None:
        script = (
            "import sys, io; sys.stderr.isatty = lambda: True\n"
            "import logging, django, structlog; django.setup()\n"
            "logging.getLogger('x').warning('hello'); structlog.get_logger().info('request', status=201)"
        )
        first, second = stderr_of(script)
        assert ("hello" in first, "{" in first) == (True, False)
        assert ("status" in second, "{" in second) == (True, False)
