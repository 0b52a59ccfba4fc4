"""What is on its way out says so on every answer and in the document, and is counted by client."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from django.urls import resolve
from prometheus_client import REGISTRY

from common import deprecation, openapi
from common.deprecation import leaving
from common.tests.factories import client_of, staff_member
from common.tests.problems import refused
from courses.tests.factories import an_open_course, crs
from enrollments.tests.factories import partner_client

pytestmark = pytest.mark.django_db

SINCE, SUNSET = date(2026, 12, 1), date(2027, 12, 1)
OPERATION = leaving(since=SINCE, sunset=SUNSET, instead="`courses.get`")
HEADERS = ("@1796083200", "Wed, 01 Dec 2027 00:00:00 GMT")

Mark = Callable[..., None]


def handler(method: str, path: str) -> Any:
    """The method of a view, as it is declared."""
    return getattr(resolve(f"/api/v1/{path}").func.view_class, method)  # type: ignore[attr-defined]


LIST_COURSES = handler("get", "courses")
COURSE = LIST_COURSES.operation.answers[200].view
COURSE_QUERY = LIST_COURSES.operation.query
RATING = type(COURSE._declared_fields["rating"])
CREATE_COURSE = handler("post", "courses").operation.body


def member(name: str) -> deprecation.Leaving:
    return leaving(member=name, since=SINCE, sunset=SUNSET, instead="`description`")


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mark]:
    """Marks handlers and shapes of the service, for the length of the test."""

    def forget() -> None:
        for cached in (openapi.document, openapi.as_json, openapi.as_yaml, deprecation.told_in):
            cached.cache_clear()

    def apply(departure: deprecation.Leaving, marked: Any) -> None:
        if isinstance(marked, type):
            monkeypatch.setattr(marked, "leaving_members", {}, raising=False)
        else:
            monkeypatch.setattr(marked, "operation", marked.operation)
        departure(marked)
        forget()

    yield apply
    monkeypatch.undo()
    forget()


def told(response: Any) -> tuple[str | None, str | None]:
    return response.headers.get("Deprecation"), response.headers.get("Sunset")


def entry(method: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = openapi.document()["paths"][f"/api/v1/{path}"][method]
    return found


def uses(what: str) -> dict[str, float]:
    """How often each client used it."""
    return {
        sample.labels["client"]: sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == "deprecated_uses_total" and sample.labels["what"] == what
    }


class TestAnOperation:
    def test_says_so_with_every_answer(self, mark: Mark) -> None:
        mark(OPERATION, LIST_COURSES)
        response = client_of().get("courses")
        assert told(response) == HEADERS
        assert response["Link"] == '</api/docs#/Courses/courses.list>; rel="deprecation"; type="text/html"'
        refusal = client_of().get("courses?limit=0")
        refused(refusal, 400, "invalid_request")
        assert told(refusal) == HEADERS

    def test_leaves_its_neighbours_alone(self, mark: Mark) -> None:
        mark(OPERATION, LIST_COURSES)
        assert told(client_of().get(f"courses/{crs(an_open_course())}")) == (None, None)
        assert "deprecated" not in entry("post", "courses")

    def test_is_marked_in_the_document(self, mark: Mark) -> None:
        mark(OPERATION, LIST_COURSES)
        marked = entry("get", "courses")
        assert (marked["deprecated"], marked["x-sunset"]) == (True, "2027-12-01")
        assert "gone from 2027-12-01 on. Instead: `courses.get`." in marked["description"]
        assert all(
            {"Deprecation", "Sunset", "Link"} <= set(answer["headers"]) for answer in marked["responses"].values()
        )


class TestAMember:
    def test_of_an_answer_says_so_where_it_is_given(self, mark: Mark) -> None:
        mark(member("summary"), COURSE)
        assert told(client_of().get("courses")) == HEADERS
        assert told(client_of().get(f"courses/{crs(an_open_course())}/reviews")) == (None, None)

    def test_far_inside_an_answer_says_so_too(self, mark: Mark) -> None:
        mark(member("count"), RATING)
        assert told(client_of().get(f"courses/{crs(an_open_course())}")) == HEADERS

    def test_of_a_body_says_so_when_it_is_sent(self, mark: Mark) -> None:
        mark(member("summary"), CREATE_COURSE)
        staff = client_of(staff_member())
        assert told(staff.post("courses", {"title": "Knots", "summary": "Ropes"})) == HEADERS
        assert told(staff.post("courses", {"title": "Knots"})) == (None, None)

    def test_of_a_query_says_so_when_it_is_sent(self, mark: Mark) -> None:
        mark(member("search"), COURSE_QUERY)
        assert told(client_of().get("courses?search=knots")) == HEADERS
        assert told(client_of().get("courses")) == (None, None)

    def test_is_marked_in_the_document(self, mark: Mark) -> None:
        mark(member("summary"), COURSE)
        mark(member("search"), COURSE_QUERY)
        [search] = [each for each in entry("get", "courses")["parameters"] if each["name"] == "search"]
        summary = openapi.document()["components"]["schemas"]["Course"]["properties"]["summary"]
        for marked in (search, summary):
            assert (marked["deprecated"], marked["x-sunset"]) == (True, "2027-12-01")
            assert "Instead: `description`." in marked["description"]

    def test_must_be_one_of_the_shape(self) -> None:
        with pytest.raises(ValueError, match="CourseView has no member 'subtitle'"):
            member("subtitle")(COURSE)


class TestTheEarliestDates:
    def test_are_told_where_several_things_leave(self, mark: Mark) -> None:
        mark(OPERATION, LIST_COURSES)
        mark(leaving(member="count", since=date(2026, 11, 1), sunset=date(2028, 1, 1), instead="`average`"), RATING)
        assert told(client_of().get("courses")) == ("@1793491200", HEADERS[1])


class TestNotice:
    def test_is_half_a_year_at_least(self) -> None:
        with pytest.raises(ValueError, match="180 days"):
            leaving(since=date(2027, 1, 1), sunset=date(2027, 6, 1), instead="`courses.get`")


class TestUses:
    def test_are_counted_by_user_agent(self, mark: Mark) -> None:
        mark(OPERATION, handler("get", "courses/crs_1"))
        path = f"courses/{crs(an_open_course())}"
        client_of(user_agent="lectern-mobile/4.2 (iPhone; iOS 20)").get(path)
        client_of(user_agent="lectern-mobile/4.2 (Pixel)").get(path)
        client_of().get(path)
        client_of(user_agent="\t<script>").get(path)
        assert uses("courses.get") == {"lectern-mobile/4.2": 2, "unnamed": 2}

    def test_are_counted_by_partner(self, mark: Mark) -> None:
        mark(OPERATION, handler("get", "partner/enrollments"))
        partner_client().get("partner/enrollments")
        [name] = uses("partners.list")
        assert name.startswith("ptn_")

    def test_do_not_grow_with_what_anybody_makes_up(self, mark: Mark, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(deprecation, "_clients", set())
        mark(OPERATION, LIST_COURSES)
        for number in range(120):
            client_of(user_agent=f"made-up/{number}").get("courses")
        counted = uses("courses.list")
        assert len([name for name in counted if name.startswith("made-up/")]) == 100
        assert counted["others"] == 20
