"""Reads of the catalogue."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from django.db.models import DecimalField, F, Q, QuerySet, Sum
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Lower

from common import db, keyset
from common.compiled import Slot, Statement
from common.types import Page, PageRequest, cut
from courses import rules, search
from courses.errors import CourseNotFound
from courses.models import Course, CoursePlaces
from courses.types import Course as CourseValue
from courses.types import CourseFilter, CourseLabel, CourseSort, CourseStatus, Occupancy, Places, Rating

_TEXTS = (
    "id",
    "slug",
    "title",
    "summary",
    "description",
    "instructor",
    "rating_average",
    "rating_count",
    "created_at",
    "updated_at",
    "version",
)
_PLACES = (
    "status",
    "enrollment_opens_at",
    "enrollment_closes_at",
    "waitlist_enabled",
    "capacity",
    "seats_taken",
    "waiting",
)
_COLUMNS = (*_TEXTS, *(f"places__{name}" for name in _PLACES))


# The statements kept ready, one for each combination of filter, order and limit; more of them are made again.
_SHAPES = 256
_PUBLIC = (CourseStatus.OPEN, CourseStatus.CLOSED, CourseStatus.ARCHIVED)
_PUBLIC_COURSE = f"""
    SELECT FROM courses_courseplaces
    WHERE course_id = %(course_id)s AND status IN ({", ".join(f"'{status}'" for status in _PUBLIC)})
"""


@dataclass(frozen=True, slots=True)
class _Order:
    """One way to walk the catalogue. `bound` turns a cursor's key into what the columns are compared with."""

    columns: tuple[str | Combinable, ...]
    descending: bool
    key: Callable[[CourseValue], tuple[object, ...]]
    bound: Callable[[tuple[Any, ...]], tuple[object, ...]] = tuple


RATING = Coalesce("rating_average", Decimal(0), output_field=DecimalField())
_ORDERS: dict[CourseSort, _Order] = {
    # A UUIDv7 sorts by the time at which it was made.
    CourseSort.NEWEST: _Order(("id",), descending=True, key=lambda course: (course.id,)),
    CourseSort.TITLE: _Order(
        (Lower("title"), "id"),
        descending=False,
        key=lambda course: (course.title, course.id),
        # Lower case is the database's to make: Python's differs from it for some letters.
        bound=lambda key: (Lower(key[0]), key[1]),
    ),
    CourseSort.RATING: _Order(
        (RATING, "id"),
        descending=True,
        key=lambda course: (Decimal(str(course.rating.average or 0)), course.id),
    ),
}


# What set-based questions of other apps may know of the tables here. `%(now)s` is the time.
PLACES_IN_SQL = """(
    SELECT course_id, capacity, seats_taken, waiting, last_queue_number, status = 'archived' AS is_archived,
        status = 'open' AND (enrollment_opens_at IS NULL OR enrollment_opens_at <= %(now)s)
            AND (enrollment_closes_at IS NULL OR enrollment_closes_at > %(now)s) AS is_open
    FROM courses_courseplaces
)"""
RATINGS_IN_SQL = "(SELECT id AS course_id, rating_average, rating_count FROM courses_course)"


def get_course(*, course_id: UUID, with_drafts: bool, now: datetime) -> CourseValue:
    """The course with this id.

    Raises:
        CourseNotFound: there is none, or it is a draft and `with_drafts` is False.
    """
    row = _course().row(id=course_id)
    course = None if row is None else _to_course(row, now)
    if course is None or (course.status is CourseStatus.DRAFT and not with_drafts):
        raise CourseNotFound
    return course


@cache
def _course() -> Statement:
    return Statement(Course.objects.filter(pk=Slot("id")).values_list(*_COLUMNS))


def list_courses(
    *, filter: CourseFilter, sort: CourseSort, with_drafts: bool, page: PageRequest, now: datetime
) -> Page[CourseValue]:
    """One page of the catalogue."""
    ways, slots = search.look_up(filter.search) if filter.search else ([""], {})
    rows: list[tuple[Any, ...]] = []
    for way in ways:
        shape, goes_on = replace(filter, search=way), page.after is not None
        statement = _page(shape=shape, sort=sort, with_drafts=with_drafts, goes_on=goes_on, limit=page.limit)
        rows = statement.rows(**slots, now=now, **keyset.values(page.after))
        if len(rows) > page.limit:
            break
    return cut([_to_course(row[: len(_COLUMNS)], now) for row in rows], limit=page.limit, key=_ORDERS[sort].key)


@lru_cache(maxsize=_SHAPES)
def _page(*, shape: CourseFilter, sort: CourseSort, with_drafts: bool, goes_on: bool, limit: int) -> Statement:
    order = _ORDERS[sort]
    courses = _filtered(shape, with_drafts=with_drafts).order_by(
        *(_directed(column, descending=order.descending) for column in order.columns)
    )
    if goes_on:
        key = order.bound(keyset.slots(order.columns))
        courses = courses.filter(keyset.beyond(order.columns, key, descending=order.descending))
        if sort is CourseSort.NEWEST:
            # The planner may merge both tables by their ids, and would then read all newer places to get to the page.
            courses = courses.filter(keyset.beyond(("places__pk",), key, descending=order.descending))
    if shape.search == search.NEAR:
        near = Statement(courses.values_list(*_COLUMNS, search.MATCHES)[: search.AS_NEAR])
        return near.where(search.MATCHES, limit=limit + 1)
    return Statement(courses.values_list(*_COLUMNS)[: limit + 1], planned_by_value=bool(shape.search))


