"""What is served besides the API: pages, the document, health, metrics."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from threading import Thread
from time import perf_counter
from typing import Any
from urllib.parse import urljoin

import pytest
import yaml
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpResponse
from django.test import Client
from prometheus_client import REGISTRY
from pytest_django import DjangoAssertNumQueries

from common import openapi
from common.problem_types import CATALOGUE
from common.site import health

PAGES = ["/", "/problems", "/api/docs", *(kind.uri for kind in CATALOGUE.values())]
READ_ONLY = [*PAGES[:4], "/health/live", "/health/ready", "/metrics", "/api/openapi.json", "/api/openapi.yaml"]
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class Html(HTMLParser):
    """What a page consists of: its links, what it loads, and what a strict policy would refuse."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.inline: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.listing = ""
        self.feed(response.content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.open.append(tag)
        values = dict(attrs)
        if tag == "a":
            self.links.add(values["href"] or "")
        if tag in {"script", "img"} or (tag == "link" and values["rel"] in {"stylesheet", "icon"}):
            self.loads.add(values.get("src") or values.get("href") or "inline")
        self.inline += [name for name in values if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in values):
            self.inline.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            self.open.remove(tag)

    def handle_data(self, data: str) -> None:
        self.text += data
        if "pre" in self.open:
            self.listing += data


class TestPages:
    @pytest.mark.parametrize("path", PAGES)
    def test_are_served_under_the_strict_policy(self, client: Client, path: str) -> None:
        response = client.get(path)
        assert response.status_code == 200
        assert response["Content-Type"] == "text/html; charset=utf-8"
        assert response["Content-Security-Policy"] == POLICY
        page = Html(response)
        assert page.inline == []
        assert all(address.startswith("/static/") for address in page.loads), page.loads
        assert page.tags.count("h1") == (0 if path == "/api/docs" else 1)
        assert page.tags.count("main") == 1

    @pytest.mark.django_db
    def test_link_only_to_what_is_there(self, client: Client) -> None:
        links = {link for path in PAGES for link in Html(client.get(path)).links if not link.startswith("#")}
        assert {"/api/docs", "/problems", "/admin/", "/api/openapi.json", "/api/openapi.yaml"} <= links
        assert {"/health/live", "/health/ready", "/metrics"} <= links
        served = {link.partition("#")[0] for link in links} - {"/admin/", "/health/ready"}
        assert {link: client.get(link).status_code for link in served} == dict.fromkeys(served, 200)

    def test_link_to_operations_that_the_document_has(self, client: Client) -> None:
        links = {link for kind in CATALOGUE.values() for link in Html(client.get(kind.uri)).links}
        operations = {
            f"/api/docs#/{entry['tags'][0]}/{entry['operationId']}"
            for methods in openapi.document()["paths"].values()
            for entry in methods.values()
        }
        assert {link for link in links if link.startswith("/api/docs#")} == operations

    def test_start_page_shows_commands_for_this_host(self, client: Client) -> None:
        text = Html(client.get("/", headers={"host": "localhost:8001"})).text
        assert text.count("curl ") == 3
        assert text.count("http://localhost:8001/api/v1/") == 3

    @pytest.mark.parametrize("path", READ_ONLY)
    def test_take_no_other_method(self, path: str) -> None:
        response = Client(enforce_csrf_checks=True).post(path)
        assert response.status_code == 405
        assert response["Content-Type"] == "application/problem+json"
        assert response["Allow"] == "GET, HEAD"
        assert response.json()["code"] == "method_not_allowed"

    def test_include_one_for_a_form_that_has_gone_stale(self) -> None:
        response = Client(enforce_csrf_checks=True).post("/admin/login/")
        assert response.status_code == 403
        page = Html(response)
        assert "load the page again" in page.text
        assert page.inline == []
        assert all(address.startswith("/static/") for address in page.loads)

    def test_have_a_head(self, client: Client) -> None:
        response = client.head("/")
        assert (response.status_code, response.content) == (200, b"")


class TestProblemPages:
    def test_index_names_each_problem_under_its_status(self, client: Client) -> None:
        response = client.get("/problems")
        assert {kind.uri for kind in CATALOGUE.values()} <= Html(response).links
        sections = re.split(r"<section", response.content.decode())[1:]
        for section in sections:
            status = int(re.findall(r'id="status-(\d+)"', section)[0])
            slugs = set(re.findall(r'href="/problems/([a-z-]+)"', section))
            assert slugs == {kind.slug for kind in CATALOGUE.values() if kind.status == status}

    def test_are_reached_by_links_all_of_them_and_no_others(self, client: Client) -> None:
        reached, waiting = set(), ["/"]
        while waiting:
            page = waiting.pop()
            reached.add(page)
            links = Html(client.get(page)).links
            waiting += [link for link in links if link.startswith("/problems") and link not in {*reached, *waiting}]
        assert reached == {"/", "/problems", *(kind.uri for kind in CATALOGUE.values())}

    @pytest.mark.parametrize("kind", CATALOGUE.values(), ids=CATALOGUE)
    def test_are_where_the_type_of_a_problem_leads(self, client: Client, kind: Any) -> None:
        body = kind.example("/api/v1/courses")
        assert client.get(urljoin("http://testserver/api/v1/courses", body["type"])).status_code == 200

    def test_explain_every_problem_that_an_operation_answers(self) -> None:
        answered = {
            uri
            for methods in openapi.document()["paths"].values()
            for entry in methods.values()
            for answer in entry["responses"].values()
            for uri in answer.get("x-problem-types", ())
        }
        # Answered where it is not known which operation is meant, or before it is asked.
        outside = {"/problems/method-not-allowed", "/problems/not-found", "/problems/rate-limited"}
        assert answered | outside == {kind.uri for kind in CATALOGUE.values()}

    @pytest.mark.parametrize("kind", CATALOGUE.values(), ids=CATALOGUE)
    def test_page_says_when_and_what_to_do(self, client: Client, kind: Any) -> None:
        text = Html(client.get(kind.uri)).text.partition("Example")[0]
        when, advice = kind.when.replace("`", ""), kind.advice.replace("`", "")
        for part in (kind.title, kind.uri, kind.code, str(kind.status), when, advice):
            assert part in text
        assert "`" not in text

    @pytest.mark.parametrize("kind", CATALOGUE.values(), ids=CATALOGUE)
    def test_page_shows_a_body(self, client: Client, kind: Any) -> None:
        body = json.loads(Html(client.get(kind.uri)).listing)
        assert (body["type"], body["status"], body["code"]) == (kind.uri, kind.status, kind.code)
        assert set(kind.members) < set(body)

    @pytest.mark.parametrize("slug", ["nothing", "course_full", "COURSE-FULL", "course-full-"])
    def test_there_is_no_page_for_what_is_no_problem(self, client: Client, slug: str) -> None:
        response = client.get(f"/problems/{slug}")
        assert (response.status_code, response.json()["code"]) == (404, "not_found")


class TestDocumentAddresses:
    def test_give_the_document_in_both_forms(self, client: Client) -> None:
        as_json, as_yaml = client.get("/api/openapi.json"), client.get("/api/openapi.yaml")
        assert as_json["Content-Type"] == "application/json"
        assert as_yaml["Content-Type"] == "application/yaml"
        assert as_json.json() == yaml.safe_load(as_yaml.content) == openapi.document()
        assert as_yaml.content == (settings.BASE_DIR / "contracts" / "openapi.yaml").read_bytes()

    @pytest.mark.parametrize("path", ["/api/openapi.json", "/api/openapi.yaml"])
    def test_give_it_once(self, client: Client, path: str) -> None:
        tag = client.get(path)["ETag"]
        again = client.get(path, headers={"if-none-match": tag})
        assert (again.status_code, again.content) == (304, b"")

    @pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*", "application/vnd.oai.openapi"])
    def test_give_it_whatever_is_asked_for(self, client: Client, accept: str) -> None:
        assert client.get("/api/openapi.json", headers={"accept": accept}).json()["openapi"] == "3.1.0"


@pytest.fixture
def not_yet_looked() -> Iterator[None]:
    """As in a process that has just begun."""
    health._all_applied.clear()
    yield
    health._all_applied.clear()


class TestHealth:
    def test_live_needs_no_database(self, client: Client) -> None:
        # Without the mark for it, pytest-django refuses any use of the database.
        response = client.get("/health/live")
        assert (response.status_code, response.json()) == (200, {"status": "ok"})
        assert response["Cache-Control"] == "no-store"

    @pytest.mark.django_db
    @pytest.mark.usefixtures("not_yet_looked")
    def test_ready_when_migrated(self, client: Client) -> None:
        response = client.get("/health/ready")
        assert response.status_code == 200
        assert response.json() == {"status": "ok", "checks": {"database": "ok", "migrations": "ok"}}
        assert response["Cache-Control"] == "no-store"

    @pytest.mark.django_db
    @pytest.mark.usefixtures("not_yet_looked")
    def test_looks_for_migrations_until_all_are_applied(
        self, client: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        recorder = MigrationRecorder(connection)
        [newest] = MigrationLoader(connection).graph.leaf_nodes("enrollments")
        recorder.record_unapplied(*newest)
        response = client.get("/health/ready")
        assert response.status_code == 503
        assert response.json()["checks"] == {"database": "ok", "migrations": "pending: run manage.py migrate"}
        recorder.record_applied(*newest)
        assert client.get("/health/ready").status_code == 200
        with django_assert_num_queries(1):
            assert client.get("/health/ready").status_code == 200

    @pytest.mark.django_db
    @pytest.mark.usefixtures("not_yet_looked")
    def test_not_ready_at_once_when_the_database_is_away(self) -> None:
        answers: list[HttpResponse] = []

        def ask() -> None:
            # A thread has a connection of its own; nobody listens on the port that this one is led to.
            nowhere = {**connection.get_connection_params(), "host": "127.0.0.1", "port": "1"}
            connection.get_connection_params = lambda: nowhere  # type: ignore[method-assign]
            answers.append(Client().get("/health/ready"))

        started = perf_counter()
        thread = Thread(target=ask)
        thread.start()
        thread.join()
        assert perf_counter() - started < 5
        [response] = answers
        assert response.status_code == 503
        assert response["Content-Type"] == "application/problem+json"
        assert response["Retry-After"] == "1"
        assert response["Cache-Control"] == "no-store"
        body = json.loads(response.content)
        assert body["code"] == "dependency_unavailable"
        assert body["checks"] == {"database": "unreachable", "migrations": "unknown"}


def observed() -> dict[tuple[str, str, str], float]:
    """How many requests each set of labels counts."""
    return {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"]): sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == "http_request_duration_seconds_count"
    }


@pytest.mark.django_db
class TestMetrics:
    def test_count_requests_by_route(self, client: Client) -> None:
        before = observed().get(("GET", "problems/<str:slug>", "2xx"), 0)
        client.get("/problems/course-full")
        client.get("/problems/not-found")
        response = client.get("/metrics")
        assert response["Content-Type"].startswith("text/plain; version=")
        line = 'http_request_duration_seconds_count{method="GET",route="problems/<str:slug>",status="2xx"} '
        assert f"{line}{before + 2}" in response.content.decode()

    def test_do_not_grow_with_what_anybody_makes_up(self, client: Client) -> None:
        client.get("/nowhere")
        client.generic("MADEUP", "/nowhere")
        known = set(observed())
        for number in range(20):
            client.get(f"/nowhere/{number}")
            client.generic(f"MADEUP{number}", f"/nowhere/{number}")
        assert set(observed()) == known
        assert {("GET", "none", "4xx"), ("other", "none", "4xx")} <= known

    def test_of_several_processes_are_added_up(self, tmp_path: Any) -> None:
        script = """
import os
from common import metrics

for _ in range(3):
    if os.fork() == 0:
        metrics.REQUEST_SECONDS.labels("GET", "x", "2xx").observe(0.1)
        os._exit(0)
    os.wait()
print(metrics.exposition()[0].decode())
"""
        made = subprocess.run(
            [sys.executable, "-c", script],
            cwd=settings.BASE_DIR,
            env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert 'http_request_duration_seconds_count{method="GET",route="x",status="2xx"} 3.0' in made.stdout
