"""What holds for every request: its id, problems instead of error pages, negotiation, the pages around the API."""

import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client
from rest_framework.exceptions import Throttled

from common import logs
from common.accounts import services as accounts
from common.models import Event
from common.problem_types import CATALOGUE
from common.tests.factories import ApiClient, a_person, client_of, staff_member
from common.tests.problems import parameters, refused
from courses.tests.factories import a_draft, crs

MADE_HERE = re.compile(r"req_[0-9a-z]{26}\Z")

# The table of the contract, by hand.
TYPES = {
    400: "invalid-request invalid-cursor",
    401: "unauthenticated invalid-credentials",
    403: "permission-denied review-not-allowed",
    404: "not-found course-not-found enrollment-not-found review-not-found import-not-found webhook-not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    413: "payload-too-large",
    415: "unsupported-media-type",
    409: "course-closed course-full already-enrolled already-waitlisted enrollment-completed capacity-below-enrollment "
    "invalid-transition review-already-exists already-reported moderation-conflict email-already-registered "
    "slug-already-used idempotency-key-in-flight",
    412: "precondition-failed",
    422: "idempotency-key-reused",
    429: "rate-limited",
    500: "internal-error",
    503: "dependency-unavailable",
}


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What a server logs, in the form in which it logs it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.formatter())
    logging.getLogger().addHandler(handler)
    yield stream
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def crashing(monkeypatch: pytest.MonkeyPatch) -> ApiClient:
    """A client whose sign-in meets a fault in our code."""

    def crash(**_: Any) -> None:
        raise RuntimeError("SELECT password FROM common_user")

    monkeypatch.setattr(accounts, "sign_in", crash)
    client = client_of()
    client.raise_request_exception = False
    return client


def sign_in(client: ApiClient) -> HttpResponse:
    return client.post("auth/token", {"email": "ada@example.org", "password": "x"})


