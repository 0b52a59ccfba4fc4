"""Rivals on real connections. Beside each race stands what comes of it without the lock: the test would notice."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction

from common.errors import DomainError
from common.models import Event
from common.tests.factories import a_learner
from common.tests.races import holding, meet, rival, wave, without_index
from courses.tests.factories import an_open_course, seats_and_line
from enrollments import services as enrollments
from enrollments.models import Enrollment as EnrollmentRow
from enrollments.services import enrolling
from enrollments.tests.factories import (
    a_full_course,
    complete,
    counters_equal_rows,
    enr,
    enroll,
    learners,
    line,
    revoke,
    status_of,
    withdraw,
    wle,
)

pytestmark = pytest.mark.django_db(transaction=True)


def row_id(course_id: UUID, learner_id: UUID) -> UUID:
    return EnrollmentRow.objects.get(course_id=course_id, learner_id=learner_id).pk


def revoke_learner(course_id: UUID, learner_id: UUID) -> enrollments.EnrollmentChanged:
    return revoke(row_id(course_id, learner_id))


def complete_learner(course_id: UUID, learner_id: UUID) -> enrollments.EnrollmentChanged:
    return complete(row_id(course_id, learner_id))


def kinds(outcomes: list[object]) -> dict[str, int]:
    """How many outcomes there are of each kind."""
    names = [type(outcome).__name__ for outcome in outcomes]
    return {name: names.count(name) for name in names}


def subjects(type: str) -> list[str]:
    """What the events of a type happened to, in the order of recording."""
    return list(Event.objects.filter(type=type).order_by("id").values_list("subject", flat=True))


class TestTheLastSeat:
    def test_goes_to_the_first_and_the_second_stands_in_line(self) -> None:
        course_id = an_open_course(capacity=1, waitlist_enabled=True)
        one, other = a_learner(), a_learner()
        outcomes = meet(lambda: enroll(course_id, one), lambda: enroll(course_id, other))
        assert kinds([*outcomes]) == {"Enrolled": 1, "Waitlisted": 1}
        assert (learners(course_id, "active"), line(course_id)) == ([one], [other])
        assert seats_and_line(course_id) == (1, 1)

    def test_goes_to_both_if_each_decides_on_what_it_saw_before_the_lock(self, looking_before_claiming: None) -> None:
        course_id = an_open_course(capacity=1)
        outcomes = meet(lambda: enroll(course_id), lambda: enroll(course_id))
        assert kinds([*outcomes]) == {"Enrolled": 2}
        assert len(learners(course_id, "active")) == 2

    def test_goes_to_the_second_if_the_first_is_undone(self) -> None:
        course_id = an_open_course(capacity=1)
        one, other = a_learner(), a_learner()
        with holding(lambda: enroll(course_id, one)) as first, rival(lambda: enroll(course_id, other)) as second:
            assert second.waits_for(first)
            first.undo()
            assert isinstance(second.result(), enrollments.Enrolled)
        assert (learners(course_id, "active"), seats_and_line(course_id)) == ([other], (1, 0))

    def test_is_guarded_by_the_database_too(self) -> None:
        course_id, _, _ = a_full_course()
        with pytest.raises(IntegrityError, match="places_within_capacity"), transaction.atomic():
            enrolling.courses.move_places(course_id=course_id, seats=1, waiting=0)


class TestAWaveOfNewcomers:
    def test_fills_the_seats_and_then_the_line_without_gap_or_duplicate(self) -> None:
        course_id = an_open_course(capacity=10, waitlist_enabled=True)
        outcomes = wave(partial(enroll, course_id), [a_learner() for _ in range(50)])
        waiting = [each.waitlist_entry for each in outcomes if isinstance(each, enrollments.Waitlisted)]
        assert kinds(outcomes) == {"Enrolled": 10, "Waitlisted": 40}
        assert sorted(entry.position or 0 for entry in waiting) == list(range(1, 41))
        numbers = EnrollmentRow.objects.filter(status="waiting").values_list("queue_number", flat=True)
        assert sorted(numbers) == list(range(1, 41))
        assert line(course_id) == [each.learner_id for each in sorted(waiting, key=lambda each: each.position or 0)]
        assert (seats_and_line(course_id), counters_equal_rows(course_id)) == ((10, 40), True)
        seated = learners(course_id, "active")
        assert sorted(subjects("enrollment.created")) == sorted(enr(row_id(course_id, each)) for each in seated)
        assert subjects("waitlist.joined") == [wle(row_id(course_id, each)) for each in line(course_id)]

    def test_leaves_no_trace_of_those_for_whom_there_is_no_room(self) -> None:
        course_id = an_open_course(capacity=10)
        outcomes = wave(partial(enroll, course_id), [a_learner() for _ in range(50)])
        assert kinds(outcomes) == {"Enrolled": 10, "CourseFull": 40}
        assert EnrollmentRow.objects.count() == len(subjects("enrollment.created")) == 10
        assert seats_and_line(course_id) == (10, 0)


class TestOneLearnerTwentyTimesAtOnce:
    @pytest.mark.parametrize("capacity", [1, 5])
    def test_gets_one_seat_and_each_other_request_names_it(self, capacity: int) -> None:
        """Of the last seat too: nobody is told that the course is full who is in it."""
        course_id, learner_id = an_open_course(capacity=capacity), a_learner()
        outcomes = wave(partial(enroll, course_id), [learner_id] * 20)
        seat = enr(row_id(course_id, learner_id))
        assert kinds(outcomes) == {"Enrolled": 1, "AlreadyEnrolled": 19}
        assert [each.details for each in outcomes if isinstance(each, DomainError)] == [{"enrollment_id": seat}] * 19
        assert (seats_and_line(course_id), subjects("enrollment.created")) == ((1, 0), [seat])

    def test_gets_one_place_in_line_and_each_other_request_names_it(self) -> None:
        (course_id, _, _), learner_id = a_full_course(), a_learner()
        outcomes = wave(partial(enroll, course_id), [learner_id] * 20)
        place = wle(row_id(course_id, learner_id))
        assert kinds(outcomes) == {"Waitlisted": 1, "AlreadyWaitlisted": 19}
        named = [each.details for each in outcomes if isinstance(each, DomainError)]
        assert named == [{"waitlist_entry_id": place}] * 19
        assert (seats_and_line(course_id), subjects("waitlist.joined")) == ((1, 1), [place])

    def test_gives_back_what_the_second_request_had_claimed(self) -> None:
        course_id, learner_id = an_open_course(), a_learner()
        outcomes = meet(lambda: enroll(course_id, learner_id), lambda: enroll(course_id, learner_id))
        assert kinds([*outcomes]) == {"Enrolled": 1, "AlreadyEnrolled": 1}
        assert seats_and_line(course_id) == (1, 0)

    def test_is_told_of_the_seat_it_has_and_not_of_one_it_had(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Also if the old row came from a machine whose clock ran ahead, so that its id is the greater one."""
        course_id, learner_id = an_open_course(), a_learner()
        with monkeypatch.context() as ahead:
            ahead.setattr("common.ids.new_uuid", lambda: UUID("7fffffff-ac96-774b-bcce-b302099a8057"))
            enroll(course_id, learner_id)
        withdraw(course_id, learner_id)
        outcomes = meet(lambda: enroll(course_id, learner_id), lambda: enroll(course_id, learner_id))
        seat = EnrollmentRow.objects.get(course_id=course_id, status="active").pk
        assert [each.details for each in outcomes if isinstance(each, DomainError)] == [{"enrollment_id": enr(seat)}]

    def test_gets_two_seats_without_the_index_over_live_standings(self) -> None:
        course_id, learner_id = an_open_course(), a_learner()
        with without_index("enrollment_one_live_standing"):
            outcomes = meet(lambda: enroll(course_id, learner_id), lambda: enroll(course_id, learner_id))
            assert kinds([*outcomes]) == {"Enrolled": 2}
            assert learners(course_id, "active") == [learner_id, learner_id]


