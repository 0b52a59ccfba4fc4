"""Reads of who is in and who waits."""

from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from common import db, keyset
from common.compiled import Slot, Statement
from common.types import Page, PageRequest, Person, cut
from enrollments import rules
from enrollments.errors import EnrollmentNotFound
from enrollments.models import Enrollment as EnrollmentRow
from enrollments.types import (
    ENROLLMENT,
    LIVE,
    Enrollment,
    RosterRow,
    Source,
    Standing,
    Status,
    StoredRow,
    WaitlistEntry,
    WaitlistRow,
    via_from,
)

NEWEST_FIRST = ("enrolled_at", "id")
_ENROLLMENT = ("id", "course_id", "learner_id", "status", "source", "enrolled_at", "ended_at")
_PLACE = ("joined_at", "queue_number")
_PERSON = ("learner__id", "learner__email", "learner__display_name")


def find_standing(*, course_id: UUID, learner_id: UUID) -> tuple[UUID, Status] | None:
    """The id and state of the learner's live row in the course, if there is one."""
    row = _standing("pk", "status").row(course_id=course_id, learner_id=learner_id)
    return None if row is None else (row[0], Status(row[1]))


def find_standings(*, course_id: UUID, learner_ids: Sequence[UUID]) -> dict[UUID, tuple[UUID, Status]]:
    """For each of the learners with a live row in the course, its id and state."""
    rows = _live(course_id, learner_ids).values_list("learner_id", "pk", "status")
    return {learner_id: (row_id, Status(status)) for learner_id, row_id, status in rows}


@cache
def _standing(*columns: str) -> Statement:
    return Statement(_live(Slot("course_id"), Slot("learner_id")).values_list(*columns))


def get_standing(*, course_id: UUID, learner_id: UUID) -> Standing:
    """How the learner stands in the course.

    Raises:
        EnrollmentNotFound: the learner neither is in the course nor waits for it.
    """
    row = _standing(*_ENROLLMENT, *_PLACE).row(course_id=course_id, learner_id=learner_id)
    if row is None:
        raise EnrollmentNotFound("You are neither enrolled in this course nor in line for it.")
    row_id, _, _, status, *_ = row
    if status == Status.WAITING:
        entry = _waitlist_entry(row, position=_position(course_id, row[-1]))
        return Standing(id=row_id, status=Status.WAITING, enrollment=None, waitlist_entry=entry)
    return Standing(id=row_id, status=Status(status), enrollment=_enrollment(row), waitlist_entry=None)


def find_newest(*, course_id: UUID, learner_id: UUID) -> tuple[UUID, Status]:
    """The id and state of the learner's newest row in the course, whether it lives or not. There must be one."""
    rows = EnrollmentRow.objects.filter(course_id=course_id, learner_id=learner_id).order_by("-id")
    row_id, status = rows.values_list("pk", "status")[0]
    return row_id, Status(status)


def get_enrollment(*, enrollment_id: UUID) -> Enrollment:
    """The enrollment with this id; a place in line is none.

    Raises:
        EnrollmentNotFound: there is none.
    """
    row = EnrollmentRow.objects.filter(pk=enrollment_id, status__in=ENROLLMENT).values_list(*_ENROLLMENT).first()
    if row is None:
        raise EnrollmentNotFound
    return _enrollment(row)


def get_row(*, row_id: UUID) -> StoredRow:
    """The row with this id, in whatever state it is.

    Raises:
        EnrollmentNotFound: there is none.
    """
    row = EnrollmentRow.objects.filter(pk=row_id).first()
    if row is None:
        raise EnrollmentNotFound
    return StoredRow(
        id=row.pk,
        course_id=row.course_id,
        learner_id=row.learner_id,
        status=Status(row.status),
        via=via_from(row.partner_id, row.external_id),
    )


def statuses_of(*, row_ids: Sequence[UUID]) -> dict[UUID, Status]:
    """The state of each row with one of these ids; ids without a row are left out."""
    rows = EnrollmentRow.objects.filter(pk__in=row_ids).values_list("pk", "status")
    return {row_id: Status(status) for row_id, status in rows}


def newest_rows(*, pairs: Sequence[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], tuple[UUID, Status]]:
    """For each course and learner the id and state of the live row, or else of the newest one; those without are left
    out.
    """
    courses, learners = [course_id for course_id, _ in pairs], [learner_id for _, learner_id in pairs]
    rows = db.fetch_set(_NEWEST, [courses, learners])
    return {(course_id, learner_id): (row_id, Status(status)) for course_id, learner_id, row_id, status in rows}


def list_of_learner(*, learner_id: UUID, status: Status | None, page: PageRequest) -> Page[Enrollment]:
    """The learner's enrollments over all courses, newest first."""
    statement = _page_of_learner(status=status, goes_on=page.after is not None, limit=page.limit)
    rows = statement.rows(learner_id=learner_id, **keyset.values(page.after))
    return cut([_enrollment(row) for row in rows], limit=page.limit, key=_newest_key)


@cache
def _page_of_learner(*, status: Status | None, goes_on: bool, limit: int) -> Statement:
    rows = _newest_first(EnrollmentRow.objects.filter(learner_id=Slot("learner_id")), status, goes_on=goes_on)
    return Statement(rows.values_list(*_ENROLLMENT)[: limit + 1])


def list_roster(*, course_id: UUID, status: Status | None, page: PageRequest) -> Page[RosterRow]:
    """The course's enrollments with their learners, newest first."""
    statement = _page_of_roster(status=status, goes_on=page.after is not None, limit=page.limit)
    rows = [
        RosterRow(enrollment=_enrollment(row), learner=_person(row))
        for row in statement.rows(course_id=course_id, **keyset.values(page.after))
    ]
    return cut(rows, limit=page.limit, key=lambda row: _newest_key(row.enrollment))