@pytest.mark.django_db
class TestRequestId:
    @pytest.mark.parametrize("offered", ["a", "checkout-7f3a", "A.b_C-9", "x" * 128])
    def test_is_the_clients_where_it_is_well_formed(self, offered: str) -> None:
        client = client_of(X_Request_ID=offered)
        assert client.get("courses")["X-Request-ID"] == offered
        assert refused(client.get("courses/nope"), 404, "course_not_found")["request_id"] == offered

    @pytest.mark.parametrize("offered", ["", "x" * 129, "a b", "a/b", "a,b", "é", '"a"', "a;b"])
    def test_is_made_here_otherwise(self, offered: str) -> None:
        assert MADE_HERE.match(client_of(X_Request_ID=offered).get("courses")["X-Request-ID"])

    def test_differs_from_request_to_request(self) -> None:
        client = client_of()
        assert client.get("courses")["X-Request-ID"] != client.get("courses")["X-Request-ID"]

    @pytest.mark.parametrize(
        "path", ["/", "/health/live", "/health/ready", "/metrics", "/nope", "/admin/", "/problems"]
    )
    def test_is_on_every_page(self, path: str) -> None:
        assert ApiClient(headers={"X-Request-ID": "page"}).get(path)["X-Request-ID"] == "page"

    def test_is_on_the_events_that_the_request_caused(self) -> None:
        client_of(staff_member(), X_Request_ID="create-7").post("courses", {"title": "Knots"})
        assert list(Event.objects.values_list("request_id", flat=True)) == ["create-7"]

    def test_is_on_every_line_that_the_request_logs_with_the_trace_that_it_continues(
        self, log: io.StringIO, crashing: ApiClient
    ) -> None:
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        crashing.defaults["HTTP_X_REQUEST_ID"] = "crash-1"
        crashing.defaults["HTTP_TRACEPARENT"] = f"00-{trace}-00f067aa0ba902b7-01"
        sign_in(crashing)
        lines = [json.loads(line) for line in log.getvalue().splitlines()]
        assert lines
        assert {(line["request_id"], line["trace_id"]) for line in lines} == {("crash-1", trace)}

    def test_is_on_the_lines_about_an_answer_that_is_a_fault(
        self, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(**_: Any) -> None:
            raise OperationalError("the connection is lost")

        monkeypatch.setattr(accounts, "sign_in", fail)
        refused(sign_in(client_of(X_Request_ID="fault-1")), 503, "dependency_unavailable")
        lines = [json.loads(line) for line in log.getvalue().splitlines()]
        assert any("Service Unavailable" in line["event"] for line in lines)
        assert {line["request_id"] for line in lines} == {"fault-1"}

    @pytest.mark.parametrize(
        "header", ["", "garbage", f"00-{'0' * 32}-00f067aa0ba902b7-01", f"ff-{'a' * 32}-{'b' * 16}-01", "00-AB-CD-01"]
    )
    def test_ignores_a_malformed_trace(self, header: str, log: io.StringIO, crashing: ApiClient) -> None:
        crashing.defaults["HTTP_X_REQUEST_ID"] = "crash-2"
        crashing.defaults["HTTP_TRACEPARENT"] = header
        sign_in(crashing)
        lines = [json.loads(line) for line in log.getvalue().splitlines()]
        assert {(line["request_id"], line.get("trace_id")) for line in lines} == {("crash-2", None)}


class TestProblems:
    @pytest.mark.parametrize(
        "path", ["/nope", "/api/v1/nope", "/api/v1/courses/", "/api/v1//courses", "/problems/nope"]
    )
    def test_stand_for_unknown_paths(self, path: str) -> None:
        refused(client_of().get(path), 404, "not_found")

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
    def test_stand_for_wrong_methods_and_name_the_right_ones(self, method: str) -> None:
        response = client_of().generic(method, "courses")
        assert "GET, POST" in refused(response, 405, "method_not_allowed")["detail"]
        assert response["Allow"] == "GET, POST, HEAD"

    @pytest.mark.parametrize("path", ["/", "/health/live", "/health/ready", "/metrics", "/problems", "/api/docs"])
    def test_stand_for_wrong_methods_outside_the_api_as_well(self, path: str) -> None:
        response = ApiClient(enforce_csrf_checks=True).post(path)
        refused(response, 405, "method_not_allowed")
        assert "GET" in response["Allow"]

    def test_stand_for_crashes_and_say_nothing_of_what_broke(self, crashing: ApiClient) -> None:
        refused(sign_in(crashing), 500, "internal_error")

    def test_stand_for_a_wrong_host(self) -> None:
        assert parameters(ApiClient(headers={"Host": "evil.example"}).get("courses")) == {"Host"}

    def test_stand_for_too_many_parameters(self) -> None:
        refused(client_of().get("courses?" + "&".join(["a=1"] * 1001)), 400, "invalid_request")

    def test_of_throttling_say_how_long_to_wait(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def throttle(**_: Any) -> None:
            raise Throttled(wait=2.5)

        monkeypatch.setattr(accounts, "sign_in", throttle)
        # Not by ApiClient: no operation promises a 429 as long as none is throttled.
        response = Client().post("/api/v1/auth/token", {"email": "a", "password": "x"}, "application/json")
        refused(response, 429, "rate_limited")
        assert response["Retry-After"] == "3"

    @pytest.mark.parametrize(
        ("path", "instance"),
        [
            ("/api/v1/courses/a b?x=1", "/api/v1/courses/a%20b"),
            ("/api/v1/courses/%00", "/api/v1/courses/%00"),
            ("/api/v1/courses/%C3%A9", "/api/v1/courses/%C3%A9"),
            ("/nope%0a", "/nope%0A"),
        ],
    )
    def test_have_a_uri_as_their_instance(self, path: str, instance: str) -> None:
        assert client_of().get(path.replace(" ", "%20")).json()["instance"] == instance

    @pytest.mark.parametrize(("status", "slug"), [(status, slug) for status in TYPES for slug in TYPES[status].split()])
    def test_have_a_page_each(self, status: int, slug: str) -> None:
        assert CATALOGUE[slug.replace("-", "_")].status == status
        page = ApiClient().get(f"/problems/{slug}")
        assert page.status_code == 200
        assert str(status) in page.content.decode()
        assert f"/problems/{slug}" in ApiClient().get("/problems").content.decode()


@pytest.mark.django_db
class TestNegotiation:
    @pytest.mark.parametrize(
        "accept",
        [
            "application/json",
            "*/*",
            "application/*",
            "",
            "text/html, application/json;q=0.5",
            "application/json;charset=utf-8",
            "application/problem+json, application/json",
            "text/html, image/gif, *; q=.2, */*; q=.2",
            "APPLICATION/JSON",
        ],
    )
    def test_takes_who_takes_json(self, accept: str) -> None:
        response = client_of(Accept=accept).get("courses")
        assert (response.status_code, response["Content-Type"]) == (200, "application/json")

    @pytest.mark.parametrize(
        "accept", ["text/html", "application/xml", "application/problem+json", "json", "*/*, application/json;q=0"]
    )
    def test_refuses_who_does_not(self, accept: str) -> None:
        refused(client_of(Accept=accept).get("courses"), 406, "not_acceptable")

    def test_has_no_format_parameter(self) -> None:
        assert parameters(client_of().get("courses?format=json")) == {"format"}
        assert parameters(client_of().get("courses?format=xml")) == {"format"}

    def test_answers_head_as_get_without_the_body(self) -> None:
        course_id = a_draft()
        client = client_of(a_person(permissions=("courses.change_course",)))
        path = f"courses/{crs(course_id)}"
        get, head = client.get(path), client.head(path)
        assert head.content == b""
        assert {name: head[name] for name in ("Content-Length", "Content-Type", "ETag")} == {
            "Content-Length": str(len(get.content)),
            "Content-Type": "application/json",
            "ETag": get["ETag"],
        }

    def test_answers_in_utf_8(self) -> None:
        response = client_of(staff_member()).post("courses", {"title": "Übung 🎉"})
        assert "Übung 🎉" in response.content.decode("utf-8")


@pytest.mark.django_db
class TestOperations:
    def test_live_and_ready(self) -> None:
        assert ApiClient().get("/health/live").status_code == 200
        ready = ApiClient().get("/health/ready")
        assert (ready.status_code, ready.json()["checks"]) == (200, {"database": "ok", "migrations": "ok"})

    def test_metrics_count_requests_by_route_and_never_by_what_the_client_made_up(self) -> None:
        client = client_of()
        client.get("courses/first")
        client.generic("MADEUP", "courses/my-own-words")
        lines = ApiClient().get("/metrics").content.decode().splitlines()
        counted = [line for line in lines if 'route="api/v1/courses/<str:course_id>"' in line]
        assert any('method="GET"' in line and 'status="4xx"' in line for line in counted)
        assert any('method="other"' in line for line in counted)
        assert not [line for line in lines if "MADEUP" in line or "my-own-words" in line]

    def test_the_document_is_there_in_both_forms(self) -> None:
        assert ApiClient().get("/api/openapi.json").json()["openapi"].startswith("3.")
        assert ApiClient().get("/api/openapi.yaml").content.startswith(b"openapi: 3.")

    def test_the_start_page_points_to_everything(self) -> None:
        page = ApiClient().get("/").content.decode()
        places = ("/api/docs", "/api/openapi.json", "/problems", "/health/ready", "/health/live", "/metrics", "/admin/")
        assert [place for place in places if f'href="{place}' not in page] == []

    @pytest.mark.parametrize("path", ["/", "/api/docs", "/problems", "/problems/course-full"])
    def test_pages_load_nothing_from_elsewhere(self, path: str) -> None:
        page = ApiClient().get(path).content.decode()
        assert re.findall(r'(?:src|<link[^>]*href)="(?:https?:)?//[^"]*"', page) == []
