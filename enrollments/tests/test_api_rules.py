"""The six rules of enrolling, through HTTP alone."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.http import HttpResponse

from common import clock, jobs
from common.models import Event, User
from common.tests.factories import NOW, a_person, client_of, staff_member
from common.tests.problems import refused
from common.tests.races import holding, rival, wave
from common.tests.recorded import recording
from common.tests.unchanged import nothing_changed
from courses.tests.factories import a_closed_course, an_archived_course, an_open_course, archive, change, close, crs
from enrollments.tests.factories import a_full_course, counters_equal_rows

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """The present instant is that of the factories."""
    monkeypatch.setattr(clock, "now", lambda: NOW)


def enroll(person: User, course_id: UUID) -> HttpResponse:
    return client_of(person).post(f"courses/{crs(course_id)}/enrollments")


def leave(person: User, course_id: UUID) -> HttpResponse:
    return client_of(person).delete(f"courses/{crs(course_id)}/enrollments/me")


def standing(person: User, course_id: UUID) -> dict[str, Any]:
    body: dict[str, Any] = client_of(person).get(f"courses/{crs(course_id)}/enrollments/me").json()
    return body


def decide(enrollment_id: str, step: str) -> HttpResponse:
    return client_of(staff_member()).post(f"enrollments/{enrollment_id}/{step}")


def people(count: int) -> list[User]:
    return [a_person() for _ in range(count)]


def wait_until(course_id: UUID, *, closes: timedelta) -> None:
    change(course_id, enrollment_closes_at=NOW + closes)


class TestRuleOne:
    """A course that is not open takes nobody. Withdrawing is always possible."""

    @pytest.mark.parametrize(
        "make",
        [
            a_closed_course,
            an_archived_course,
            lambda: an_open_course(enrollment_opens_at=NOW + timedelta(microseconds=1)),
            lambda: an_open_course(enrollment_closes_at=NOW),
        ],
    )
    def test_takes_nobody(self, make: Callable[[], UUID]) -> None:
        ada, course_id = a_person(), make()
        with nothing_changed():
            refused(enroll(ada, course_id), 409, "course_closed")

    @pytest.mark.parametrize(
        "make",
        [
            lambda: an_open_course(enrollment_opens_at=NOW),
            lambda: an_open_course(enrollment_closes_at=NOW + timedelta(microseconds=1)),
        ],
    )
    def test_takes_people_to_the_last_instant(self, make: Callable[[], UUID]) -> None:
        assert enroll(a_person(), make()).status_code == 201

    @pytest.mark.parametrize(
        "end",
        [
            close,
            lambda course_id: (close(course_id), archive(course_id)),
            lambda course_id: wait_until(course_id, closes=-timedelta(days=1)),
        ],
    )
    def test_lets_everybody_go(self, end: Callable[[UUID], object]) -> None:
        seated, waiting = people(2)
        course_id = an_open_course(capacity=1, waitlist_enabled=True)
        enroll(seated, course_id)
        enroll(waiting, course_id)
        end(course_id)
        assert leave(seated, course_id).json()["outcome"] == "withdrawn"
        assert standing(waiting, course_id)["standing"] == "waitlisted"
        assert leave(waiting, course_id).json()["outcome"] == "left_waitlist"


@pytest.mark.django_db(transaction=True)
class TestRuleTwo:
    """Active enrollments never exceed the capacity, under any concurrency."""

    def test_holds_for_a_crowd_without_a_waitlist(self) -> None:
        course_id, crowd = an_open_course(capacity=3), people(12)
        answers = wave(lambda person: enroll(person, course_id), crowd)
        assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 9
        assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"course_full"}
        assert counters_equal_rows(course_id)

    def test_holds_for_a_crowd_with_a_waitlist(self) -> None:
        course_id, crowd = an_open_course(capacity=3, waitlist_enabled=True), people(12)
        answers = wave(lambda person: enroll(person, course_id), crowd)
        assert sorted(answer.status_code for answer in answers) == [201] * 3 + [202] * 9
        positions = [answer.json()["waitlist_entry"]["position"] for answer in answers if answer.status_code == 202]
        assert sorted(positions) == list(range(1, 10))
        assert counters_equal_rows(course_id)

    def test_holds_for_the_last_seat(self) -> None:
        course_id, (ada, bob) = an_open_course(capacity=1), people(2)
        with holding(lambda: enroll(ada, course_id)) as first, rival(lambda: enroll(bob, course_id)) as second:
            assert second.waits_for(first)
            first.commit()
            refused(second.result(), 409, "course_full")

    def test_leaves_the_last_seat_to_the_second_when_the_first_comes_to_nothing(self) -> None:
        course_id, (ada, bob) = an_open_course(capacity=1), people(2)
        with holding(lambda: enroll(ada, course_id)) as first, rival(lambda: enroll(bob, course_id)) as second:
            assert second.waits_for(first)
            first.undo()
            assert second.result().status_code == 201


class TestRuleThree:
    """At most one live enrollment and at most one place in line, never both; after withdrawing, again."""

    def test_holds_for_who_is_in(self) -> None:
        ada, course_id = a_person(), an_open_course()
        first = enroll(ada, course_id).json()["enrollment"]["id"]
        with nothing_changed():
            assert refused(enroll(ada, course_id), 409, "already_enrolled")["enrollment_id"] == first

    def test_holds_for_who_waits_even_when_a_seat_has_come_free(self) -> None:
        ada = a_person()
        course_id, _, _ = a_full_course()
        entry = enroll(ada, course_id).json()["waitlist_entry"]["id"]
        change(course_id, capacity=5)
        with nothing_changed():
            assert refused(enroll(ada, course_id), 409, "already_waitlisted")["waitlist_entry_id"] == entry

    def test_lets_who_withdrew_in_again(self) -> None:
        ada, course_id = a_person(), an_open_course(capacity=1)
        first = enroll(ada, course_id).json()["enrollment"]
        leave(ada, course_id)
        again = enroll(ada, course_id)
        assert again.status_code == 201
        assert again.json()["enrollment"]["id"] != first["id"]
        rows = client_of(ada).get("enrollments").json()["data"]
        assert [row["status"] for row in rows] == ["active", "withdrawn"]

    def test_lets_who_left_the_line_wait_again_at_its_end(self) -> None:
        ada = a_person()
        course_id, _, _ = a_full_course()
        first = enroll(ada, course_id).json()["waitlist_entry"]
        leave(ada, course_id)
        enroll(a_person(), course_id)
        again = enroll(ada, course_id).json()["waitlist_entry"]
        assert again["id"] != first["id"]
        assert (first["position"], again["position"]) == (1, 2)

    def test_lets_who_was_revoked_in_again(self) -> None:
        ada, course_id = a_person(), an_open_course()
        decide(enroll(ada, course_id).json()["enrollment"]["id"], "revoke")
        assert enroll(ada, course_id).status_code == 201

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize(("capacity", "status"), [(5, 201), (0, 202)])
    def test_holds_for_two_requests_of_one_learner_at_once(self, capacity: int, status: int) -> None:
        ada, course_id = a_person(), an_open_course(capacity=capacity, waitlist_enabled=True)
        with holding(lambda: enroll(ada, course_id)) as first, rival(lambda: enroll(ada, course_id)) as second:
            assert second.waits_for(first)
            first.commit()
            assert first.result().status_code == status
            refused(second.result(), 409, "already_enrolled" if status == 201 else "already_waitlisted")
        assert counters_equal_rows(course_id)


class TestRuleFour:
    """Nobody overtakes: while anyone waits, a newcomer waits too."""

    def test_makes_a_newcomer_wait_although_seats_are_free(self) -> None:
        ada, bob = people(2)
        course_id, _, _ = a_full_course()
        enroll(ada, course_id)
        change(course_id, capacity=5)
        answer = enroll(bob, course_id)
        assert (answer.status_code, answer.json()["waitlist_entry"]["position"]) == (202, 2)
        jobs.run_pending()
        assert standing(ada, course_id)["standing"] == standing(bob, course_id)["standing"] == "enrolled"

    def test_gives_seats_in_the_order_of_the_line(self) -> None:
        course_id, (seated,), _ = a_full_course()
        line = people(3)
        for person in line:
            enroll(person, course_id)
        last = User.objects.get(pk=seated)
        for person in line:
            leave(last, course_id)
            assert standing(person, course_id)["standing"] == "enrolled"
            last = person

    def test_moves_everybody_up_when_somebody_leaves_the_line(self) -> None:
        course_id, _, _ = a_full_course()
        line = people(3)
        for person in line:
            enroll(person, course_id)
        leave(line[0], course_id)
        assert [standing(person, course_id)["waitlist_entry"]["position"] for person in line[1:]] == [1, 2]

    def test_has_no_line_where_none_is_kept_even_while_somebody_still_waits(self) -> None:
        course_id, _, _ = a_full_course()
        enroll(a_person(), course_id)
        change(course_id, waitlist_enabled=False)
        refused(enroll(a_person(), course_id), 409, "course_full")


class TestRuleFive:
    """A seat that comes free in an open course goes to the head of the line at once, exactly once."""

    @pytest.mark.parametrize("how", ["withdraw", "revoke"])
    def test_hands_the_seat_over(self, how: str) -> None:
        ada, bob, eve = people(3)
        course_id = an_open_course(capacity=1, waitlist_enabled=True)
        seat = enroll(ada, course_id).json()["enrollment"]["id"]
        entry = enroll(bob, course_id).json()["waitlist_entry"]["id"]
        enroll(eve, course_id)
        with recording() as events:
            if how == "withdraw":
                leave(ada, course_id)
            else:
                assert decide(seat, "revoke").json()["triggered"] == ["waitlist_promotion"]
        promoted = standing(bob, course_id)
        assert (promoted["standing"], promoted["waitlist_entry"]) == ("enrolled", None)
        assert promoted["enrollment"]["source"] == "waitlist"
        assert standing(eve, course_id)["waitlist_entry"]["position"] == 1
        told = [(event.type, event.subject) for event in events if event.type.startswith("waitlist")]
        assert told == [("waitlist.promoted", entry)]
        assert jobs.waiting() == []

    def test_keeps_the_seat_while_the_course_is_closed(self) -> None:
        ada, bob = people(2)
        course_id = an_open_course(capacity=1, waitlist_enabled=True)
        enroll(ada, course_id)
        enroll(bob, course_id)
        close(course_id)
        leave(ada, course_id)
        assert standing(bob, course_id)["waitlist_entry"]["position"] == 1
        assert client_of().get(f"courses/{crs(course_id)}").json()["seats_available"] == 1

    @pytest.mark.django_db(transaction=True)
    def test_gives_two_seats_that_come_free_at_once_to_two(self) -> None:
        seated, waiting = people(2), people(3)
        course_id = an_open_course(capacity=2, waitlist_enabled=True)
        for person in (*seated, *waiting):
            enroll(person, course_id)
        first_leaves, second_leaves = (lambda: leave(seated[0], course_id)), (lambda: leave(seated[1], course_id))
        with holding(first_leaves) as first, rival(second_leaves) as second:
            assert second.waits_for(first)
            first.commit()
            assert second.result().status_code == 200
        assert [standing(person, course_id)["standing"] for person in waiting] == ["enrolled", "enrolled", "waitlisted"]
        assert Event.objects.filter(type="waitlist.promoted").count() == 2
        assert counters_equal_rows(course_id)


class TestRuleSix:
    """A completed enrollment keeps its seat and cannot be withdrawn."""

    def test_holds(self) -> None:
        ada, bob = people(2)
        course_id = an_open_course(capacity=1, waitlist_enabled=True)
        seat = enroll(ada, course_id).json()["enrollment"]["id"]
        enroll(bob, course_id)
        assert decide(seat, "complete").json()["triggered"] == []
        assert client_of().get(f"courses/{crs(course_id)}").json()["seats_available"] == 0
        assert standing(bob, course_id)["standing"] == "waitlisted"
        with nothing_changed():
            assert refused(leave(ada, course_id), 409, "enrollment_completed")["enrollment_id"] == seat
            refused(enroll(ada, course_id), 409, "already_enrolled")
        refused(decide(seat, "revoke"), 409, "invalid_transition")
        assert standing(ada, course_id)["standing"] == "completed"
