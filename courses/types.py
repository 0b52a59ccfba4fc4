"""What crosses from courses: plain values.

Those of which a page of a list has many are named tuples: one is made in a third of the time of a frozen dataclass.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, TypedDict
from uuid import UUID


class CourseStatus(StrEnum):
    """The life of a course."""

    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"
    ARCHIVED = "archived"


class CourseSort(StrEnum):
    """The orders in which the catalogue can be walked."""

    NEWEST = "newest"
    TITLE = "title"
    RATING = "rating"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """What learners gave it: the mean of `count` ratings of 1 to 5, None without any."""

    average: float | None
    count: int


class Places(NamedTuple):
    """Who may come in. `capacity` None is unlimited; the window is open from `opens_at` until before `closes_at`."""

    status: CourseStatus
    enrollment_opens_at: datetime | None
    enrollment_closes_at: datetime | None
    waitlist_enabled: bool
    capacity: int | None
    seats_taken: int
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What a course's places say of its rows: how many are seated, how many wait, the last number of the line."""

    seats_taken: int
    waiting: int
    last_queue_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupancy:
    """All open courses together: the seats of those with a limit, how many of these are taken, and who waits."""

    capacity: int
    seats_taken: int
    waiting: int


class Course(NamedTuple):
    """A course as the catalogue shows it at one instant."""

    id: UUID
    slug: str
    title: str
    summary: str
    description: str
    instructor: str
    status: CourseStatus
    is_open: bool
    capacity: int | None
    seats_taken: int
    seats_available: int | None
    waitlist_enabled: bool
    waitlist_length: int
    enrollment_opens_at: datetime | None
    enrollment_closes_at: datetime | None
    rating: Rating
    created_at: datetime
    updated_at: datetime
    version: int


class CourseLabel(NamedTuple):
    """How a course is called."""

    id: UUID
    slug: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseFilter:
    """Which courses of the catalogue. `search` is words of title, summary or instructor; None leaves a part open."""

    search: str | None = None
    status: CourseStatus | None = None
    is_open: bool | None = None


class CourseChanges(TypedDict, total=False):
    """The fields of a course that staff may set; what is absent stays as it is."""

    title: str
    slug: str
    summary: str
    description: str
    instructor: str
    capacity: int | None
    waitlist_enabled: bool
    enrollment_opens_at: datetime | None
    enrollment_closes_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A seat was taken, at this time of the database."""

    claimed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceInLine:
    """The last place in line was taken. `number` orders the queue for ever, `position` counts from 1 as of then."""

    claimed_at: datetime
    number: int
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedPlaces:
    """What so many newcomers got: the first of them `seats`, the next `in_line` places in line, the others nothing.

    The last of those in line has `last_number` in the queue and `last_position` in it. `seats_taken` is from after.
    """

    seats: int
    in_line: int
    last_position: int
    last_number: int
    seats_taken: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseChanged:
    """What a use case did to a course, in one word and one sentence, and what it set in motion."""

    outcome: str
    message: str
    course: Course
    triggered: list[str]
