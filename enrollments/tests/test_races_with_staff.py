"""Learners against staff: capacity, opening, closing and archiving while people come and go."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

import pytest
from django.db import IntegrityError

from common.accounts.errors import Unauthenticated
from common.models import Event
from common.tests.factories import SYSTEM, a_learner
from common.tests.races import holding, meet, rival, wave
from courses.tests.factories import (
    an_open_course,
    archive,
    change,
    close,
    places_of,
    reopen,
    seats_and_line,
)
from enrollments import services as enrollments
from enrollments.services import enrolling
from enrollments.tests.factories import (
    a_full_course,
    counters_equal_rows,
    enroll,
    learners,
    line,
    promote,
    status_of,
    withdraw,
)

pytestmark = pytest.mark.django_db(transaction=True)


def expire(course_id: UUID) -> int:
    return enrollments.expire_waitlist(course_id=course_id, actor=SYSTEM)


def count(type: str) -> int:
    return Event.objects.filter(type=type).count()


class TestCapacity:
    def test_raised_while_a_newcomer_arrives_lets_nobody_overtake(self) -> None:
        course_id, _, waiting = a_full_course(waiting=2)
        raised, newcomer = meet(lambda: change(course_id, capacity=3), lambda: enroll(course_id))
        assert raised.triggered == ["waitlist_promotion"]
        assert isinstance(newcomer, enrollments.Waitlisted)
        assert newcomer.waitlist_entry.position == 3
        assert promote(course_id) == 2
        assert learners(course_id, "active")[:2] == waiting
        assert (line(course_id), seats_and_line(course_id)) == ([newcomer.waitlist_entry.learner_id], (3, 1))

    def test_raised_while_many_arrive_goes_to_those_who_came_first(self) -> None:
        course_id, _, waiting = a_full_course(waiting=3)
        crowd = [a_learner() for _ in range(15)]

        def do(what: Callable[[], object]) -> object:
            return what()

        wave(do, [lambda: change(course_id, capacity=9), *(partial(enroll, course_id, each) for each in crowd)])
        promote(course_id)
        in_order = learners(course_id, "active", "waiting")[: 3 + len(crowd)]
        assert in_order[:3] == waiting
        assert [status_of(course_id, each) for each in in_order] == ["active"] * 8 + ["waiting"] * 10
        assert (seats_and_line(course_id), counters_equal_rows(course_id)) == ((9, 10), True)
        assert count("waitlist.promoted") == 8

    def test_is_not_lowered_below_a_seat_that_is_just_being_taken(self) -> None:
        course_id = an_open_course(capacity=2)
        enroll(course_id)
        _, refused = meet(lambda: enroll(course_id), lambda: change(course_id, capacity=1))
        assert isinstance(refused, enrolling.courses.CapacityBelowEnrollment)
        assert refused.details == {"seats_taken": 2}
        assert places_of(course_id).capacity == 2

    def test_lowered_while_a_newcomer_arrives_leaves_no_seat(self) -> None:
        course_id = an_open_course(capacity=2, waitlist_enabled=True)
        enroll(course_id)
        _, newcomer = meet(lambda: change(course_id, capacity=1), lambda: enroll(course_id))
        assert isinstance(newcomer, enrollments.Waitlisted)
        assert seats_and_line(course_id) == (1, 1)

    def test_raised_while_a_learner_withdraws_gives_each_seat_away_once(self) -> None:
        course_id, (seated,), waiting = a_full_course(waiting=3)
        meet(lambda: withdraw(course_id, seated), lambda: change(course_id, capacity=2))
        assert promote(course_id) == 1
        assert (learners(course_id, "active"), line(course_id)) == (waiting[:2], waiting[2:])
        assert (seats_and_line(course_id), count("waitlist.promoted")) == ((2, 1), 2)


class TestTwoPromotions:
    def test_give_each_seat_away_once(self) -> None:
        course_id, _, waiting = a_full_course(waiting=5)
        change(course_id, capacity=4)
        assert meet(lambda: promote(course_id), lambda: promote(course_id)) == (3, 0)
        assert (learners(course_id, "active")[:3], line(course_id)) == (waiting[:3], waiting[3:])
        assert (seats_and_line(course_id), count("waitlist.promoted")) == ((4, 2), 3)

    def test_are_stopped_only_by_the_database_without_the_lock(self, without_lock: None) -> None:
        course_id, _, _ = a_full_course(waiting=5)
        change(course_id, capacity=4)
        with holding(lambda: promote(course_id)) as first, rival(lambda: promote(course_id)) as second:
            assert second.waits_for(first)
            first.commit()
            with pytest.raises(IntegrityError, match="courses_courseplaces"):
                second.result()

    def test_and_a_newcomer_in_between_keep_the_order(self) -> None:
        course_id, _, waiting = a_full_course(waiting=2)
        change(course_id, capacity=5)
        promoted, newcomer = meet(lambda: promote(course_id), lambda: enroll(course_id))
        assert promoted == 2
        assert isinstance(newcomer, enrollments.Enrolled)
        assert learners(course_id, "active")[:2] == waiting
        assert counters_equal_rows(course_id)


class TestClosing:
    def test_lets_nobody_in_who_was_not_in_before(self) -> None:
        course_id = an_open_course()
        closed, refused = meet(lambda: close(course_id), lambda: enroll(course_id))
        assert closed.outcome == "closed"
        assert isinstance(refused, enrollments.CourseClosed)
        assert seats_and_line(course_id) == (0, 0)

    def test_waits_for_whoever_is_just_coming_in(self) -> None:
        course_id = an_open_course()
        enrolled, closed = meet(lambda: enroll(course_id), lambda: close(course_id))
        assert isinstance(enrolled, enrollments.Enrolled)
        assert getattr(closed, "outcome", None) == "closed"
        assert seats_and_line(course_id) == (1, 0)

    def test_before_a_withdrawal_keeps_the_line_where_it_is(self) -> None:
        course_id, (seated,), waiting = a_full_course(waiting=1)
        meet(lambda: close(course_id), lambda: withdraw(course_id, seated))
        assert (seats_and_line(course_id), line(course_id)) == ((0, 1), waiting)
        assert reopen(course_id).triggered == ["waitlist_promotion"]

    def test_twice_at_once_closes_once(self) -> None:
        course_id = an_open_course()
        _, refused = meet(lambda: close(course_id), lambda: close(course_id))
        assert isinstance(refused, enrolling.courses.InvalidTransition)
        assert count("course.closed") == 1

    def test_is_noticed_too_late_without_the_lock(self, without_lock: None) -> None:
        course_id = an_open_course()
        outcomes = meet(lambda: close(course_id), lambda: close(course_id))
        assert [getattr(each, "outcome", None) for each in outcomes] == ["closed", "closed"]
        assert count("course.closed") == 2


class TestArchiving:
    def test_ends_a_place_in_line_once_whoever_comes_first(self) -> None:
        course_id, _, (leaves, expires) = a_full_course(waiting=2)
        close(course_id)
        archive(course_id)
        assert meet(lambda: withdraw(course_id, leaves), lambda: expire(course_id)) == ("left_waitlist", 1)
        assert (status_of(course_id, leaves), status_of(course_id, expires)) == ("left", "expired")
        assert seats_and_line(course_id) == (1, 0)

    def test_leaves_no_place_in_line_to_give_up(self) -> None:
        course_id, _, (waits,) = a_full_course(waiting=1)
        close(course_id)
        archive(course_id)
        expired, refused = meet(lambda: expire(course_id), lambda: withdraw(course_id, waits))
        assert expired == 1
        assert isinstance(refused, enrollments.EnrollmentNotFound)
        assert (status_of(course_id, waits), seats_and_line(course_id)) == ("expired", (1, 0))

    @pytest.mark.parametrize("capacity", [1, 6])
    def test_in_a_crowd_ends_every_wait_exactly_once(self, capacity: int) -> None:
        course_id, seated, waiting = a_full_course(capacity=4, waiting=12)
        change(course_id, capacity=4 + capacity)

        def end() -> None:
            close(course_id)
            archive(course_id)
            expire(course_id)

        leaving = [partial(withdraw, course_id, each) for each in [*seated, *waiting[::2]]]
        works: list[Callable[[], object]] = [partial(promote, course_id), end, partial(promote, course_id), *leaving]
        outcomes = wave(lambda work: work(), works)
        assert {type(each).__name__ for each in outcomes} <= {"str", "int", "NoneType", "EnrollmentNotFound"}
        assert line(course_id) == []
        ends = [status_of(course_id, each) for each in waiting]
        assert set(ends) <= {"active", "withdrawn", "left", "expired"}
        assert count("waitlist.promoted") + count("waitlist.left") + count("waitlist.expired") == len(waiting)
        assert count("waitlist.expired") == ends.count("expired")
        assert count("waitlist.left") == ends.count("left")
        assert counters_equal_rows(course_id)
        assert places_of(course_id).seats_taken <= 4 + capacity


class TestEditingTheTexts:
    def test_never_waits_for_learners(self) -> None:
        course_id = an_open_course()
        with holding(lambda: enroll(course_id)) as first, rival(lambda: change(course_id, title="Splices")) as second:
            assert not second.waits_for(first)
            assert second.result().course.title == "Splices"

    def test_even_of_what_others_refer_to_deadlocks_with_nobody(self) -> None:
        """A new slug takes the course's row for itself, which every newcomer's commit looks at."""
        course_id = an_open_course(capacity=30)
        works: list[Callable[[], object]] = [partial(enroll, course_id, a_learner()) for _ in range(20)]
        works += [partial(change, course_id, slug=f"knots-{number}", capacity=30 + number) for number in range(10)]
        wave(lambda work: work(), works[::-1])
        assert (seats_and_line(course_id), counters_equal_rows(course_id)) == ((20, 0), True)
        assert count("course.updated") == 10


class TestALearnerWhoIsGone:
    def test_leaves_nothing_behind(self) -> None:
        course_id = an_open_course(capacity=1)
        with pytest.raises(Unauthenticated):
            enroll(course_id, UUID("01890a5d-ac96-774b-bcce-b302099a8057"))
        assert (seats_and_line(course_id), count("enrollment.created")) == ((0, 0), 0)
