from datetime import datetime, timedelta
from typing import Any

import pytest

from common.errors import InvalidInput
from common.tests.factories import NOW
from courses import rules
from courses.errors import CapacityBelowEnrollment, CourseClosed, CourseNotFound, InvalidTransition
from courses.types import CourseStatus, Places

DRAFT, OPEN, CLOSED, ARCHIVED = CourseStatus
LEGAL = {(DRAFT, OPEN), (OPEN, CLOSED), (CLOSED, OPEN), (DRAFT, ARCHIVED), (CLOSED, ARCHIVED)}
INSTANT = timedelta(microseconds=1)


def places(**values: Any) -> Places:
    """The places of an open course without limits, and `values`."""
    usual: dict[str, Any] = {
        "status": OPEN,
        "enrollment_opens_at": None,
        "enrollment_closes_at": None,
        "waitlist_enabled": True,
        "capacity": None,
        "seats_taken": 0,
        "waiting": 0,
    }
    return Places(**{**usual, **values})


class TestCheckTransition:
    @pytest.mark.parametrize("status", CourseStatus)
    @pytest.mark.parametrize("wanted", CourseStatus)
    def test_lets_pass_the_five_legal_steps_and_no_other(self, status: CourseStatus, wanted: CourseStatus) -> None:
        if (status, wanted) in LEGAL:
            rules.check_transition(status=status, wanted=wanted)
            return
        with pytest.raises(InvalidTransition, match=f"that is {status} cannot become {wanted}") as refusal:
            rules.check_transition(status=status, wanted=wanted)
        assert refusal.value.details == {"current_status": status.value}


class TestIsOpen:
    @pytest.mark.parametrize("status", CourseStatus)
    def test_needs_the_status_open(self, status: CourseStatus) -> None:
        assert rules.is_open(places(status=status), now=NOW) is (status is OPEN)

    @pytest.mark.parametrize(
        ("opens_at", "closes_at", "expected"),
        [
            (None, None, True),
            (NOW, None, True),
            (NOW + INSTANT, None, False),
            (None, NOW, False),
            (None, NOW + INSTANT, True),
            (NOW, NOW + INSTANT, True),
            (NOW - INSTANT, NOW, False),
        ],
    )
    def test_holds_from_the_beginning_of_the_window_until_before_its_end(
        self, opens_at: datetime | None, closes_at: datetime | None, expected: bool
    ) -> None:
        window = places(enrollment_opens_at=opens_at, enrollment_closes_at=closes_at)
        assert rules.is_open(window, now=NOW) is expected


class TestCheckOpen:
    def test_lets_an_open_course_pass(self) -> None:
        rules.check_open(places(enrollment_opens_at=NOW, enrollment_closes_at=NOW + INSTANT), now=NOW)

    def test_does_not_know_a_draft(self) -> None:
        with pytest.raises(CourseNotFound):
            rules.check_open(places(status=DRAFT), now=NOW)

    @pytest.mark.parametrize(
        ("values", "reason"),
        [
            ({"status": CLOSED}, "it is closed."),
            ({"status": ARCHIVED}, "it is archived."),
            ({"enrollment_opens_at": NOW + INSTANT}, "enrollment opens at 2026-11-21 12:00 UTC."),
            ({"enrollment_closes_at": NOW}, "enrollment ended at 2026-11-21 12:00 UTC."),
        ],
    )
    def test_says_why_a_course_takes_nobody(self, values: dict[str, Any], reason: str) -> None:
        with pytest.raises(CourseClosed) as refusal:
            rules.check_open(places(**values), now=NOW)
        assert str(refusal.value) == f"This course takes nobody now: {reason}"

    @pytest.mark.parametrize("status", CourseStatus)
    @pytest.mark.parametrize("opens_at", [None, NOW, NOW + INSTANT])
    @pytest.mark.parametrize("closes_at", [None, NOW, NOW + INSTANT])
    def test_agrees_with_is_open(
        self, status: CourseStatus, opens_at: datetime | None, closes_at: datetime | None
    ) -> None:
        course = places(status=status, enrollment_opens_at=opens_at, enrollment_closes_at=closes_at)
        try:
            rules.check_open(course, now=NOW)
        except (CourseClosed, CourseNotFound):
            assert not rules.is_open(course, now=NOW)
        else:
            assert rules.is_open(course, now=NOW)


