"""Lists of enrollments over HTTP, and what course staff do with what they find there."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from common.models import Event, User
from common.tests.factories import ApiClient, a_person, client_of, staff_member, usr
from common.tests.problems import pointers, refused
from common.tests.unchanged import nothing_changed
from courses.tests.factories import a_closed_course, a_draft, an_archived_course, an_open_course, archive, close, crs
from enrollments.tests.factories import (
    a_full_course,
    a_place_in_line,
    an_enrollment,
    complete,
    enr,
    revoke,
    status_of,
    withdraw,
    wle,
)

pytestmark = pytest.mark.django_db

UNKNOWN = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
ENROLLMENT = {"id", "course_id", "learner_id", "status", "source", "enrolled_at", "ended_at"}
PLACE = {"id", "course_id", "learner_id", "status", "position", "joined_at"}
CALLERS: dict[str, Callable[[], User | None]] = {
    "nobody": lambda: None,
    "a learner": a_person,
    "a moderator": lambda: a_person(groups=("Moderators",), is_staff=True),
    "one who may only view": lambda: a_person(permissions=("enrollments.view_enrollment",)),
    "course staff": staff_member,
    "a superuser": lambda: a_person(is_superuser=True),
}
# What each caller is answered, in the order of CALLERS.
# fmt: off
PERMISSIONS = {
    ("GET", "enrollments"):                         (401, 200, 200, 200, 200, 200),
    ("POST", "courses/{course}/enrollments"):       (401, 201, 201, 201, 201, 201),
    ("GET", "courses/{course}/enrollments/me"):     (401, 404, 404, 404, 404, 404),
    ("DELETE", "courses/{course}/enrollments/me"):  (401, 404, 404, 404, 404, 404),
    ("GET", "courses/{course}/enrollments"):        (401, 403, 403, 200, 200, 200),
    ("GET", "courses/{course}/waitlist"):           (401, 403, 403, 200, 200, 200),
    ("GET", "courses/{unknown}/enrollments"):       (401, 403, 403, 404, 404, 404),
    ("GET", "courses/{unknown}/waitlist"):          (401, 403, 403, 404, 404, 404),
    ("POST", "enrollments/{enrollment}/complete"):  (401, 403, 403, 403, 200, 200),
    ("POST", "enrollments/{enrollment}/revoke"):    (401, 403, 403, 403, 200, 200),
    ("POST", "enrollments/{none}/complete"):        (401, 403, 403, 403, 404, 404),
    ("POST", "enrollments/{none}/revoke"):          (401, 403, 403, 403, 404, 404),
    ("GET", "enrollments/{enrollment}"):            (404, 404, 404, 404, 404, 404),
}
# fmt: on


class TestPermissions:
    @pytest.mark.parametrize("number", range(len(CALLERS)), ids=list(CALLERS))
    @pytest.mark.parametrize("request_line", PERMISSIONS, ids=" ".join)
    def test_are_as_in_the_table(self, request_line: tuple[str, str], number: int) -> None:
        course_id = an_open_course()
        ids = {
            "course": crs(course_id),
            "unknown": crs(UNKNOWN),
            "enrollment": enr(an_enrollment(course_id).id),
            "none": enr(UNKNOWN),
        }
        client = client_of(list(CALLERS.values())[number]())
        status = PERMISSIONS[request_line][number]
        method, path = request_line
        if status < 400:
            assert client.generic(method, path.format(**ids)).status_code == status
            return
        with nothing_changed():
            response = client.generic(method, path.format(**ids))
        refused(response, status, response.json()["code"])


class TestMine:
    def test_are_over_all_courses_newest_first_with_the_names_of_the_courses(self) -> None:
        ada = a_person()
        course_ids = [an_open_course(title=title) for title in ("First", "Second")]
        for course_id in course_ids:
            an_enrollment(course_id, ada.pk)
        rows = client_of(ada).get("enrollments").json()["data"]
        assert [row["course"] for row in rows] == [
            {"id": crs(course_ids[1]), "slug": "second", "title": "Second"},
            {"id": crs(course_ids[0]), "slug": "first", "title": "First"},
        ]
        assert set(rows[0]) == {
            "id",
            "course_id",
            "learner_id",
            "status",
            "source",
            "enrolled_at",
            "ended_at",
            "course",
        }
        alone = client_of(ada).get(f"courses/{crs(course_ids[0])}/enrollments/me").json()["enrollment"]
        assert {**alone, "course": rows[1]["course"]} == rows[1]

    def test_hold_what_has_ended_but_no_places_in_line(self) -> None:
        ada = a_person()
        for end in (complete, revoke):
            end(an_enrollment(an_open_course(), ada.pk).id)
        withdraw(an_enrollment(an_open_course(), ada.pk).course_id, ada.pk)
        an_enrollment(an_open_course(), ada.pk)
        a_place_in_line(a_full_course()[0], ada.pk)
        client = client_of(ada)
        assert [row["status"] for row in client.get("enrollments").json()["data"]] == [
            "active",
            "withdrawn",
            "revoked",
            "completed",
        ]
        for status in ("active", "withdrawn", "revoked", "completed"):
            rows = client.get(f"enrollments?status={status}").json()["data"]
            assert [row["status"] for row in rows] == [status]

    def test_are_nobody_elses(self) -> None:
        an_enrollment(an_open_course())
        assert client_of(staff_member()).get("enrollments").json()["data"] == []
        refused(client_of().get("enrollments"), 401, "unauthenticated")

    @pytest.mark.parametrize("status", ["waiting", "left", "", "ACTIVE", "active,completed"])
    def test_know_no_other_status(self, status: str) -> None:
        refused(client_of(a_person()).get(f"enrollments?status={status}"), 400, "invalid_request")


def staff() -> ApiClient:
    return client_of(staff_member())


class TestRoster:
    def test_holds_everybody_who_was_ever_in_newest_first_with_their_names(self) -> None:
        course_id = an_open_course(capacity=4)
        ada = a_person(email="ada@example.org", display_name="Ada")
        complete(an_enrollment(course_id).id)
        revoke(an_enrollment(course_id).id)
        withdraw(course_id, an_enrollment(course_id).learner_id)
        an_enrollment(course_id, ada.pk)
        an_enrollment(an_open_course())
        rows = staff().get(f"courses/{crs(course_id)}/enrollments").json()["data"]
        assert [row["status"] for row in rows] == ["active", "withdrawn", "revoked", "completed"]
        assert set(rows[0]) == ENROLLMENT | {"learner"}
        assert rows[0]["learner"] == {"id": usr(ada.pk), "email": "ada@example.org", "display_name": "Ada"}
        assert rows[0]["learner_id"] == usr(ada.pk)

    @pytest.mark.parametrize("status", ["active", "completed", "withdrawn", "revoked"])
    def test_can_be_had_by_status(self, status: str) -> None:
        course_id = an_open_course(capacity=4)
        an_enrollment(course_id)
        complete(an_enrollment(course_id).id)
        revoke(an_enrollment(course_id).id)
        withdraw(course_id, an_enrollment(course_id).learner_id)
        rows = staff().get(f"courses/{crs(course_id)}/enrollments?status={status}").json()["data"]
        assert [row["status"] for row in rows] == [status]

    def test_holds_nobody_who_only_waits(self) -> None:
        course_id, (seated,), _ = a_full_course(waiting=2)
        rows = staff().get(f"courses/{crs(course_id)}/enrollments").json()["data"]
        assert [row["learner_id"] for row in rows] == [usr(seated)]

    @pytest.mark.parametrize("make", [a_draft, a_closed_course, an_archived_course])
    def test_is_there_for_every_course(self, make: Callable[[], UUID]) -> None:
        course = crs(make())
        for name in ("enrollments", "waitlist"):
            assert staff().get(f"courses/{course}/{name}").json()["data"] == []


class TestWaitlist:
    def test_holds_who_waits_in_queue_order(self) -> None:
        course_id, _, waiting = a_full_course(waiting=3)
        withdraw(course_id, waiting[1])
        rows = staff().get(f"courses/{crs(course_id)}/waitlist").json()["data"]
        assert [(row["learner_id"], row["position"]) for row in rows] == [(usr(waiting[0]), 1), (usr(waiting[2]), 2)]
        assert set(rows[0]) == PLACE | {"learner"}
        assert {row["status"] for row in rows} == {"waiting"}
        assert rows[0]["learner"]["id"] == usr(waiting[0])

    @pytest.mark.parametrize("query", ["status=waiting", "sort=newest"])
    def test_knows_no_filter(self, query: str) -> None:
        course_id = an_open_course()
        refused(staff().get(f"courses/{crs(course_id)}/waitlist?{query}"), 400, "invalid_request")


class TestDecide:
    @pytest.mark.parametrize(("step", "outcome"), [("complete", "completed"), ("revoke", "revoked")])
    @pytest.mark.parametrize("body", [None, {}, {"reason": "Passed."}, {"reason": ""}])
    def test_ends_an_active_enrollment(self, step: str, outcome: str, body: Any) -> None:
        enrollment = an_enrollment(course_id := an_open_course())
        response = staff().post(f"enrollments/{enr(enrollment.id)}/{step}", body)
        assert response.status_code == 200
        assert set(response.json()) == {"outcome", "message", "enrollment", "triggered"}
        assert (response.json()["outcome"], response.json()["triggered"]) == (outcome, [])
        assert (response.json()["enrollment"]["id"], response.json()["enrollment"]["status"]) == (
            enr(enrollment.id),
            outcome,
        )
        assert response.json()["enrollment"]["ended_at"].endswith("Z")
        assert status_of(course_id, enrollment.learner_id) == outcome
        event = Event.objects.get(type=f"enrollment.{outcome}")
        assert event.data["reason"] == (body or {}).get("reason", "")

    @pytest.mark.parametrize("step", ["complete", "revoke"])
    @pytest.mark.parametrize("end", [complete, revoke, lambda _: None])
    def test_refuses_what_has_ended(self, step: str, end: Callable[[UUID], object]) -> None:
        enrollment = an_enrollment(course_id := an_open_course())
        if end(enrollment.id) is None:
            withdraw(course_id, enrollment.learner_id)
        client = staff()
        with nothing_changed():
            body = refused(client.post(f"enrollments/{enr(enrollment.id)}/{step}"), 409, "invalid_transition")
        assert body["current_status"] == status_of(course_id, enrollment.learner_id)

    @pytest.mark.parametrize("step", ["complete", "revoke"])
    def test_knows_no_place_in_line(self, step: str) -> None:
        course_id, _, _ = a_full_course()
        entry = a_place_in_line(course_id)
        client = staff()
        with nothing_changed():
            for text in (enr(entry.id), wle(entry.id)):
                refused(client.post(f"enrollments/{text}/{step}"), 404, "enrollment_not_found")

    @pytest.mark.parametrize("step", ["complete", "revoke"])
    @pytest.mark.parametrize("reason", [None, 5, "x" * 501, ["x"], "a\0"])
    def test_takes_only_text_for_a_reason(self, step: str, reason: Any) -> None:
        path = f"enrollments/{enr(an_enrollment(an_open_course()).id)}/{step}"
        client = staff()
        with nothing_changed():
            assert pointers(client.post(path, {"reason": reason})) == {"/reason"}
            assert pointers(client.post(path, {"reason": "x", "note": "y"})) == {"/note"}

    @pytest.mark.parametrize("step", ["complete", "revoke"])
    def test_is_possible_when_the_course_is_over(self, step: str) -> None:
        enrollment = an_enrollment(course_id := an_open_course())
        close(course_id)
        archive(course_id)
        assert staff().post(f"enrollments/{enr(enrollment.id)}/{step}").status_code == 200
