"""The use cases of the catalogue, and the steps by which `enrollments` takes and gives back places."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from common import db, ids
from common.errors import PreconditionFailed
from common.events import services as events
from common.outcomes import use_case
from common.types import Actor
from courses import rules, selectors
from courses.errors import (
    CapacityBelowEnrollment,
    CourseClosed,
    CourseFull,
    CourseNotFound,
    InvalidTransition,
    SlugAlreadyUsed,
)
from courses.models import Course as CourseRow
from courses.models import CoursePlaces
from courses.rules import check_open, is_open, seats_to_hand_over
from courses.selectors import (
    PLACES_IN_SQL,
    RATINGS_IN_SQL,
    find_courses_with_idle_seats,
    get_course,
    get_labels,
    get_occupancy,
    get_places,
    list_courses,
    list_places,
    public_course,
)
from courses.types import (
    ClaimedPlaces,
    Counters,
    Course,
    CourseChanged,
    CourseChanges,
    CourseFilter,
    CourseLabel,
    CourseSort,
    CourseStatus,
    Occupancy,
    PlaceInLine,
    Places,
    Rating,
    Seat,
)

_TEXTS = ("title", "slug", "summary", "description", "instructor")
_ADMISSION = ("capacity", "waitlist_enabled", "enrollment_opens_at", "enrollment_closes_at")

# -- use cases ----------------------------------------------------------------------------------


@use_case
def create_course(*, values: CourseChanges, actor: Actor, now: datetime) -> Course:
    """There is a new draft. Without a slug it gets one from its title.

    Raises:
        SlugAlreadyUsed: another course has the slug that `values` asks for.
        InvalidInput: the enrollment window closes before it opens.
    """
    if "slug" in values:
        return _create(values=values, slug=values["slug"], actor=actor, now=now)
    slug = rules.slug_from(values["title"])
    try:
        return _create(values=values, slug=slug, actor=actor, now=now)
    except SlugAlreadyUsed:
        return _create(values=values, slug=f"{slug}-{ids.new_uuid().hex[-8:]}", actor=actor, now=now)


def _create(*, values: CourseChanges, slug: str, actor: Actor, now: datetime) -> Course:
    with db.refusing({"course_one_slug": lambda: SlugAlreadyUsed(slug)}):
        row = CourseRow(**{**_only(_TEXTS, values), "slug": slug})
        places = CoursePlaces(course=row, **_only(_ADMISSION, values))
        rules.check_window(opens_at=places.enrollment_opens_at, closes_at=places.enrollment_closes_at)
        row.save(force_insert=True)
        places.save(force_insert=True)
        _record("course.created", row.pk, {"slug": slug, "title": row.title}, actor)
        return get_course(course_id=row.pk, with_drafts=True, now=now)


@use_case
def update_course(
    *, course_id: UUID, changes: CourseChanges, expected_version: int | None, actor: Actor, now: datetime
) -> CourseChanged:
    """The course has these fields. What frees seats wakes the promotion of those who wait. No changes, no event.

    Locks the places only if `changes` names one of their columns.

    Raises:
        CourseNotFound: there is no such course.
        PreconditionFailed: the course is no longer at `expected_version`.
        CapacityBelowEnrollment: more seats are taken than the new capacity.
        SlugAlreadyUsed: another course has the slug.
        InvalidInput: the enrollment window closes before it opens.
    """
    if not changes:
        return _changed("unchanged", "Nothing was to be changed.", course_id, [], now)
    with db.refusing({"course_one_slug": lambda: SlugAlreadyUsed(changes["slug"])}):
        admission = _only(_ADMISSION, changes)
        before = lock_places(course_id=course_id) if admission else None
        _touch(course_id, expected_version, _only(_TEXTS, changes))
        freed = _change_admission(course_id, before, admission, now) if before is not None else 0
        data = {"changed": sorted(changes), "seats_to_hand_over": freed}
        triggered = _record("course.updated", course_id, data, actor)
        return _changed("updated", "The course was changed.", course_id, triggered, now)


@use_case
def open_course(*, course_id: UUID, actor: Actor, now: datetime) -> CourseChanged:
    """The course is open. If seats are free and people wait, their promotion is under way.

    Raises:
        CourseNotFound, InvalidTransition: there is no such course, or its state does not allow it.
    """
    return _go(course_id, CourseStatus.OPEN, "opened", "The course is open.", actor, now)


@use_case
def close_course(*, course_id: UUID, actor: Actor, now: datetime) -> CourseChanged:
    """The course takes nobody; who is in or waits stays so.

    Raises:
        CourseNotFound, InvalidTransition: there is no such course, or its state does not allow it.
    """
    return _go(course_id, CourseStatus.CLOSED, "closed", "The course is closed.", actor, now)


@use_case
def archive_course(*, course_id: UUID, actor: Actor, now: datetime) -> CourseChanged:
    """The course is over for good. If people wait, the end of their waiting is under way.

    Raises:
        CourseNotFound, InvalidTransition: there is no such course, or its state does not allow it.
    """
    return _go(course_id, CourseStatus.ARCHIVED, "archived", "The course is archived.", actor, now)


@transaction.atomic
def _go(
    course_id: UUID, wanted: CourseStatus, outcome: str, message: str, actor: Actor, now: datetime
) -> CourseChanged:
    places = lock_places(course_id=course_id)
    rules.check_transition(status=places.status, wanted=wanted)
    CoursePlaces.objects.filter(pk=course_id).update(status=wanted)
    _touch(course_id, None, {})
    handed_over = rules.seats_to_hand_over(selectors.get_places(course_id=course_id), now=now)
    data = {"from": places.status.value, "seats_to_hand_over": handed_over, "waiting": places.waiting}
    triggered = _record(f"course.{outcome}", course_id, data, actor)
    return _changed(outcome, message, course_id, triggered, now)


def _change_admission(course_id: UUID, before: Places, admission: dict[str, Any], now: datetime) -> int:
    """Change the places, which the caller has locked, and return how many who wait can now be given a seat."""
    rules.check_capacity(capacity=admission.get("capacity"), seats_taken=before.seats_taken)
    rules.check_window(
        opens_at=admission.get("enrollment_opens_at", before.enrollment_opens_at),
        closes_at=admission.get("enrollment_closes_at", before.enrollment_closes_at),
    )
    CoursePlaces.objects.filter(pk=course_id).update(**admission)
    return rules.seats_to_hand_over(selectors.get_places(course_id=course_id), now=now)


def _touch(course_id: UUID, expected_version: int | None, texts: dict[str, Any]) -> None:
    courses = CourseRow.objects.filter(pk=course_id)
    if expected_version is not None:
        courses = courses.filter(version=expected_version)
    if not courses.update(**texts, version=F("version") + 1, updated_at=Now()):
        raise CourseNotFound if expected_version is None else PreconditionFailed


def _record(type: str, course_id: UUID, data: dict[str, Any], actor: Actor) -> list[str]:
    public_id = ids.encode(ids.COURSE, course_id)
    return events.record(
        type=type, subject=public_id, course=public_id, data={"course_id": public_id, **data}, actor=actor
    )


def _changed(outcome: str, message: str, course_id: UUID, triggered: list[str], now: datetime) -> CourseChanged:
    course = get_course(course_id=course_id, with_drafts=True, now=now)
    return CourseChanged(outcome=outcome, message=message, course=course, triggered=triggered)


def _only(names: tuple[str, ...], values: CourseChanges) -> dict[str, Any]:
    given = cast("dict[str, Any]", values)
    return {name: given[name] for name in names if name in given}


# -- steps: places, inside the caller's transaction ----------------------------------------------

# Of so many newcomers, in their order: the first get the free seats, unless somebody waits already, and those after
# them get places in line, if there is a line. That is all there is to know about who gets in.
_SEATED = "CASE WHEN waiting = 0 THEN least(%(count)s, coalesce(capacity - seats_taken, %(count)s)) ELSE 0 END"
_QUEUED = f"CASE WHEN waitlist_enabled THEN %(count)s - {_SEATED} ELSE 0 END"
# Decides and takes in one statement, so that nothing is between the lock and the decision: who waits for the lock
# decides on the row as the one before left it. On the right of SET stand the values from before.
_CLAIM = f"""
    UPDATE courses_courseplaces SET
        seats_taken = seats_taken + {_SEATED},
        waiting = waiting + {_QUEUED},
        last_queue_number = last_queue_number + {_QUEUED}
    WHERE course_id = %(course_id)s
        AND status = 'open'
        AND (enrollment_opens_at IS NULL OR enrollment_opens_at <= %(now)s)
        AND (enrollment_closes_at IS NULL OR enrollment_closes_at > %(now)s)
        AND {_SEATED} + {_QUEUED} > 0