class TestTwoWithdrawals:
    def test_hand_two_seats_to_the_first_two_of_three_who_wait(self) -> None:
        course_id, (one, other), waiting = a_full_course(capacity=2, waiting=3)
        outcomes = meet(lambda: withdraw(course_id, one), lambda: withdraw(course_id, other))
        assert outcomes == ("withdrawn", "withdrawn")
        assert (learners(course_id, "active"), line(course_id)) == (waiting[:2], waiting[2:])
        assert seats_and_line(course_id) == (2, 1)
        assert subjects("waitlist.promoted") == [wle(row_id(course_id, each)) for each in waiting[:2]]

    def test_promote_one_learner_twice_without_the_lock(self, without_lock: None) -> None:
        """They wait only where they write the same row, which is too late."""
        course_id, (one, other), waiting = a_full_course(capacity=2, waiting=3)
        outcomes = meet(lambda: withdraw(course_id, one), lambda: withdraw(course_id, other))
        assert outcomes == ("withdrawn", "withdrawn")
        assert subjects("waitlist.promoted") == [wle(row_id(course_id, waiting[0]))] * 2
        assert not counters_equal_rows(course_id)

    def test_of_one_learner_free_one_seat(self) -> None:
        course_id, (one, _), waiting = a_full_course(capacity=2, waiting=3)
        outcomes = meet(lambda: withdraw(course_id, one), lambda: withdraw(course_id, one))
        assert kinds([*outcomes]) == {"str": 1, "EnrollmentNotFound": 1}
        assert (line(course_id), seats_and_line(course_id)) == (waiting[1:], (2, 2))

    def test_of_one_learner_free_two_seats_without_the_lock(self, without_lock: None) -> None:
        course_id, (one, other), _ = a_full_course(capacity=2)
        outcomes = meet(lambda: withdraw(course_id, one), lambda: withdraw(course_id, one))
        assert outcomes == ("withdrawn", "withdrawn")
        assert (seats_and_line(course_id), learners(course_id, "active")) == ((0, 0), [other])


