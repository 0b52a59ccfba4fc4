"""Lists: the envelope, cursors that are good for one list only, traversals that miss nothing and repeat nothing."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.core import signing
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common.models import User
from common.tests.factories import ApiClient, a_person, client_of, staff_member
from common.tests.problems import refused
from courses.tests.factories import a_draft, an_open_course, archive, close, crs
from enrollments.tests.factories import a_full_course, an_enrollment, withdraw

pytestmark = pytest.mark.django_db


def titles(count: int) -> list[str]:
    return [f"Knots {number:03}" for number in range(count)]


def walk(client: ApiClient, path: str, between: Callable[[int], object] = lambda _: None) -> list[dict[str, Any]]:
    """All rows of a list, page by page; `between` runs after each page with its number."""
    rows: list[dict[str, Any]] = []
    link = path
    for page in range(100):
        body = client.get(link).json()
        rows += body["data"]
        between(page)
        assert body["page"]["has_more"] == (body["page"]["next_cursor"] is not None)
        if not body["page"]["has_more"]:
            return rows
        link = f"{path}{'&' if '?' in path else '?'}cursor={body['page']['next_cursor']}"
    raise AssertionError("the list has no end")


def cursor_of(client: ApiClient, path: str) -> str:
    cursor: str = client.get(path).json()["page"]["next_cursor"]
    assert cursor
    return cursor


class TestEnvelope:
    def test_of_an_empty_list(self) -> None:
        page = {"limit": 20, "next_cursor": None, "has_more": False}
        assert client_of().get("courses").json() == {"data": [], "page": page}

    def test_of_a_page_among_others(self) -> None:
        for title in titles(3):
            an_open_course(title=title)
        body = client_of().get("courses?limit=2").json()
        assert len(body["data"]) == 2
        assert (body["page"]["limit"], body["page"]["has_more"]) == (2, True)
        assert body["page"]["next_cursor"]

    def test_of_a_page_that_holds_just_all(self) -> None:
        for title in titles(2):
            an_open_course(title=title)
        assert client_of().get("courses?limit=2").json()["page"]["has_more"] is False

    def test_has_20_rows_unless_asked_otherwise_and_never_more_than_100(self) -> None:
        for title in titles(101):
            an_open_course(title=title)
        assert len(client_of().get("courses").json()["data"]) == 20
        assert len(client_of().get("courses?limit=100").json()["data"]) == 100

    def test_has_no_total(self) -> None:
        assert set(client_of().get("courses").json()) == {"data", "page"}
        assert set(client_of().get("courses").json()["page"]) == {"limit", "next_cursor", "has_more"}


class TestCursor:
    @pytest.fixture(autouse=True)
    def courses(self) -> list[UUID]:
        return [an_open_course(title=title) for title in titles(5)]

    def test_goes_on_with_another_limit(self) -> None:
        cursor = cursor_of(client_of(), "courses?sort=title&limit=2")
        body = client_of().get(f"courses?sort=title&limit=3&cursor={cursor}").json()
        assert [course["title"] for course in body["data"]] == titles(5)[2:]

    def test_can_be_used_again(self) -> None:
        path = f"courses?limit=2&cursor={cursor_of(client_of(), 'courses?limit=2')}"
        assert client_of().get(path).json()["data"] == client_of().get(path).json()["data"]

    def test_is_safe_in_a_url_as_it_is(self) -> None:
        cursor = cursor_of(client_of(), "courses?sort=title&limit=2")
        assert all(letter.isascii() and (letter.isalnum() or letter in "-_:.~") for letter in cursor)

    def test_stays_short_whatever_it_must_remember(self) -> None:
        for _ in range(2):
            an_open_course(title="".join(chr(0x1F300 + (7919 * number) % 700) for number in range(200)))
        cursor = cursor_of(client_of(), "courses?sort=title&limit=6")
        assert len(cursor) < 1500
        assert len(client_of().get(f"courses?sort=title&limit=6&cursor={cursor}").json()["data"]) == 1

    @pytest.mark.parametrize(
        "query",
        ["", "sort=newest", "sort=rating", "sort=title&status=open", "sort=title&search=", "sort=title&is_open=true"],
    )
    def test_is_no_good_for_another_filter_or_sort(self, query: str) -> None:
        cursor = cursor_of(client_of(), "courses?sort=title&limit=2")
        refused(client_of().get(f"courses?{query}&cursor={cursor}"), 400, "invalid_cursor")

    def test_is_no_good_for_another_value_of_a_filter(self) -> None:
        cursor = cursor_of(client_of(), "courses?search=knots&limit=2")
        refused(client_of().get(f"courses?search=bends&cursor={cursor}"), 400, "invalid_cursor")

    def test_is_no_good_for_another_list(self) -> None:
        cursor = cursor_of(client_of(), "courses?limit=2")
        refused(client_of(a_person()).get(f"enrollments?cursor={cursor}"), 400, "invalid_cursor")

    def test_of_one_courses_list_is_no_good_for_another_course(self) -> None:
        full, _, _ = a_full_course(waiting=2)
        other, _, _ = a_full_course(waiting=2)
        staff = client_of(staff_member())
        cursor = cursor_of(staff, f"courses/{crs(full)}/waitlist?limit=1")
        refused(staff.get(f"courses/{crs(other)}/waitlist?cursor={cursor}"), 400, "invalid_cursor")
        refused(staff.get(f"courses/{crs(full)}/enrollments?cursor={cursor}"), 400, "invalid_cursor")

    def test_of_a_private_list_is_no_good_for_another_caller(self, courses: list[UUID]) -> None:
        ada, bob = a_person(), a_person()
        for course_id in courses[:2]:
            an_enrollment(course_id, ada.pk)
            an_enrollment(course_id, bob.pk)
        cursor = cursor_of(client_of(ada), "enrollments?limit=1")
        refused(client_of(bob).get(f"enrollments?cursor={cursor}"), 400, "invalid_cursor")
        assert client_of(ada).get(f"enrollments?cursor={cursor}").status_code == 200

    def test_of_a_public_list_is_good_for_anyone(self) -> None:
        cursor = cursor_of(client_of(), "courses?limit=2")
        assert client_of(a_person()).get(f"courses?limit=2&cursor={cursor}").status_code == 200

    def test_of_staff_shows_drafts_to_nobody_else(self) -> None:
        drafts = {crs(a_draft(title=title)) for title in titles(3)}
        cursor = cursor_of(client_of(staff_member()), "courses?sort=title&limit=1")
        rows = client_of().get(f"courses?sort=title&limit=100&cursor={cursor}").json()["data"]
        assert rows
        assert not drafts & {row["id"] for row in rows}

    @pytest.mark.parametrize("cursor", ["", "x", "..", "x" * 3500, "é", "null", "eyJhIjoxfQ:1abcde:signature"])
    def test_that_was_made_up_is_refused(self, cursor: str) -> None:
        refused(client_of().get("courses", {"cursor": cursor}), 400, "invalid_cursor")

    def test_that_was_tampered_with_is_refused(self) -> None:
        cursor = cursor_of(client_of(), "courses?limit=2&sort=title")
        payload, stamp, signature = cursor.split(":")
        forged = cursor_of(client_of(), "courses?limit=3&sort=title").partition(":")[0]
        assert forged != payload
        for tampered in (f"{forged}:{stamp}:{signature}", cursor[:-1], cursor + "x", f"{payload}:{signature}"):
            refused(client_of().get(f"courses?limit=2&sort=title&cursor={tampered}"), 400, "invalid_cursor")

    def test_that_was_signed_for_another_purpose_is_refused(self) -> None:
        foreign = signing.dumps([["Knots"], ["/api/v1/courses", "", "('sort', 'newest')"]])
        refused(client_of().get("courses", {"cursor": foreign}), 400, "invalid_cursor")

    def test_expires(self, monkeypatch: pytest.MonkeyPatch) -> None:
        then = signing.time.time() - settings.CURSOR_LIFETIME.total_seconds()
        with monkeypatch.context() as past:
            past.setattr(signing.time, "time", lambda: then - 2)
            expired = cursor_of(client_of(), "courses?limit=2")
            past.setattr(signing.time, "time", lambda: then + 60)
            young = cursor_of(client_of(), "courses?limit=2")
        refused(client_of().get(f"courses?limit=2&cursor={expired}"), 400, "invalid_cursor")
        assert client_of().get(f"courses?limit=2&cursor={young}").status_code == 200


class TestTraversal:
    @pytest.mark.parametrize("sort", ["newest", "title", "rating"])
    @pytest.mark.parametrize("limit", [1, 3, 7, 100])
    def test_sees_each_course_once_whatever_the_page(self, sort: str, limit: int) -> None:
        # Equal titles and equal ratings, so that only the id tells the rows apart.
        there = {crs(an_open_course(title="Knots")) for _ in range(7)}
        seen = [course["id"] for course in walk(client_of(), f"courses?sort={sort}&limit={limit}")]
        assert sorted(seen) == sorted(there)

    @pytest.mark.parametrize("sort", ["newest", "title", "rating"])
    def test_sees_what_stays_exactly_once_while_other_courses_come_and_go(self, sort: str) -> None:
        ids = [an_open_course(title=title) for title in titles(12)]
        goes = ids[1::4]

        def come_and_go(page: int) -> None:
            an_open_course(title=f"Knots {page:03}½")
            if page < len(goes):
                close(goes[page])
                archive(goes[page])

        seen = [row["id"] for row in walk(client_of(), f"courses?status=open&sort={sort}&limit=2", come_and_go)]
        assert len(seen) == len(set(seen))
        assert {crs(course_id) for course_id in ids if course_id not in goes} <= set(seen)

    def test_by_title_heeds_no_case(self) -> None:
        for title in ("bends", "Anchors", "Éclairs", "anchors", "Bends", "ZEBRAS"):
            an_open_course(title=title)
        seen = [row["title"] for row in walk(client_of(), "courses?sort=title&limit=1")]
        assert [title.casefold() for title in seen[:4]] == ["anchors", "anchors", "bends", "bends"]
        assert set(seen[4:]) == {"Éclairs", "ZEBRAS"}

    def test_of_ones_own_enrollments_survives_withdrawals(self) -> None:
        ada = a_person()
        ids = [an_open_course() for _ in range(6)]
        for course_id in ids:
            an_enrollment(course_id, ada.pk)
        rows = walk(client_of(ada), "enrollments?limit=2", lambda page: withdraw(ids[page], ada.pk))
        assert [row["course_id"] for row in rows] == [crs(course_id) for course_id in reversed(ids)]

    def test_of_the_line_goes_in_queue_order_while_it_moves(self) -> None:
        full, _, waiting = a_full_course(waiting=6)
        staff = client_of(staff_member())

        def move(page: int) -> None:
            if page == 0:
                withdraw(full, waiting[0])
                withdraw(full, waiting[5])

        rows = walk(staff, f"courses/{crs(full)}/waitlist?limit=2", move)
        emails = dict(User.objects.values_list("pk", "email"))
        assert [row["learner"]["email"] for row in rows] == [emails[learner] for learner in waiting[:5]]
        assert [row["position"] for row in rows] == [1, 2, 2, 3, 4]

    def test_costs_the_same_number_of_queries_on_every_page_of_any_size(self) -> None:
        ada = a_person()
        course, _, _ = a_full_course(capacity=3, waiting=4)
        for _ in range(4):
            an_enrollment(an_open_course(), ada.pk)
        staff = client_of(staff_member())
        for client, path in (
            (client_of(), "courses"),
            (client_of(ada), "enrollments"),
            (staff, f"courses/{crs(course)}/enrollments"),
            (staff, f"courses/{crs(course)}/waitlist"),
        ):
            costs = []
            for query in ("limit=1", "limit=2", f"limit=2&cursor={cursor_of(client, f'{path}?limit=2')}"):
                with CaptureQueriesContext(connection) as queries:
                    client.get(f"{path}?{query}")
                costs.append(len(queries))
            assert len(set(costs)) == 1, (path, costs)
