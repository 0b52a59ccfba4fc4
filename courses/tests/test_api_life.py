"""The life of a course over HTTP: its five steps, and what they set in motion."""

from typing import Any
from uuid import UUID

import pytest
from django.http import HttpResponse

from common import jobs
from common.tests.factories import ApiClient, client_of, staff_member
from common.tests.problems import pointers, refused
from common.tests.unchanged import nothing_changed
from courses.tests.factories import a_closed_course, a_draft, an_archived_course, an_open_course, close, crs
from enrollments.tests.factories import a_full_course, status_of, withdraw

pytestmark = pytest.mark.django_db

MAKERS = {"draft": a_draft, "open": an_open_course, "closed": a_closed_course, "archived": an_archived_course}
STEPS = {"open": "opened", "close": "closed", "archive": "archived"}
LEGAL = {("draft", "open"), ("open", "close"), ("closed", "open"), ("draft", "archive"), ("closed", "archive")}


def staff() -> ApiClient:
    return client_of(staff_member())


def patch(course_id: UUID, **changes: Any) -> HttpResponse:
    return staff().patch(f"courses/{crs(course_id)}", changes, content_type="application/json")


def step(course_id: UUID, name: str) -> HttpResponse:
    return staff().post(f"courses/{crs(course_id)}/{name}")


def read(course_id: UUID) -> dict[str, Any]:
    body: dict[str, Any] = staff().get(f"courses/{crs(course_id)}").json()
    return body


class TestTransitions:
    @pytest.mark.parametrize("name", STEPS)
    @pytest.mark.parametrize("status", MAKERS)
    def test_are_five_and_no_other(self, status: str, name: str) -> None:
        course_id, client = MAKERS[status](), staff()
        path = f"courses/{crs(course_id)}/{name}"
        if (status, name) not in LEGAL:
            with nothing_changed():
                body = refused(client.post(path), 409, "invalid_transition")
            assert body["current_status"] == status
            return
        response = client.post(path)
        body = response.json()
        assert response.status_code == 200
        assert set(body) == {"outcome", "message", "course", "triggered"}
        assert (body["outcome"], body["triggered"]) == (STEPS[name], [])
        assert body["message"]
        assert body["course"] == read(course_id)
        assert body["course"]["status"] == {"open": "open", "close": "closed", "archive": "archived"}[name]

    @pytest.mark.parametrize("body", [{"status": "open"}, [], "x", {"reason": ""}])
    def test_take_no_body(self, body: Any) -> None:
        course_id, client = a_draft(), staff()
        with nothing_changed():
            pointers(client.post(f"courses/{crs(course_id)}/open", body))

    @pytest.mark.parametrize("name", ["publish", "reopen", "draft", ""])
    def test_have_no_other_names(self, name: str) -> None:
        refused(step(a_draft(), name), 404, "not_found")


class TestTriggered:
    def test_by_more_capacity_is_the_promotion_of_those_who_wait(self) -> None:
        course_id, _, waiting = a_full_course(waiting=3)
        assert patch(course_id, capacity=3).json()["triggered"] == ["waitlist_promotion"]
        jobs.run_pending()
        assert [status_of(course_id, learner) for learner in waiting] == ["active", "active", "waiting"]
        assert (read(course_id)["seats_available"], read(course_id)["waitlist_length"]) == (0, 1)

    def test_by_no_limit_is_the_promotion_of_everybody(self) -> None:
        course_id, _, waiting = a_full_course(waiting=3)
        assert patch(course_id, capacity=None).json()["triggered"] == ["waitlist_promotion"]
        jobs.run_pending()
        assert {status_of(course_id, learner) for learner in waiting} == {"active"}

    def test_by_reopening_is_the_promotion_of_those_who_wait(self) -> None:
        course_id, (seated,), (waiting,) = a_full_course(waiting=1)
        close(course_id)
        withdraw(course_id, seated)
        assert status_of(course_id, waiting) == "waiting"
        assert step(course_id, "open").json()["triggered"] == ["waitlist_promotion"]
        jobs.run_pending()
        assert status_of(course_id, waiting) == "active"

    def test_by_archiving_is_the_end_of_waiting(self) -> None:
        course_id, _, (waiting,) = a_full_course(waiting=1)
        close(course_id)
        assert step(course_id, "archive").json()["triggered"] == ["waitlist_expiry"]
        jobs.run_pending()
        assert status_of(course_id, waiting) == "expired"
        assert read(course_id)["waitlist_length"] == 0

    def test_is_nothing_where_nobody_waits_or_no_seat_comes_free(self) -> None:
        full, _, _ = a_full_course(waiting=1)
        assert patch(full, title="New").json()["triggered"] == []
        assert patch(full, capacity=1).json()["triggered"] == []
        assert patch(full, waitlist_enabled=False).json()["triggered"] == []
        assert step(full, "close").json()["triggered"] == []
        assert patch(full, capacity=9).json()["triggered"] == []
        empty = an_open_course(capacity=1)
        assert patch(empty, capacity=2).json()["triggered"] == []
        assert jobs.waiting() == []

    def test_is_nothing_when_it_reopens_without_a_free_seat(self) -> None:
        course_id, _, _ = a_full_course(waiting=1)
        close(course_id)
        assert step(course_id, "open").json()["triggered"] == []