class TestSeatsAvailable:
    @pytest.mark.parametrize(
        ("capacity", "seats_taken", "expected"), [(None, 7, None), (10, 7, 3), (7, 7, 0), (0, 0, 0), (5, 7, 0)]
    )
    def test_is_what_is_left_and_never_negative(
        self, capacity: int | None, seats_taken: int, expected: int | None
    ) -> None:
        assert rules.seats_available(places(capacity=capacity, seats_taken=seats_taken)) == expected


class TestSeatsToHandOver:
    @pytest.mark.parametrize(
        ("capacity", "seats_taken", "waiting", "expected"),
        [(10, 7, 2, 2), (10, 7, 3, 3), (10, 7, 4, 3), (7, 7, 4, 0), (10, 7, 0, 0), (None, 7, 4, 4), (None, 7, 0, 0)],
    )
    def test_is_the_smaller_of_free_seats_and_those_who_wait(
        self, capacity: int | None, seats_taken: int, waiting: int, expected: int
    ) -> None:
        course = places(capacity=capacity, seats_taken=seats_taken, waiting=waiting)
        assert rules.seats_to_hand_over(course, now=NOW) == expected

    @pytest.mark.parametrize(
        "values", [{"status": CLOSED}, {"status": ARCHIVED}, {"status": DRAFT}, {"enrollment_closes_at": NOW}]
    )
    def test_is_none_in_a_course_that_is_not_open(self, values: dict[str, Any]) -> None:
        assert rules.seats_to_hand_over(places(capacity=9, waiting=5, **values), now=NOW) == 0

    def test_is_the_same_with_the_waitlist_turned_off(self) -> None:
        course = places(capacity=9, waiting=5, waitlist_enabled=False)
        assert rules.seats_to_hand_over(course, now=NOW) == 5


class TestCheckCapacity:
    @pytest.mark.parametrize(("capacity", "seats_taken"), [(None, 7), (7, 7), (8, 7), (0, 0)])
    def test_lets_pass_what_holds_those_who_are_in(self, capacity: int | None, seats_taken: int) -> None:
        rules.check_capacity(capacity=capacity, seats_taken=seats_taken)

    @pytest.mark.parametrize(("capacity", "seats_taken"), [(6, 7), (0, 1)])
    def test_refuses_less(self, capacity: int, seats_taken: int) -> None:
        with pytest.raises(CapacityBelowEnrollment) as refusal:
            rules.check_capacity(capacity=capacity, seats_taken=seats_taken)
        taken = "1 seat is taken" if seats_taken == 1 else f"{seats_taken} seats are taken"
        assert str(refusal.value) == f"{taken}, so the capacity cannot be {capacity}."
        assert refusal.value.details == {"seats_taken": seats_taken}


class TestCheckWindow:
    @pytest.mark.parametrize(("opens_at", "closes_at"), [(None, None), (NOW, None), (None, NOW), (NOW, NOW + INSTANT)])
    def test_lets_a_window_pass(self, opens_at: datetime | None, closes_at: datetime | None) -> None:
        rules.check_window(opens_at=opens_at, closes_at=closes_at)

    @pytest.mark.parametrize("closes_at", [NOW, NOW - INSTANT])
    def test_refuses_one_that_closes_before_it_opens(self, closes_at: datetime) -> None:
        with pytest.raises(InvalidInput) as refusal:
            rules.check_window(opens_at=NOW, closes_at=closes_at)
        assert refusal.value.field == "enrollment_closes_at"


class TestSlugFrom:
    @pytest.mark.parametrize(
        ("title", "slug"),
        [
            ("Knots & Splices", "knots-splices"),
            ("  Café à la carte!  ", "cafe-a-la-carte"),
            ("Python 3.11", "python-3-11"),
            ("日本語", "course"),
            ("…", "course"),
            ("x" * 200, "x" * 80),
            ("x" * 79 + " yz", "x" * 79),
        ],
    )
    def test_keeps_latin_letters_and_digits(self, title: str, slug: str) -> None:
        assert rules.slug_from(title) == slug
