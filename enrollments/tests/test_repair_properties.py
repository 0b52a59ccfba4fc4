"""Whatever is corrupted, in whatever mix: a repair puts it right, a second finds nothing, an undo gives it back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings

from common import clock, db
from common.tests.operating import apply, operate
from common.tests.unchanged import nothing_changed
from courses.tests.factories import an_open_course, places_of
from enrollments.models import Enrollment as EnrollmentRow
from enrollments.tests.broken import a_stray_row, drop_live_index, forget_events, set_places
from enrollments.tests.factories import a_full_course, complete, enr, row_of, withdraw, wle

COURSES = 3
REPAIR = ("repair_enrollments", "--all", "--move-to-waitlist")
WHICH = st.integers(0, COURSES - 1)
SMALL = st.integers(0, 6)


def a_consistent_world() -> list[UUID]:
    """Courses with people who are in, wait, have left and have completed, all by use cases."""
    courses = []
    for _ in range(COURSES):
        course_id, seated, waiting = a_full_course(capacity=4, waiting=3)
        withdraw(course_id, seated[0])
        complete(row_of(course_id, seated[1]))
        withdraw(course_id, waiting[2])
        courses.append(course_id)
    an_open_course()
    return courses


def rows(course_id: UUID, *statuses: str) -> list[EnrollmentRow]:
    return list(EnrollmentRow.objects.filter(course_id=course_id, status__in=statuses).order_by("pk"))


def _capacity(course_id: UUID) -> int:
    return places_of(course_id).capacity or 0


def _counters(course_id: UUID, number: int) -> None:
    set_places(course_id, seats_taken=min(number, _capacity(course_id)), waiting=6 - number)


def _queue_number(course_id: UUID, number: int) -> None:
    set_places(course_id, last_queue_number=number)


def _archived(course_id: UUID, number: int) -> None:
    # An archived course with too many people is for people to decide, and has its test elsewhere.
    seated = len(rows(course_id, "active", "completed"))
    set_places(course_id, status="archived", capacity=max(seated, _capacity(course_id)))


def _smaller(course_id: UUID, number: int) -> None:
    """Fewer seats than people, but enough for who has completed: they keep theirs whatever happens."""
    if places_of(course_id).status == "archived":
        return
    capacity = max(len(rows(course_id, "completed")), number)
    set_places(course_id, capacity=capacity, seats_taken=min(capacity, places_of(course_id).seats_taken))


def _larger(course_id: UUID, number: int) -> None:
    set_places(course_id, capacity=_capacity(course_id) + number)


def _stray_seat(course_id: UUID, number: int) -> None:
    if places_of(course_id).status != "archived":
        a_stray_row(course_id, "active", at=clock.now() + timedelta(minutes=number))


def _stray_place(course_id: UUID, number: int) -> None:
    highest = db.fetch_one("SELECT max(queue_number) FROM enrollments_enrollment WHERE course_id = %s", [course_id])
    assert highest is not None
    a_stray_row(course_id, "waiting", queue_number=(highest[0] or 0) + 1 + number)


def _twice(course_id: UUID, number: int) -> None:
    seated = rows(course_id, "active")
    if seated:
        learner_id = seated[number % len(seated)].learner_id
        highest = db.fetch_one("SELECT max(queue_number) FROM enrollments_enrollment WHERE course_id = %s", [course_id])
        assert highest is not None
        a_stray_row(course_id, "waiting", learner_id=learner_id, queue_number=(highest[0] or 0) + 1)


def _untold(course_id: UUID, number: int) -> None:
    known = rows(course_id, "active", "completed", "waiting", "withdrawn", "left")
    row_id = known[number % len(known)].pk
    for subject in (enr(row_id), wle(row_id)):
        types = db.fetch_all("SELECT DISTINCT type FROM common_event WHERE subject = %s", [subject])
        forget_events(subject, *(type for (type,) in types))


CORRUPT: dict[str, Callable[[UUID, int], None]] = {
    "counters": _counters,
    "queue number": _queue_number,
    "archived": _archived,
    "smaller": _smaller,
    "larger": _larger,
    "stray seat": _stray_seat,
    "stray place": _stray_place,
    "twice": _twice,
    "untold": _untold,
}


# Each is a way to corrupt one course by plain SQL: its name, the course, a number.
CORRUPTIONS = st.lists(
    st.tuples(
        st.sampled_from(sorted(CORRUPT)),
        WHICH,
        SMALL,
    ),
    min_size=1,
    max_size=7,
)


def everything() -> tuple[list[dict[str, Any]], list[tuple[Any, ...]]]:
    """Each column of each row of enrollments and of the places of courses."""
    places = db.fetch_all("SELECT * FROM courses_courseplaces ORDER BY course_id")
    return list(EnrollmentRow.objects.order_by("pk").values()), places


@pytest.mark.django_db
class TestAnyCorruption:
    @settings(
        max_examples=15,
        phases=[Phase.generate],
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(corruptions=CORRUPTIONS, batch_size=st.sampled_from(["1", "3", "200"]))
    def test_is_found_without_a_trace_mended_for_good_and_given_back(
        self, any_lock_order: None, corruptions: list[tuple[str, int, int]], batch_size: str
    ) -> None:
        """One transaction holds many commands here, to be rolled back: in which order it locks proves nothing."""
        with transaction.atomic():
            courses = a_consistent_world()
            assert operate(*REPAIR).code == 0
            drop_live_index()
            for name, which, number in corruptions:
                CORRUPT[name](courses[which], number)
            corrupted = everything()
            with nothing_changed():
                found = operate(*REPAIR)
            repaired = apply(*REPAIR, "--batch-size", batch_size)
            assert repaired.code == 0, repaired.items
            assert bool(found.items) <= bool(repaired.items)
            again = operate(*REPAIR)
            assert (again.code, again.items) == (0, []), again.items
            self.check_independently(courses)
            undone = apply("undo_run", repaired.run, "--batch-size", batch_size)
            # Only what was recorded stays: the log only grows.
            assert {item["check"] for item in undone.items if item["outcome"] != "done"} <= {"missing-events"}
            assert everything() == corrupted
            transaction.set_rollback(True)

    def check_independently(self, courses: list[UUID]) -> None:
        """The rules once more, without the queries of the checks."""
        for course_id in courses:
            places = places_of(course_id)
            seated, line = rows(course_id, "active", "completed"), rows(course_id, "waiting")
            assert (places.seats_taken, places.waiting) == (len(seated), len(line))
            assert places.capacity is None or len(seated) <= places.capacity
            live = [row.learner_id for row in (*seated, *line)]
            assert len(live) == len(set(live))
            assert not (places.status == "archived" and line)
            assert not (places.status == "open" and line and len(seated) < (places.capacity or 0))
