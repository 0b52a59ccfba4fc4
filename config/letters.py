"""Which events people are told of by mail: the one table of who hears what.

The words are in the templates of the app that the event belongs to.
"""

from collections.abc import Mapping
from typing import Any

from common import ids
from common.events.types import Data
from common.mail.types import Letter
from courses import services as courses


def _course(data: Data) -> Mapping[str, Any]:
    """How the course is called now."""
    course_id = ids.decode(ids.COURSE, data["course_id"])
    assert course_id is not None
    return {"course": courses.get_labels(course_ids=[course_id])[course_id].title}


# fmt: off
LETTERS = (
    Letter(event="enrollment.created", to="learner_id", subject="You are enrolled in {course}",
           template="enrollments/mail/enrolled", details=_course),
    Letter(event="waitlist.joined", to="learner_id", subject="You are on the waitlist of {course}",
           template="enrollments/mail/waitlisted", details=_course),
    Letter(event="waitlist.promoted", to="learner_id", subject="You have a seat in {course}",
           template="enrollments/mail/promoted", details=_course),
    Letter(event="review.approved", to="author_id", subject="Your review of {course} is public",
           template="reviews/mail/approved", details=_course),
    Letter(event="review.hidden", to="author_id", subject="Your review of {course} was taken down",
           template="reviews/mail/hidden", details=_course),
)
# fmt: on