def public_course(*, course_id: UUID) -> db.Part:
    """A query, part of another app's, that finds a row if there is this course and it is not a draft."""
    return db.Part("course", _PUBLIC_COURSE, {"course_id": course_id})


def get_labels(*, course_ids: Iterable[UUID]) -> dict[UUID, CourseLabel]:
    """How these courses are called, by id; unknown ids are left out."""
    rows = db.fetch_all("SELECT id, slug, title FROM courses_course WHERE id = ANY(%s)", [list(set(course_ids))])
    return {id: CourseLabel(id=id, slug=slug, title=title) for id, slug, title in rows}


def get_occupancy() -> Occupancy:
    """How full the open courses are."""
    limited = Q(capacity__isnull=False)
    sums = CoursePlaces.objects.filter(status=CourseStatus.OPEN).aggregate(
        seats=Sum("capacity", default=0),
        taken=Sum("seats_taken", filter=limited, default=0),
        in_line=Sum("waiting", default=0),
    )
    return Occupancy(capacity=sums["seats"], seats_taken=sums["taken"], waiting=sums["in_line"])


def get_places(*, course_id: UUID) -> Places:
    """Who may come in, as last committed.

    Raises:
        CourseNotFound: there is no such course.
    """
    places = CoursePlaces.objects.filter(pk=course_id).first()
    if places is None:
        raise CourseNotFound
    return to_places(places)


def list_places(*, course_ids: Iterable[UUID]) -> dict[UUID, Places]:
    """The places of these courses, by id; unknown ids are left out."""
    return {row.pk: to_places(row) for row in CoursePlaces.objects.filter(pk__in=list(course_ids))}


def find_courses_with_idle_seats(*, now: datetime) -> list[UUID]:
    """Open courses in which people wait although a seat is free."""
    waited_for = CoursePlaces.objects.filter(waiting__gt=0, status=CourseStatus.OPEN)
    return [row.pk for row in waited_for if rules.seats_to_hand_over(to_places(row), now=now)]


def to_places(row: CoursePlaces) -> Places:
    """A places row as a value."""
    return Places(
        status=CourseStatus(row.status),
        enrollment_opens_at=row.enrollment_opens_at,
        enrollment_closes_at=row.enrollment_closes_at,
        waitlist_enabled=row.waitlist_enabled,
        capacity=row.capacity,
        seats_taken=row.seats_taken,
        waiting=row.waiting,
    )


def _filtered(filter: CourseFilter, *, with_drafts: bool) -> QuerySet[Course]:
    """The courses of `filter`, with slots for `now` and, where it searches, for the way that it names."""
    courses = Course.objects.all()
    if filter.status is not None:
        courses = courses.filter(places__status=filter.status)
    if not with_drafts:
        courses = courses.filter(places__status__in=_PUBLIC)
    if filter.is_open is not None:
        courses = courses.filter(open_at(Slot("now")) if filter.is_open else ~open_at(Slot("now")))
    if filter.search:
        courses = search.WAYS[filter.search](courses)
    return courses


def open_at(now: datetime | Slot) -> Q:
    """The condition for courses that take learners at `now`; `rules.is_open` in the database's words."""
    return (
        Q(places__status=CourseStatus.OPEN)
        & (Q(places__enrollment_opens_at=None) | Q(places__enrollment_opens_at__lte=now))
        & (Q(places__enrollment_closes_at=None) | Q(places__enrollment_closes_at__gt=now))
    )


def fullest(*, limit: int) -> list[Course]:
    """Open courses with a limit of seats, with their places: where most wait, then where the fewest seats are free."""
    limited = Course.objects.filter(places__status=CourseStatus.OPEN, places__capacity__isnull=False)
    free = F("places__capacity") - F("places__seats_taken")
    return list(
        limited.select_related("places").only("title", "places").order_by("-places__waiting", free, "pk")[:limit]
    )


def _directed(column: str | Combinable, *, descending: bool) -> Any:
    if isinstance(column, str):
        return f"-{column}" if descending else column
    return column.desc() if descending else column.asc()  # type: ignore[attr-defined]


def _to_course(row: tuple[Any, ...], now: datetime) -> CourseValue:
    (id, slug, title, summary, description, instructor, average, count, created_at, updated_at, version, *rest) = row
    status, opens_at, closes_at, waitlist_enabled, capacity, seats_taken, waiting = rest
    places = Places(
        status=CourseStatus(status),
        enrollment_opens_at=opens_at,
        enrollment_closes_at=closes_at,
        waitlist_enabled=waitlist_enabled,
        capacity=capacity,
        seats_taken=seats_taken,
        waiting=waiting,
    )
    return CourseValue(
        id=id,
        slug=slug,
        title=title,
        summary=summary,
        description=description,
        instructor=instructor,
        status=places.status,
        is_open=rules.is_open(places, now=now),
        capacity=capacity,
        seats_taken=seats_taken,
        seats_available=rules.seats_available(places),
        waitlist_enabled=waitlist_enabled,
        waitlist_length=waiting,
        enrollment_opens_at=opens_at,
        enrollment_closes_at=closes_at,
        rating=Rating(average=None if average is None else float(average), count=count),
        created_at=created_at,
        updated_at=updated_at,
        version=version,
    )