"""
_MOVE_MANY = """
    UPDATE courses_courseplaces AS places
    SET seats_taken = seats_taken + move.seats, waiting = waiting + move.line
    FROM unnest(%s::uuid[], %s::int[], %s::int[]) AS move(course_id, seats, line)
    WHERE places.course_id = move.course_id
"""
_REPLACE_COUNTERS = """
    UPDATE courses_courseplaces AS places
    SET seats_taken = new_seats, waiting = new_line, last_queue_number = new_last
    FROM unnest(%s::uuid[], %s::int[], %s::int[], %s::bigint[], %s::int[], %s::int[], %s::bigint[])
        AS change(course_id, old_seats, old_line, old_last, new_seats, new_line, new_last)
    WHERE places.course_id = change.course_id
        AND (seats_taken, waiting, last_queue_number) = (old_seats, old_line, old_last)
    RETURNING places.course_id
"""
_RATE = "UPDATE courses_course SET rating_average = average, rating_count = count FROM {source} WHERE id = course_id"
_RATING = "(VALUES (%(course_id)s::uuid, %(average)s::numeric, %(count)s::int)) AS rating (course_id, average, count)"
_PLACE = "nullif(waiting, 0) AS position, CASE WHEN waiting > 0 THEN last_queue_number END AS queue_number"


def claim_place(*, course_id: UUID, now: datetime, unless: db.Part, then: Sequence[db.Part]) -> Seat | PlaceInLine:
    """A seat is taken, or the last place in line; which one, the answer says.

    Nobody overtakes: while anyone waits, a newcomer waits too, even if a seat is free. And nobody takes a place if the
    query `unless` finds a row, by which the caller says who may not have one.

    `then` says what the caller writes because of it, in the same statement: so nobody can take a place and forget its
    row, and outside of a larger transaction the course's lock lasts for that statement alone. The parts read `claimed`,
    which has one row with `position` and `queue_number`, both null for a seat, and none if the claim is refused.

    Raises:
        CourseNotFound: there is no such course, or it is a draft.
        CourseClosed: the course takes nobody now.
        CourseFull: it has neither a seat nor a waitlist to give, or `unless` found a row: the caller looks which.
    """
    claim = f"{_CLAIM} AND NOT EXISTS ({unless.sql}) RETURNING {_PLACE}"
    claimed = db.Part("claimed", claim, {"course_id": course_id, "now": now, "count": 1, **unless.values})
    row = db.fetch_one(*db.joined([claimed, *then], "SELECT now(), position, queue_number FROM claimed"))
    if row is None:
        places = selectors.get_places(course_id=course_id)
        rules.check_open(places, now=now)
        raise CourseFull(places.seats_taken)
    at, position, number = row
    return Seat(claimed_at=at) if position is None else PlaceInLine(claimed_at=at, number=number, position=position)


@db.step
def claim_places(*, course_id: UUID, before: Places, count: int, now: datetime) -> ClaimedPlaces:
    """As `claim_place` for so many newcomers at once, in their order, by the same decision.

    The caller has locked the places, and `before` is how they are. Nobody is refused loudly: those for whom there is
    neither a seat nor a place in line are the ones who are left over.

    Raises:
        CourseNotFound: the course is a draft.
        CourseClosed: it takes nobody now.
    """
    rules.check_open(before, now=now)
    after = db.fetch_one(
        f"{_CLAIM} RETURNING seats_taken, waiting, last_queue_number",
        {"course_id": course_id, "now": now, "count": count},
    )
    seats_taken, waiting, last_number = after or (before.seats_taken, before.waiting, 0)
    return ClaimedPlaces(
        seats=seats_taken - before.seats_taken,
        in_line=waiting - before.waiting,
        last_position=waiting,
        last_number=last_number,
        seats_taken=seats_taken,
    )


@db.step
def lock_places(*, course_id: UUID) -> Places:
    """The places as they are, and nobody else changes them until the caller's transaction ends.

    Raises:
        CourseNotFound: there is no such course.
    """
    # Not plain FOR UPDATE: that would block every insert of a row that refers to the course.
    row = CoursePlaces.objects.select_for_update(of=("self",), no_key=True).filter(pk=course_id).first()
    if row is None:
        raise CourseNotFound
    return selectors.to_places(row)


@db.step
def move_places(*, course_id: UUID, seats: int, waiting: int) -> None:
    """So many more seats are taken and so many more people wait; negative numbers for fewer."""
    db.execute(
        "UPDATE courses_courseplaces SET seats_taken = seats_taken + %s, waiting = waiting + %s WHERE course_id = %s",
        [seats, waiting, course_id],
    )


@db.step
def lock_many_places(*, course_ids: Collection[UUID]) -> dict[UUID, Places]:
    """As `lock_places` for each of these courses, ids ascending. Unknown ones are left out."""
    rows = CoursePlaces.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=course_ids)
    return {row.pk: selectors.to_places(row) for row in rows.order_by("pk")}


@db.step
def move_many_places(*, moves: Mapping[UUID, tuple[int, int]]) -> None:
    """As `move_places` for many courses, which the caller has locked: so many seats and people in line more."""
    db.execute_set(
        _MOVE_MANY,
        [list(moves), [seats for seats, _ in moves.values()], [waiting for _, waiting in moves.values()]],
    )


@db.step
def replace_counters(*, changes: Mapping[UUID, tuple[Counters, Counters]]) -> set[UUID]:
    """Where the places of these courses say the first, they say the second. Returns the courses where they did."""
    columns = zip(*(_numbers(old) + _numbers(new) for old, new in changes.values()), strict=True)
    return {course_id for (course_id,) in db.fetch_set(_REPLACE_COUNTERS, [list(changes), *map(list, columns)])}


def _numbers(counters: Counters) -> tuple[int, int, int]:
    return counters.seats_taken, counters.waiting, counters.last_queue_number


@db.step
def record_rating(*, course_id: UUID, average: Decimal | None, count: int) -> None:
    """The catalogue shows this rating of the course."""
    db.execute(_RATE.format(source=_RATING), {"course_id": course_id, "average": average, "count": count})


def rating_recorded(*, source: str) -> db.Part:
    """As `record_rating`, as a part of a larger statement: `source` there has a `course_id`, `average` and `count`."""
    return db.Part("rated", _RATE.format(source=source), {})


__all__ = [
    "PLACES_IN_SQL",
    "RATINGS_IN_SQL",
    "CapacityBelowEnrollment",
    "ClaimedPlaces",
    "Counters",
    "Course",
    "CourseChanged",
    "CourseChanges",
    "CourseClosed",
    "CourseFilter",
    "CourseFull",
    "CourseLabel",
    "CourseNotFound",
    "CourseSort",
    "CourseStatus",
    "InvalidTransition",
    "Occupancy",
    "PlaceInLine",
    "Places",
    "Rating",
    "Seat",
    "SlugAlreadyUsed",
    "archive_course",
    "check_open",
    "claim_place",
    "claim_places",
    "close_course",
    "create_course",
    "find_courses_with_idle_seats",
    "get_course",
    "get_labels",
    "get_occupancy",
    "get_places",
    "is_open",
    "list_courses",
    "list_places",
    "lock_many_places",
    "lock_places",
    "move_many_places",
    "move_places",
    "open_course",
    "public_course",
    "rating_recorded",
    "record_rating",
    "replace_counters",
    "seats_to_hand_over",
    "update_course",
]