class TestAWithdrawalAndAPromotion:
    def test_of_the_same_learner_free_the_seat_that_was_just_given(self) -> None:
        course_id, (seated,), (head, next_in_line) = a_full_course(waiting=2)
        outcomes = meet(lambda: withdraw(course_id, seated), lambda: withdraw(course_id, head))
        assert outcomes == ("withdrawn", "withdrawn")
        assert learners(course_id, "active") == [next_in_line]
        assert (seats_and_line(course_id), counters_equal_rows(course_id)) == ((1, 0), True)

    def test_pass_over_whoever_left_the_line_first(self) -> None:
        course_id, (seated,), (head, next_in_line) = a_full_course(waiting=2)
        outcomes = meet(lambda: withdraw(course_id, head), lambda: withdraw(course_id, seated))
        assert outcomes == ("left_waitlist", "withdrawn")
        assert (status_of(course_id, head), learners(course_id, "active")) == ("left", [next_in_line])
        assert (seats_and_line(course_id), counters_equal_rows(course_id)) == ((1, 0), True)

    def test_promote_whoever_left_the_line_without_the_lock(self, without_lock: None) -> None:
        course_id, (seated,), (head, _) = a_full_course(waiting=2)
        outcomes = meet(lambda: withdraw(course_id, head), lambda: withdraw(course_id, seated))
        assert outcomes == ("left_waitlist", "withdrawn")
        assert status_of(course_id, head) == "active"


class TestCompletingAndEnding:
    @pytest.mark.parametrize(
        ("ending", "refusal"), [(revoke_learner, "InvalidEnrollmentTransition"), (withdraw, "EnrollmentCompleted")]
    )
    def test_a_completed_enrollment_stays_so(self, ending: Callable[[UUID, UUID], object], refusal: str) -> None:
        course_id, (seated,), (waits,) = a_full_course(waiting=1)
        outcomes = meet(lambda: complete_learner(course_id, seated), lambda: ending(course_id, seated))
        assert kinds([*outcomes]) == {"EnrollmentChanged": 1, refusal: 1}
        assert (status_of(course_id, seated), line(course_id)) == ("completed", [waits])
        assert seats_and_line(course_id) == (1, 1)

    @pytest.mark.parametrize("ending", [revoke_learner, withdraw])
    def test_an_ended_enrollment_is_not_completed(self, ending: Callable[[UUID, UUID], object]) -> None:
        course_id, (seated,), (waits,) = a_full_course(waiting=1)
        _, refused = meet(lambda: ending(course_id, seated), lambda: complete_learner(course_id, seated))
        assert isinstance(refused, enrollments.InvalidEnrollmentTransition)
        assert learners(course_id, "active") == [waits]
        assert counters_equal_rows(course_id)

    def test_both_win_without_the_lock(self, without_lock: None) -> None:
        course_id, (seated,), _ = a_full_course()
        outcomes = meet(lambda: complete_learner(course_id, seated), lambda: revoke_learner(course_id, seated))
        assert kinds([*outcomes]) == {"EnrollmentChanged": 2}
        assert status_of(course_id, seated) == "revoked"
        assert len(subjects("enrollment.completed")) == len(subjects("enrollment.revoked")) == 1
