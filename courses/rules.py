"""The rules of courses, as pure functions over plain values."""

import re
import unicodedata
from datetime import datetime

from common.errors import InvalidInput
from courses.errors import CapacityBelowEnrollment, CourseClosed, CourseNotFound, InvalidTransition
from courses.types import CourseStatus, Places

TRANSITIONS: dict[CourseStatus, frozenset[CourseStatus]] = {
    CourseStatus.DRAFT: frozenset({CourseStatus.OPEN, CourseStatus.ARCHIVED}),
    CourseStatus.OPEN: frozenset({CourseStatus.CLOSED}),
    CourseStatus.CLOSED: frozenset({CourseStatus.OPEN, CourseStatus.ARCHIVED}),
    CourseStatus.ARCHIVED: frozenset(),
}
_SLUG_LENGTH = 80


def check_transition(*, status: CourseStatus, wanted: CourseStatus) -> None:
    """Whether a course may go from `status` to `wanted`.

    Raises:
        InvalidTransition: it may not.
    """
    if wanted not in TRANSITIONS[status]:
        raise InvalidTransition(status, wanted)


def is_open(places: Places, *, now: datetime) -> bool:
    """Whether the course takes learners at `now`: its status is open and `now` lies in its window."""
    return (
        places.status is CourseStatus.OPEN
        and (places.enrollment_opens_at is None or places.enrollment_opens_at <= now)
        and (places.enrollment_closes_at is None or now < places.enrollment_closes_at)
    )


def check_open(places: Places, *, now: datetime) -> None:
    """Whether the course takes learners at `now`.

    Raises:
        CourseNotFound: it is a draft, which learners may not know of.
        CourseClosed: it does not.
    """
    if places.status is CourseStatus.DRAFT:
        raise CourseNotFound
    if places.status is not CourseStatus.OPEN:
        raise CourseClosed(f"it is {places.status}")
    if places.enrollment_opens_at is not None and now < places.enrollment_opens_at:
        raise CourseClosed(f"enrollment opens at {places.enrollment_opens_at:%Y-%m-%d %H:%M} UTC")
    if places.enrollment_closes_at is not None and now >= places.enrollment_closes_at:
        raise CourseClosed(f"enrollment ended at {places.enrollment_closes_at:%Y-%m-%d %H:%M} UTC")


def seats_available(places: Places) -> int | None:
    """How many seats are free, None for no limit."""
    return None if places.capacity is None else max(0, places.capacity - places.seats_taken)


def seats_to_hand_over(places: Places, *, now: datetime) -> int:
    """How many people in line can be given a seat at `now`. A course that is not open gives none."""
    if not is_open(places, now=now):
        return 0
    free = seats_available(places)
    return places.waiting if free is None else min(free, places.waiting)


def check_capacity(*, capacity: int | None, seats_taken: int) -> None:
    """Whether the course can have `capacity` seats.

    Raises:
        CapacityBelowEnrollment: more are taken.
    """
    if capacity is not None and capacity < seats_taken:
        raise CapacityBelowEnrollment(capacity, seats_taken)


def check_window(*, opens_at: datetime | None, closes_at: datetime | None) -> None:
    """Whether the enrollment window is one.

    Raises:
        InvalidInput: it closes before it opens.
    """
    if opens_at is not None and closes_at is not None and closes_at <= opens_at:
        raise InvalidInput(field="enrollment_closes_at", reasons=["Must be later than enrollment_opens_at."])


def slug_from(title: str) -> str:
    """A slug made of the title's Latin letters and digits; `course` if it has none."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_SLUG_LENGTH].rstrip("-") or "course"
