"""Courses over HTTP: who may do what, creating and changing."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.http import HttpResponse

from common.models import User
from common.tests.factories import ApiClient, a_person, client_of, staff_member, usr
from common.tests.problems import pointers, refused
from common.tests.unchanged import nothing_changed
from courses.tests.factories import (
    a_closed_course,
    a_draft,
    an_archived_course,
    an_open_course,
    crs,
)
from enrollments.tests.factories import a_full_course, a_place_in_line, an_enrollment, complete

pytestmark = pytest.mark.django_db

MEMBERS = {
    "id",
    "slug",
    "title",
    "summary",
    "description",
    "instructor",
    "status",
    "is_open",
    "capacity",
    "seats_available",
    "waitlist_enabled",
    "waitlist_length",
    "enrollment_opens_at",
    "enrollment_closes_at",
    "rating",
    "created_at",
    "updated_at",
}
MAKERS = {"draft": a_draft, "open": an_open_course, "closed": a_closed_course, "archived": an_archived_course}


def staff() -> ApiClient:
    return client_of(staff_member())


def create(**body: Any) -> HttpResponse:
    return staff().post("courses", {"title": "Knots", **body})


def patch(course_id: UUID, **changes: Any) -> HttpResponse:
    return staff().patch(f"courses/{crs(course_id)}", changes, content_type="application/json")


def read(course_id: UUID) -> dict[str, Any]:
    body: dict[str, Any] = staff().get(f"courses/{crs(course_id)}").json()
    return body


CALLERS: dict[str, Callable[[], User | None]] = {
    "nobody": lambda: None,
    "a learner": a_person,
    "a moderator": lambda: a_person(groups=("Moderators",), is_staff=True),
    "one who may use the admin": lambda: a_person(is_staff=True),
    "course staff": staff_member,
    "a superuser": lambda: a_person(is_superuser=True),
}
# What each caller is answered, in the order of CALLERS.
# fmt: off
PERMISSIONS = {
    ("GET", "courses", None):                  (200, 200, 200, 200, 200, 200),
    ("GET", "courses/{open}", None):           (200, 200, 200, 200, 200, 200),
    ("GET", "courses/{closed}", None):         (200, 200, 200, 200, 200, 200),
    ("GET", "courses/{archived}", None):       (200, 200, 200, 200, 200, 200),
    ("GET", "courses/{draft}", None):          (404, 404, 404, 404, 200, 200),
    ("GET", "courses/{unknown}", None):        (404, 404, 404, 404, 404, 404),
    ("POST", "courses", '{"title": "Knots"}'): (401, 403, 403, 403, 201, 201),
    ("POST", "courses", "{bad"):               (401, 403, 403, 403, 400, 400),
    ("PATCH", "courses/{open}", "{}"):         (401, 403, 403, 403, 200, 200),
    ("PATCH", "courses/{draft}", "{}"):        (401, 403, 403, 403, 200, 200),
    ("PATCH", "courses/{unknown}", "{bad"):    (401, 403, 403, 403, 404, 404),
    ("POST", "courses/{draft}/open", ""):      (401, 403, 403, 403, 200, 200),
    ("POST", "courses/{open}/close", ""):      (401, 403, 403, 403, 200, 200),
    ("POST", "courses/{closed}/archive", ""):  (401, 403, 403, 403, 200, 200),
    ("POST", "courses/{unknown}/open", ""):    (401, 403, 403, 403, 404, 404),
    ("POST", "courses/{open}/open", ""):       (401, 403, 403, 403, 409, 409),
    ("DELETE", "courses/{open}", None):        (405, 405, 405, 405, 405, 405),
}
# fmt: on
CODES = {400: "invalid_request", 401: "unauthenticated", 403: "permission_denied", 404: "course_not_found"}
CODES |= {405: "method_not_allowed", 409: "invalid_transition"}


class TestPermissions:
    @pytest.mark.parametrize("number", range(len(CALLERS)), ids=list(CALLERS))
    @pytest.mark.parametrize("request_line", PERMISSIONS, ids=lambda line: f"{line[0]} {line[1]} {line[2] or ''}")
    def test_are_as_in_the_table(self, request_line: tuple[str, str, str | None], number: int) -> None:
        method, path, body = request_line
        ids = {status: crs(make()) for status, make in MAKERS.items()} | {
            "unknown": usr(a_person().pk).replace("usr", "crs")
        }
        client = client_of(list(CALLERS.values())[number]())
        status = PERMISSIONS[request_line][number]
        if status < 400:
            assert client.generic(method, path.format(**ids), body or "").status_code == status
            return
        with nothing_changed():
            refused(client.generic(method, path.format(**ids), body or ""), status, CODES[status])


class TestCreate:
    def test_makes_a_draft_that_can_be_found_where_the_answer_says(self) -> None:
        response = create()
        assert response.status_code == 201
        assert response["Location"] == f"/api/v1/courses/{response.json()['id']}"
        again = staff().get(response["Location"])
        assert again.json() == response.json()
        assert again["ETag"] == response["ETag"]

    def test_leaves_empty_what_is_not_said(self) -> None:
        body = create().json()
        assert set(body) == MEMBERS
        assert re.fullmatch(r"crs_[0-7][0-9a-hjkmnp-tv-z]{25}", body["id"])
        assert {name: body[name] for name in MEMBERS - {"id", "created_at", "updated_at"}} == {
            "slug": "knots",
            "title": "Knots",
            "summary": "",
            "description": "",
            "instructor": "",
            "status": "draft",
            "is_open": False,
            "capacity": None,
            "seats_available": None,
            "waitlist_enabled": False,
            "waitlist_length": 0,
            "enrollment_opens_at": None,
            "enrollment_closes_at": None,
            "rating": {"average": None, "count": 0},
        }
        assert all(
            re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", body[name])
            for name in ("created_at", "updated_at")
        )

    def test_takes_every_field(self) -> None:
        given = {
            "title": "Reading Shakespeare Aloud",
            "slug": "shakespeare-2027",
            "summary": "Six evenings.",
            "description": "Line one.\nLine two.\t– “quoted” 🎭",
            "instructor": "Miriam Okafor",
            "capacity": 30,
            "waitlist_enabled": True,
            "enrollment_opens_at": "2027-01-01T00:00:00Z",
            "enrollment_closes_at": "2027-02-01T12:30:45.123456Z",
        }
        body = create(**given).json()
        assert {name: body[name] for name in given} == given
        assert body["seats_available"] == 30

    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ("2027-01-31T09:00:00+02:00", "2027-01-31T07:00:00Z"),
            ("2027-01-31T09:00:00-00:00", "2027-01-31T09:00:00Z"),
            ("2027-01-31t09:00:00z", "2027-01-31T09:00:00Z"),
            ("2027-01-31T09:00:00.5Z", "2027-01-31T09:00:00.500000Z"),
            ("2027-01-31T09:00:00.123456789Z", "2027-01-31T09:00:00.123456Z"),
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
            ("1900-01-01T00:00:00Z", "1900-01-01T00:00:00Z"),
        ],
    )
    def test_keeps_times_in_utc(self, given: str, kept: str) -> None:
        assert create(enrollment_opens_at=given).json()["enrollment_opens_at"] == kept

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            *(("title", value) for value in (None, "", "  ", "x" * 201, "a\nb", "a\0", 5, [], {})),
            *(("slug", value) for value in (None, "", "Ab", "a--b", "-a", "a-", "a b", "é", "a_b", "x" * 101, 5)),
            *(("summary", value) for value in (None, "x" * 501, 5)),
            *(("description", value) for value in (None, "x" * 20_001, 5)),
            *(("instructor", value) for value in (None, "x" * 201, "a\nb", 5)),
            *(("capacity", value) for value in (-1, 1.5, True, "5", 2**31, 2**63, 10**400, [], "")),
            *(("waitlist_enabled", value) for value in (None, "true", 1, 0, "")),
            *(
                ("enrollment_opens_at", value)
                for value in (
                    "",
                    "2027-01-31",
                    "2027-01-31T09:00:00",
                    "2027-01-31T09:00Z",
                    "2027-01-31 09:00:00Z",
                    "20270131T090000Z",
                    "2027-W05-1T09:00:00Z",
                    "2027-01-31T09:00:00+02",
                    "2027-01-31T09:00:00,5Z",
                    "2027-02-30T00:00:00Z",
                    "2027-01-31T24:00:00Z",
                    "2027-01-31T23:59:60Z",
                    "2027-01-31T09:00:00+99:00",
                    "٢٠27-01-31T09:00:00Z",
                    "0001-01-01T00:00:00Z",
                    "9999-12-31T23:59:59-23:59",
                    "infinity",
                    1700000000,
                    True,
                )
            ),
            *((name, "x") for name in ("id", "status", "is_open", "rating", "seats_available", "titel")),
        ],
        ids=lambda value: repr(value)[:25],
    )
    def test_refuses_what_no_course_can_have(self, field: str, value: Any) -> None:
        client = staff()
        with nothing_changed():
            assert pointers(client.post("courses", {"title": "Knots", field: value})) == {f"/{field}"}

    @pytest.mark.parametrize("capacity", [0, 1, 1_000_000, 5.0, 1e3, None])
    def test_takes_any_whole_capacity(self, capacity: Any) -> None:
        assert create(capacity=capacity).json()["capacity"] == capacity

    @pytest.mark.parametrize("closes", ["2027-01-01T00:00:00Z", "2026-12-31T23:59:59Z", "2027-01-01T01:00:00+01:00"])
    def test_refuses_a_window_that_closes_before_it_opens(self, closes: str) -> None:
        client = staff()
        body = {"title": "Knots", "enrollment_opens_at": "2027-01-01T00:00:00Z", "enrollment_closes_at": closes}
        with nothing_changed():
            assert pointers(client.post("courses", body)) == {"/enrollment_closes_at"}


class TestSlug:
    @pytest.mark.parametrize(
        ("title", "slug"),
        [
            ("Reading Shakespeare, Aloud!", "reading-shakespeare-aloud"),
            ("Crème Brûlée", "creme-brulee"),
            ("  C++ & C#  ", "c-c"),
            ("日本語", "course"),
            ("🎉", "course"),
            ("x" * 200, "x" * 80),
        ],
    )
    def test_is_made_from_the_title(self, title: str, slug: str) -> None:
        assert create(title=title).json()["slug"] == slug

    def test_that_is_made_gives_way_to_one_that_is_taken(self) -> None:
        first, second = create().json(), create().json()
        assert first["slug"] == "knots"
        assert re.fullmatch(r"knots-[0-9a-f]{8}", second["slug"])

    def test_that_is_asked_for_must_be_free(self) -> None:
        taken, other = create(slug="bends").json(), a_draft()
        client = staff()
        with nothing_changed():
            refused(client.post("courses", {"title": "B", "slug": "bends"}), 409, "slug_already_used")
            response = client.patch(f"courses/{crs(other)}", {"slug": "bends"}, content_type="application/json")
            refused(response, 409, "slug_already_used")
        assert taken["slug"] == "bends"

    def test_may_be_set_again_to_what_it_is(self) -> None:
        course_id = a_draft(slug="bends")
        assert patch(course_id, slug="bends").json()["slug"] == "bends"


class TestPatch:
    def test_changes_what_it_names_and_nothing_else(self) -> None:
        course_id = a_draft(title="Knots", summary="Old", capacity=5)
        before = read(course_id)
        response = patch(course_id, summary="New", waitlist_enabled=True)
        assert response.status_code == 200
        body = response.json()
        assert set(body) == MEMBERS | {"triggered"}
        assert body.pop("triggered") == []
        expected = {**before, "summary": "New", "waitlist_enabled": True, "updated_at": body["updated_at"]}
        assert body == expected == read(course_id)
        assert body["updated_at"] > before["updated_at"]

    def test_with_null_takes_away_the_limit_and_the_window(self) -> None:
        window = {"enrollment_opens_at": "2027-01-01T00:00:00Z", "enrollment_closes_at": "2027-02-01T00:00:00Z"}
        course_id = a_draft(capacity=5)
        patch(course_id, **window)
        body = patch(course_id, capacity=None, enrollment_opens_at=None, enrollment_closes_at=None).json()
        assert [body[name] for name in ("capacity", "seats_available", *window)] == [None] * 4

    def test_checks_half_a_window_against_the_other_half(self) -> None:
        course_id = a_draft()
        patch(course_id, enrollment_closes_at="2027-01-01T00:00:00Z")
        client = staff()
        with nothing_changed():
            late = {"enrollment_opens_at": "2027-01-01T00:00:00Z"}
            response = client.patch(f"courses/{crs(course_id)}", late, content_type="application/json")
            assert pointers(response) == {"/enrollment_closes_at"}

    @pytest.mark.parametrize("status", MAKERS)
    def test_is_possible_in_every_state(self, status: str) -> None:
        assert patch(MAKERS[status](), title="New").json()["title"] == "New"

    def test_keeps_the_capacity_above_the_seats_taken(self) -> None:
        course_id, _, _ = a_full_course(capacity=3, waiting=1)
        client = staff()
        with nothing_changed():
            response = client.patch(f"courses/{crs(course_id)}", {"capacity": 2}, content_type="application/json")
            body = refused(response, 409, "capacity_below_enrollment")
        assert body["seats_taken"] == 3
        assert "3 seats" in body["detail"]
        assert patch(course_id, capacity=3).status_code == 200

    def test_counts_completed_enrollments_as_seats_taken(self) -> None:
        course_id = an_open_course(capacity=2)
        complete(an_enrollment(course_id).id)
        refused(patch(course_id, capacity=0), 409, "capacity_below_enrollment")

    @pytest.mark.parametrize("field", ["status", "id", "is_open", "created_at", "waitlist_length"])
    def test_refuses_what_is_not_for_staff_to_set(self, field: str) -> None:
        course_id, client = a_draft(), staff()
        with nothing_changed():
            response = client.patch(f"courses/{crs(course_id)}", {field: "x"}, content_type="application/json")
            assert pointers(response) == {f"/{field}"}


class TestSeats:
    def test_are_what_the_capacity_leaves(self) -> None:
        course_id = an_open_course(capacity=3, waitlist_enabled=True)
        an_enrollment(course_id)
        complete(an_enrollment(course_id).id)
        assert (read(course_id)["seats_available"], read(course_id)["waitlist_length"]) == (1, 0)
        an_enrollment(course_id)
        a_place_in_line(course_id)
        assert (read(course_id)["seats_available"], read(course_id)["waitlist_length"]) == (0, 1)

    def test_are_unknown_where_there_is_no_limit(self) -> None:
        course_id = an_open_course()
        an_enrollment(course_id)
        assert (read(course_id)["capacity"], read(course_id)["seats_available"]) == (None, None)

    def test_of_nobody_are_none(self) -> None:
        assert read(an_open_course(capacity=0))["seats_available"] == 0
