"""Traces: where they are asked for, each request is one, with what it did and the jobs that it caused."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from common import jobs, tracing
from common.tests.factories import a_person, client_of, staff_member
from common.tests.lines import told
from courses.tests.factories import an_open_course, crs
from enrollments.tests.factories import a_full_course

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = f"00-{TRACE}-00f067aa0ba902b7-01"


class Spans:
    """What was exported."""

    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self._exporter = exporter

    def all(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    def forget(self) -> None:
        """What was exported so far counts no more."""
        self._exporter.clear()

    def one(self, name: str) -> ReadableSpan:
        (span,) = [span for span in self.all() if span.name == name]
        return span

    def within(self, name: str) -> list[str]:
        """The names of the spans within the one of this name, in the order in which they began."""
        outer = self.one(name).context.span_id
        inner = [span for span in self.all() if span.parent is not None and span.parent.span_id == outer]
        return [span.name for span in sorted(inner, key=lambda span: span.start_time or 0)]


@pytest.fixture
def spans() -> Iterator[Spans]:
    exporter = InMemorySpanExporter()
    tracing.use(SimpleSpanProcessor(exporter), release="2026.11")
    yield Spans(exporter)
    tracing.stop()


@pytest.mark.django_db(transaction=True)
class TestRequests:
    ROUTE = "POST api/v1/courses/<str:course_id>/enrollments"

    def test_are_a_span_with_a_span_for_each_thing_they_do(self, spans: Spans) -> None:
        path = f"courses/{crs(an_open_course(capacity=3))}/enrollments"
        assert client_of(a_person(), X_Request_ID="enroll-1").post(path, {}).status_code == 201
        assert spans.within(self.ROUTE) == ["authenticate", "validate", "enrollments.enroll", "render"]
        assert spans.within("authenticate") == []  # the account is looked up by the statement that decides
        assert spans.within("enrollments.enroll") == ["WITH"]
        request = spans.one(self.ROUTE)
        assert (request.kind, request.status.status_code) == (SpanKind.SERVER, StatusCode.UNSET)
        assert {
            "request_id": "enroll-1",
            "http.request.method": "POST",
            "http.response.status_code": 201,
        }.items() <= dict(request.attributes or {}).items()
        assert dict(request.resource.attributes)["service.version"] == "2026.11"

    def test_go_on_with_the_trace_of_the_caller(self, spans: Spans) -> None:
        with told("request") as lines:
            client_of(traceparent=CALLER).get("courses")
            client_of().get("courses")
        first, second = [span for span in spans.all() if span.kind is SpanKind.SERVER]
        assert first.parent is not None
        assert f"{first.context.trace_id:032x} {first.parent.span_id:016x}" == f"{TRACE} 00f067aa0ba902b7"
        assert second.parent is None
        # The line has the trace in which it is found, also where the caller had none.
        assert [line["trace_id"] for line in lines] == [TRACE, f"{second.context.trace_id:032x}"]

    def test_say_what_failed_but_not_what_was_said_then(self, spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
        def crash(**_: Any) -> None:
            raise RuntimeError("ada@example.org")

        monkeypatch.setattr("common.accounts.services.authenticate", crash)
        client = client_of()
        client.raise_request_exception = False
        client.post("auth/token", {"email": "ada@example.org", "password": "secret-word"})
        assert spans.one("POST api/v1/auth/token").status.status_code is StatusCode.ERROR
        assert dict(spans.one("accounts.sign_in").attributes or {}) == {"error.type": "RuntimeError"}
        told = " ".join(span.to_json() for span in spans.all())
        assert ("ada@" in told, "secret-word" in told) == (False, False)

    def test_that_are_refused_have_not_failed(self, spans: Spans) -> None:
        course_id, _seated, _waiting = a_full_course(waitlist_enabled=False)
        spans.forget()
        client_of(a_person()).post(f"courses/{crs(course_id)}/enrollments")
        assert spans.one("enrollments.enroll").status.status_code is StatusCode.UNSET
        assert dict(spans.one("enrollments.enroll").attributes or {}) == {"error.type": "CourseFull"}

    def test_show_statements_without_their_values(self, spans: Spans) -> None:
        client_of().post("auth/token", {"email": "ada@example.org", "password": "secret-word"})
        statements = [str((span.attributes or {}).get("db.query.text", "")) for span in spans.all()]
        assert any("common_user" in text for text in statements)
        assert not [text for text in statements if "ada@" in text.lower()]


@pytest.mark.django_db(transaction=True)
class TestJobs:
    def test_go_on_with_the_trace_of_the_request_that_caused_them(self, spans: Spans) -> None:
        course_id, _seated, _waiting = a_full_course(waiting=1)
        client = client_of(staff_member(), X_Request_ID="wider-1", traceparent=CALLER)
        client.patch(f"courses/{crs(course_id)}", {"capacity": 2})
        jobs.run_pending()
        cause = spans.one("PATCH api/v1/courses/<str:course_id>").context.span_id
        (job,) = [span for span in spans.all() if span.kind is SpanKind.CONSUMER]
        assert job.parent is not None
        assert (f"{job.context.trace_id:032x}", job.parent.span_id) == (TRACE, cause)
        assert dict(job.attributes or {})["request_id"] == "wider-1"

    def test_without_a_cause_begin_a_trace(self, spans: Spans) -> None:
        with jobs.outcomes.job("sweep", job_id=1, attempt=1, context=jobs.RequestContext()):
            pass
        assert spans.one("sweep").parent is None


def in_a_process(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=settings.BASE_DIR,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


LOADED = "import sys, config.wsgi; print(sorted(name for name in sys.modules if name.startswith('opentelemetry')))"


class TestNobodyAsks:
    @pytest.mark.parametrize(
        "environment",
        [
            {},
            {"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"},
            {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"},
        ],
    )
    def test_then_nothing_is_loaded(self, environment: dict[str, str]) -> None:
        assert in_a_process(LOADED, **environment).stdout == "[]\n"

    def test_then_a_span_is_nothing(self) -> None:
        assert tracing.span("a") is tracing.query("SELECT 1") is tracing.continued("b", kind="SERVER")


class TestSomebodyAsks:
    def test_with_an_endpoint_then_spans_go_there(self) -> None:
        script = "import config.wsgi; from common import tracing; print(tracing._tracer is not None)"
        assert in_a_process(script, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1").stdout == "True\n"

    def test_without_the_packages_then_it_does_not_start_and_says_what_to_install(self) -> None:
        script = "import sys; sys.modules['opentelemetry'] = None; import config.wsgi"
        made = in_a_process(script, OTEL_TRACES_EXPORTER="otlp")
        assert made.returncode != 0
        assert "pip install -r requirements-otel.txt" in made.stderr

    def test_for_an_unknown_exporter_then_it_does_not_start(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OTEL_TRACES_EXPORTER", "zipkin")
        with pytest.raises(ImproperlyConfigured, match="zipkin"):
            tracing.start(release="x")
