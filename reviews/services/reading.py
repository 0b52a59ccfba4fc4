"""What everybody, and what moderators, read of a course's reviews."""

from datetime import datetime
from uuid import UUID

from common.types import Page, PageRequest
from courses import services as courses
from reviews import selectors
from reviews.types import ModeratedReview, QueueSort, Review, ReviewSort, Status, Summary


def list_public(
    *, course_id: UUID, sort: ReviewSort, rating: int | None, page: PageRequest, now: datetime
) -> Page[Review]:
    """One page of the published reviews of a course.

    Raises:
        CourseNotFound: there is no such course, or it is a draft.
    """
    found = selectors.list_public(course_id=course_id, sort=sort, rating=rating, page=page)
    if not found.rows:
        # Where there are reviews there is a course, and it is no draft: nobody gets into one, no course becomes one.
        courses.get_course(course_id=course_id, with_drafts=False, now=now)
    return found


def get_summary(*, course_id: UUID, now: datetime) -> Summary:
    """The published ratings of a course.

    Raises:
        CourseNotFound: there is no such course, or it is a draft.
    """
    courses.get_course(course_id=course_id, with_drafts=False, now=now)
    return selectors.get_summary(course_id=course_id)


def list_queue(
    *, status: Status | None, course_id: UUID | None, sort: QueueSort, page: PageRequest, now: datetime
) -> Page[ModeratedReview]:
    """One page of the live reviews, of one course or of all, for moderators.

    Raises:
        CourseNotFound: there is no such course.
    """
    if course_id is not None:
        courses.get_course(course_id=course_id, with_drafts=True, now=now)
    return selectors.list_queue(status=status, course_id=course_id, sort=sort, page=page)