@cache
def _page_of_roster(*, status: Status | None, goes_on: bool, limit: int) -> Statement:
    rows = _newest_first(EnrollmentRow.objects.filter(course_id=Slot("course_id")), status, goes_on=goes_on)
    return Statement(rows.values_list(*_ENROLLMENT, *_PERSON)[: limit + 1])


def list_waitlist(*, course_id: UUID, page: PageRequest) -> Page[WaitlistRow]:
    """Who waits for the course, in queue order."""
    waiting = EnrollmentRow.objects.filter(course_id=course_id, status=Status.WAITING).order_by("queue_number")
    if page.after is not None:
        waiting = waiting.filter(queue_number__gt=page.after[0])
    rows = list(waiting.values_list(*_ENROLLMENT, *_PLACE, *_PERSON)[: page.limit + 1])
    first = _position(course_id, _queue_number(rows[0])) if rows else 0
    entries = [
        WaitlistRow(
            waitlist_entry=_waitlist_entry(row, position=first + index),
            learner=_person(row),
            queue_number=_queue_number(row),
        )
        for index, row in enumerate(rows)
    ]
    return cut(entries, limit=page.limit, key=lambda entry: (entry.queue_number,))


def head_of_line(*, course_id: UUID, length: int) -> list[tuple[UUID, UUID]]:
    """The enrollment and learner ids of the first `length` who wait, in queue order."""
    waiting = EnrollmentRow.objects.filter(course_id=course_id, status=Status.WAITING).order_by("queue_number")
    return list(waiting.values_list("pk", "learner_id")[:length])


def count_waiting(*, course_id: UUID) -> int:
    """How many wait for the course."""
    return EnrollmentRow.objects.filter(course_id=course_id, status=Status.WAITING).count()


_NEWEST = """
    SELECT DISTINCT ON (course_id, learner_id) course_id, learner_id, id, status
    FROM enrollments_enrollment JOIN unnest(%s::uuid[], %s::uuid[]) AS pair(course_id, learner_id)
        USING (course_id, learner_id)
    ORDER BY course_id, learner_id, status IN ('active', 'completed', 'waiting') DESC, id DESC
"""
_POSITIONS = """
    SELECT id, position FROM (
        SELECT id, row_number() OVER (PARTITION BY course_id ORDER BY queue_number) AS position
        FROM enrollments_enrollment JOIN (
            SELECT course_id, max(queue_number) AS last FROM enrollments_enrollment WHERE id = ANY(%(ids)s) GROUP BY 1
        ) AS lines USING (course_id)
        WHERE status = 'waiting' AND queue_number <= last
    ) AS line
    WHERE id = ANY(%(ids)s)
"""


def positions(*, entry_ids: Sequence[UUID]) -> dict[UUID, int]:
    """The places in line, counted from 1, of those of these who wait. Each line is read once, to the last of them."""
    with connection.cursor() as cursor:
        cursor.execute(_POSITIONS, {"ids": list(entry_ids)})
        return dict(cursor.fetchall())


def _enrollment(row: tuple[Any, ...]) -> Enrollment:
    row_id, course_id, learner_id, status, source, enrolled_at, ended_at = row[: len(_ENROLLMENT)]
    return Enrollment(
        id=row_id,
        course_id=course_id,
        learner_id=learner_id,
        status=Status(status),
        source=Source(source),
        enrolled_at=enrolled_at,
        ended_at=ended_at,
    )


def _waitlist_entry(row: tuple[Any, ...], *, position: int) -> WaitlistEntry:
    row_id, course_id, learner_id, status, _, _, _, joined_at, _ = row[: len(_ENROLLMENT) + len(_PLACE)]
    return WaitlistEntry(
        id=row_id,
        course_id=course_id,
        learner_id=learner_id,
        status=rules.waitlist_status(Status(status)),
        position=position,
        joined_at=joined_at,
    )


def _queue_number(row: tuple[Any, ...]) -> int:
    return int(row[len(_ENROLLMENT) + 1])


def _person(row: tuple[Any, ...]) -> Person:
    person_id, email, display_name = row[-len(_PERSON) :]
    return Person(id=person_id, email=email, display_name=display_name)


def _live(course_id: UUID | Slot, learner: UUID | Slot | Sequence[UUID]) -> QuerySet[EnrollmentRow]:
    rows = EnrollmentRow.objects.filter(course_id=course_id, status__in=sorted(LIVE))
    return rows.filter(learner_id__in=learner) if isinstance(learner, Sequence) else rows.filter(learner_id=learner)


def _newest_first(
    enrollments: QuerySet[EnrollmentRow], status: Status | None, *, goes_on: bool
) -> QuerySet[EnrollmentRow]:
    # Both conditions where one would do: the planner proves that the partial index applies from the list of states.
    enrollments = enrollments.filter(status__in=sorted(ENROLLMENT))
    if status is not None:
        enrollments = enrollments.filter(status=status)
    if goes_on:
        enrollments = enrollments.filter(keyset.beyond(NEWEST_FIRST, keyset.slots(NEWEST_FIRST), descending=True))
    return enrollments.order_by("-enrolled_at", "-id")


def _newest_key(enrollment: Enrollment) -> tuple[object, ...]:
    return (enrollment.enrolled_at, enrollment.id)


def _position(course_id: UUID, queue_number: int) -> int:
    return EnrollmentRow.objects.filter(
        course_id=course_id, status=Status.WAITING, queue_number__lte=queue_number
    ).count()
