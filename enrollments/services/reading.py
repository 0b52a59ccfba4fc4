"""Reading what belongs to several tables or apps at once."""

from datetime import datetime
from uuid import UUID

from common import db
from common.types import Page, PageRequest
from courses import services as courses
from enrollments import selectors
from enrollments.types import IN_COURSE, EnrollmentOfMine, RosterRow, Status, WaitlistRow

_ADMISSION = f"""
    SELECT FROM enrollments_enrollment
    WHERE learner_id = %(admission_learner_id)s AND course_id = %(admission_course_id)s
        AND status IN ({", ".join(f"'{status}'" for status in sorted(IN_COURSE))})
"""


def list_enrollments_of_learner(
    *, learner_id: UUID, status: Status | None, page: PageRequest
) -> Page[EnrollmentOfMine]:
    """The learner's enrollments over all courses, newest first, with the courses' names."""
    found = selectors.list_of_learner(learner_id=learner_id, status=status, page=page)
    labels = courses.get_labels(course_ids=[row.course_id for row in found.rows])
    rows = [EnrollmentOfMine(enrollment=row, course=labels[row.course_id]) for row in found.rows]
    return Page(rows=rows, next_after=found.next_after, has_more=found.has_more)


def list_roster(*, course_id: UUID, status: Status | None, page: PageRequest) -> Page[RosterRow]:
    """The course's enrollments with their learners, newest first.

    Raises:
        CourseNotFound: there is no such course.
    """
    courses.get_places(course_id=course_id)
    return selectors.list_roster(course_id=course_id, status=status, page=page)


def list_waitlist(*, course_id: UUID, page: PageRequest) -> Page[WaitlistRow]:
    """Who waits for the course, in queue order.

    Raises:
        CourseNotFound: there is no such course.
    """
    courses.get_places(course_id=course_id)
    return selectors.list_waitlist(course_id=course_id, page=page)


def has_been_admitted(*, course_id: UUID, learner_id: UUID) -> bool:
    """Whether the learner has an active or completed enrollment in the course."""
    standing = selectors.find_standing(course_id=course_id, learner_id=learner_id)
    return standing is not None and standing[1] in IN_COURSE


def admission(*, course_id: UUID, learner_id: UUID) -> db.Part:
    """As `has_been_admitted`, as a query that is part of another app's: it finds a row if so."""
    return db.Part("admission", _ADMISSION, {"admission_course_id": course_id, "admission_learner_id": learner_id})


def check_course(*, course_id: UUID) -> None:
    """Whether there is this course.

    Raises:
        CourseNotFound: there is not.
    """
    courses.get_places(course_id=course_id)


def courses_to_promote_in(*, now: datetime) -> list[UUID]:
    """Open courses in which people wait although a seat is free."""
    return courses.find_courses_with_idle_seats(now=now)
