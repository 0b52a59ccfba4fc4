"""Courses for tests, made through the services, so that no test holds a state which the system cannot reach."""

from typing import Any
from uuid import UUID

from common import ids
from common.tests.factories import NOW, SYSTEM
from courses import services as courses


def a_draft(**values: Any) -> UUID:
    """The id of a draft."""
    return courses.create_course(values={"title": "Knots", **values}, actor=SYSTEM, now=NOW).id


def an_open_course(**values: Any) -> UUID:
    """The id of an open course; unlimited and without a waitlist unless `values` says otherwise."""
    course_id = a_draft(**values)
    courses.open_course(course_id=course_id, actor=SYSTEM, now=NOW)
    return course_id


def a_closed_course(**values: Any) -> UUID:
    """The id of a course that was open and is closed."""
    course_id = an_open_course(**values)
    courses.close_course(course_id=course_id, actor=SYSTEM, now=NOW)
    return course_id


def an_archived_course(**values: Any) -> UUID:
    """The id of a course that was open, closed and archived."""
    course_id = a_closed_course(**values)
    courses.archive_course(course_id=course_id, actor=SYSTEM, now=NOW)
    return course_id


def change(course_id: UUID, **changes: Any) -> courses.CourseChanged:
    """Change these fields of the course."""
    return courses.update_course(
        course_id=course_id,
        changes=changes,  # type: ignore[arg-type]
        expected_version=None,
        actor=SYSTEM,
        now=NOW,
    )


def reopen(course_id: UUID) -> courses.CourseChanged:
    """Open the course, draft or closed."""
    return courses.open_course(course_id=course_id, actor=SYSTEM, now=NOW)


def close(course_id: UUID) -> courses.CourseChanged:
    """Close the open course."""
    return courses.close_course(course_id=course_id, actor=SYSTEM, now=NOW)


def archive(course_id: UUID) -> courses.CourseChanged:
    """Archive the course, draft or closed."""
    return courses.archive_course(course_id=course_id, actor=SYSTEM, now=NOW)


def places_of(course_id: UUID) -> courses.Places:
    """The course's places, as last committed."""
    return courses.get_places(course_id=course_id)


def seats_and_line(course_id: UUID) -> tuple[int, int]:
    """How many seats are taken and how many people wait, by the course's own count."""
    places = places_of(course_id)
    return places.seats_taken, places.waiting


def crs(course_id: UUID) -> str:
    """The public id of a course."""
    return ids.encode(ids.COURSE, course_id)


def rating_of(course_id: UUID) -> courses.Rating:
    """What the catalogue shows of the course's reviews."""
    return courses.get_course(course_id=course_id, with_drafts=True, now=NOW).rating
