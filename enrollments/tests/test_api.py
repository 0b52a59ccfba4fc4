"""Enrollments over HTTP, as a learner sees them: enrolling, one's standing, withdrawing."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.http import HttpResponse

from common import clock, jobs
from common.models import User
from common.tests.factories import NOW, a_person, client_of, staff_member, usr
from common.tests.problems import pointers, refused
from common.tests.unchanged import nothing_changed
from courses.tests.factories import (
    a_closed_course,
    a_draft,
    an_archived_course,
    an_open_course,
    archive,
    change,
    close,
    crs,
    seats_and_line,
)
from enrollments.tests.factories import (
    a_full_course,
    a_place_in_line,
    an_enrollment,
    complete,
    enr,
    line,
    revoke,
    status_of,
    wle,
)

pytestmark = pytest.mark.django_db

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
UNKNOWN = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """The present instant is that of the factories."""
    monkeypatch.setattr(clock, "now", lambda: NOW)


def enroll(person: User | None, course_id: UUID, body: Any = None) -> HttpResponse:
    return client_of(person).post(f"courses/{crs(course_id)}/enrollments", body)


def standing(person: User | None, course_id: UUID) -> HttpResponse:
    return client_of(person).get(f"courses/{crs(course_id)}/enrollments/me")


def leave(person: User | None, course_id: UUID) -> HttpResponse:
    return client_of(person).delete(f"courses/{crs(course_id)}/enrollments/me")


class TestEnroll:
    @pytest.mark.parametrize("body", [None, {}])
    def test_gives_a_seat(self, body: Any) -> None:
        ada, course_id = a_person(), an_open_course(capacity=1)
        response = enroll(ada, course_id, body)
        assert response.status_code == 201
        assert response["Location"] == f"/api/v1/courses/{crs(course_id)}/enrollments/me"
        assert set(response.json()) == {"outcome", "message", "enrollment", "waitlist_entry"}
        assert (response.json()["outcome"], response.json()["waitlist_entry"]) == ("enrolled", None)
        enrollment = response.json()["enrollment"]
        assert TIME.fullmatch(enrollment["enrolled_at"])
        assert re.fullmatch(r"enr_[0-7][0-9a-hjkmnp-tv-z]{25}", enrollment["id"])
        assert {**enrollment, "id": "", "enrolled_at": ""} == {
            "id": "",
            "course_id": crs(course_id),
            "learner_id": usr(ada.pk),
            "status": "active",
            "source": "self",
            "enrolled_at": "",
            "ended_at": None,
        }
        assert client_of(ada).get(response["Location"]).json()["enrollment"] == enrollment

    def test_gives_a_place_in_line_where_all_seats_are_taken(self) -> None:
        ada = a_person()
        course_id, _, _ = a_full_course(waiting=2)
        response = enroll(ada, course_id)
        assert response.status_code == 202
        assert response["Location"] == f"/api/v1/courses/{crs(course_id)}/enrollments/me"
        assert set(response.json()) == {"outcome", "message", "enrollment", "waitlist_entry"}
        assert (response.json()["outcome"], response.json()["enrollment"]) == ("waitlisted", None)
        assert "number 3" in response.json()["message"]
        entry = response.json()["waitlist_entry"]
        assert TIME.fullmatch(entry["joined_at"])
        assert re.fullmatch(r"wle_[0-7][0-9a-hjkmnp-tv-z]{25}", entry["id"])
        assert {**entry, "id": "", "joined_at": ""} == {
            "id": "",
            "course_id": crs(course_id),
            "learner_id": usr(ada.pk),
            "status": "waiting",
            "position": 3,
            "joined_at": "",
        }
        assert client_of(ada).get(response["Location"]).json()["waitlist_entry"] == entry

    @pytest.mark.parametrize("body", [{"learner_id": "usr_x"}, {"source": "staff"}, [], "x", 1])
    def test_takes_no_body(self, body: Any) -> None:
        ada, course_id = a_person(), an_open_course()
        with nothing_changed():
            pointers(enroll(ada, course_id, body))

    def test_is_for_anybody_who_is_signed_in(self) -> None:
        course_id = an_open_course()
        assert enroll(staff_member(), course_id).status_code == 201
        assert enroll(a_person(groups=("Moderators",)), course_id).status_code == 201


Case = Callable[[User], UUID]


def closed_and_already_enrolled(ada: User) -> UUID:
    course_id = an_open_course()
    an_enrollment(course_id, ada.pk)
    close(course_id)
    return course_id


def closed_and_already_waiting(ada: User) -> UUID:
    course_id, _, _ = a_full_course()
    a_place_in_line(course_id, ada.pk)
    close(course_id)
    return course_id


def closed_and_full(_: User) -> UUID:
    course_id, _, _ = a_full_course(waitlist_enabled=False)
    close(course_id)
    return course_id


def enrolled_and_full(ada: User) -> UUID:
    course_id = an_open_course(capacity=1)
    an_enrollment(course_id, ada.pk)
    return course_id


def completed_and_full(ada: User) -> UUID:
    course_id = an_open_course(capacity=1)
    complete(an_enrollment(course_id, ada.pk).id)
    return course_id


def waiting_and_full(ada: User) -> UUID:
    course_id, _, _ = a_full_course()
    a_place_in_line(course_id, ada.pk)
    change(course_id, waitlist_enabled=False)
    return course_id


class TestRefusals:
    """In this order: who, what, is it open, what does the learner have, is there room."""

    @pytest.mark.parametrize(
        ("case", "status", "code"),
        [
            (lambda _: UNKNOWN, 404, "course_not_found"),
            (lambda _: a_draft(), 404, "course_not_found"),
            (lambda _: a_closed_course(), 409, "course_closed"),
            (lambda _: an_archived_course(), 409, "course_closed"),
            (lambda _: an_open_course(enrollment_opens_at=NOW + timedelta(seconds=1)), 409, "course_closed"),
            (lambda _: an_open_course(enrollment_closes_at=NOW), 409, "course_closed"),
            (lambda _: a_full_course(waitlist_enabled=False)[0], 409, "course_full"),
            (lambda _: an_open_course(capacity=0), 409, "course_full"),
            (closed_and_already_enrolled, 409, "course_closed"),
            (closed_and_already_waiting, 409, "course_closed"),
            (closed_and_full, 409, "course_closed"),
            (enrolled_and_full, 409, "already_enrolled"),
            (completed_and_full, 409, "already_enrolled"),
            (waiting_and_full, 409, "already_waitlisted"),
        ],
    )
    def test_do_nothing_and_come_in_order(self, case: Case, status: int, code: str) -> None:
        ada = a_person()
        course_id = case(ada)
        with nothing_changed():
            refused(enroll(ada, course_id), status, code)

    @pytest.mark.parametrize("case", [lambda _: UNKNOWN, lambda _: a_draft(), closed_and_full])
    def test_begin_with_who_nobody_is(self, case: Case) -> None:
        course_id = case(a_person())
        with nothing_changed():
            refused(enroll(None, course_id), 401, "unauthenticated")

    def test_of_who_has_a_seat_or_a_place_in_line_name_it(self) -> None:
        ada, bob = a_person(), a_person()
        course_id = an_open_course(capacity=1, waitlist_enabled=True)
        seat = enroll(ada, course_id).json()["enrollment"]
        place = enroll(bob, course_id).json()["waitlist_entry"]
        assert refused(enroll(ada, course_id), 409, "already_enrolled")["enrollment_id"] == seat["id"]
        assert refused(enroll(bob, course_id), 409, "already_waitlisted")["waitlist_entry_id"] == place["id"]

    @pytest.mark.parametrize(
        ("case", "reason"),
        [
            (lambda _: a_closed_course(), "it is closed"),
            (lambda _: an_archived_course(), "it is archived"),
            (lambda _: an_open_course(enrollment_opens_at=NOW + timedelta(days=1)), "opens at 2026-11-22 12:00 UTC"),
            (lambda _: an_open_course(enrollment_closes_at=NOW), "ended at 2026-11-21 12:00 UTC"),
            (lambda _: a_full_course(capacity=2, waitlist_enabled=False)[0], "All 2 seats"),
            (lambda _: an_open_course(capacity=0), "no seats"),
        ],
    )
    def test_say_why(self, case: Case, reason: str) -> None:
        ada = a_person()
        assert reason in enroll(ada, case(ada)).json()["detail"]


class TestStanding:
    def test_of_who_is_in(self) -> None:
        ada, course_id = a_person(), an_open_course()
        enrollment = an_enrollment(course_id, ada.pk)
        body = standing(ada, course_id).json()
        assert set(body) == {"standing", "enrollment", "waitlist_entry"}
        assert (body["standing"], body["waitlist_entry"]) == ("enrolled", None)
        assert (body["enrollment"]["id"], body["enrollment"]["status"]) == (enr(enrollment.id), "active")

    def test_of_who_has_completed(self) -> None:
        ada, course_id = a_person(), an_open_course()
        complete(an_enrollment(course_id, ada.pk).id)
        body = standing(ada, course_id).json()
        assert (body["standing"], body["enrollment"]["status"]) == ("completed", "completed")
        assert TIME.fullmatch(body["enrollment"]["ended_at"])

    def test_of_who_waits(self) -> None:
        ada = a_person()
        course_id, _, _ = a_full_course(waiting=1)
        entry = a_place_in_line(course_id, ada.pk)
        body = standing(ada, course_id).json()
        assert (body["standing"], body["enrollment"]) == ("waitlisted", None)
        assert (body["waitlist_entry"]["id"], body["waitlist_entry"]["position"]) == (wle(entry.id), 2)

    @pytest.mark.parametrize("make", [an_open_course, a_closed_course, a_draft, lambda: UNKNOWN])
    def test_of_who_neither_is_in_nor_waits_is_not_found(self, make: Callable[[], UUID]) -> None:
        course_id = make()
        refused(standing(a_person(), course_id), 404, "enrollment_not_found")
        refused(leave(a_person(), course_id), 404, "enrollment_not_found")

    @pytest.mark.parametrize("text", ["nope", "usr_01h455vb4pex5vsknk084sn02q", "crs_01h455vb4pex5vsknk084sn02", "%00"])
    def test_in_what_is_no_course_is_not_found(self, text: str) -> None:
        client = client_of(a_person())
        refused(client.get(f"courses/{text}/enrollments/me"), 404, "enrollment_not_found")
        refused(client.delete(f"courses/{text}/enrollments/me"), 404, "enrollment_not_found")
        refused(client.post(f"courses/{text}/enrollments"), 404, "course_not_found")

    def test_that_has_ended_is_not_found(self) -> None:
        withdrawn, revoked, left, expired = people = [a_person() for _ in range(4)]
        course_id = an_open_course(capacity=2, waitlist_enabled=True)
        an_enrollment(course_id, withdrawn.pk)
        seat = an_enrollment(course_id, revoked.pk)
        for person in (left, expired):
            a_place_in_line(course_id, person.pk)
        leave(left, course_id)
        close(course_id)
        leave(withdrawn, course_id)
        revoke(seat.id)
        archive(course_id)
        jobs.run_pending()
        ended = ["withdrawn", "revoked", "left", "expired"]
        assert [status_of(course_id, person.pk) for person in people] == ended
        for person in people:
            refused(standing(person, course_id), 404, "enrollment_not_found")

    def test_is_ones_own(self) -> None:
        course_id = an_open_course()
        an_enrollment(course_id)
        refused(standing(staff_member(), course_id), 404, "enrollment_not_found")

    def test_needs_somebody(self) -> None:
        course_id = an_open_course()
        refused(standing(None, course_id), 401, "unauthenticated")
        refused(leave(None, course_id), 401, "unauthenticated")


class TestLeave:
    def test_a_course(self) -> None:
        ada, course_id = a_person(), an_open_course(capacity=1)
        an_enrollment(course_id, ada.pk)
        response = leave(ada, course_id)
        assert (response.status_code, response.json()["outcome"]) == (200, "withdrawn")
        assert set(response.json()) == {"outcome", "message"}
        assert (status_of(course_id, ada.pk), seats_and_line(course_id)) == ("withdrawn", (0, 0))
        with nothing_changed():
            refused(leave(ada, course_id), 404, "enrollment_not_found")

    def test_the_line(self) -> None:
        ada = a_person()
        course_id, _, (first,) = a_full_course(waiting=1)
        a_place_in_line(course_id, ada.pk)
        response = leave(ada, course_id)
        assert (response.status_code, response.json()["outcome"]) == (200, "left_waitlist")
        assert (status_of(course_id, ada.pk), line(course_id)) == ("left", [first])

    def test_not_what_is_completed(self) -> None:
        ada, course_id = a_person(), an_open_course(capacity=1)
        enrollment = an_enrollment(course_id, ada.pk)
        complete(enrollment.id)
        with nothing_changed():
            body = refused(leave(ada, course_id), 409, "enrollment_completed")
        assert body["enrollment_id"] == enr(enrollment.id)

    @pytest.mark.parametrize("body", ['{"reason": "x"}', "{bad", "[]", "x" * 2_000_000])
    def test_with_a_body_does_nothing(self, body: str) -> None:
        ada, course_id = a_person(), an_open_course()
        an_enrollment(course_id, ada.pk)
        client = client_of(ada)
        with nothing_changed():
            response = client.generic("DELETE", f"courses/{crs(course_id)}/enrollments/me", body)
            assert pointers(response) == {""}
        assert client.generic("DELETE", f"courses/{crs(course_id)}/enrollments/me", "{}").status_code == 200
