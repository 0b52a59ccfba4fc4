"""The states that consumers' contracts begin with, made through the services, and the values that requests need."""

from collections.abc import Callable
from uuid import UUID

from rest_framework_simplejwt.tokens import AccessToken

from common import clock
from common.accounts import tokens
from common.models import User
from common.preconditions import etag_of
from common.tests.factories import PASSWORD, a_person
from courses import services as courses
from courses.serializers import CourseView
from courses.tests.factories import an_open_course, crs
from enrollments.tests.factories import (
    a_full_course,
    a_key,
    a_partner,
    a_place_in_line,
    a_row,
    an_enrollment,
    an_import,
    enr,
    imp,
    run,
    through_partner,
)
from reviews.tests.factories import DETAILS, a_review

Values = dict[str, str]


def _signed_in(person: User) -> Values:
    return {"token": str(AccessToken.for_user(person))}


def _nothing() -> Values:
    return {"course_id": "crs_01h455vb4pex5vsknk084sn02q"}


def _known_person() -> User:
    person = a_person()
    person.set_password(PASSWORD)
    person.save()
    return person


def _course_that_was_read() -> Values:
    course = courses.get_course(course_id=an_open_course(), with_drafts=False, now=clock.now())
    return {"course_id": crs(course.id), "etag": etag_of(CourseView.render(course), version=str(course.version))}


def _learner_in(course_id: UUID) -> Values:
    person = a_person()
    an_enrollment(course_id, person.pk)
    return {**_signed_in(person), "course_id": crs(course_id)}


def _learner_who_waits() -> Values:
    course_id, person = a_full_course()[0], a_person()
    a_place_in_line(course_id, person.pk)
    return {**_signed_in(person), "course_id": crs(course_id)}


def _partner_at(course_id: UUID) -> Values:
    return {"key": a_key(a_partner()), "course_id": crs(course_id)}


def _partner_who_brought() -> Values:
    partner_id, course_id = a_partner(), an_open_course()
    reference = through_partner(partner_id, course_id)
    return {"key": a_key(partner_id), "course_id": crs(course_id), "reference": enr(reference)}


def _partner_whose_import_is_done() -> Values:
    partner_id = a_partner()
    done = run(an_import(partner_id, a_row(an_open_course())))
    return {"key": a_key(partner_id), "import_id": imp(done.id)}


def _pipeline() -> Values:
    for _ in range(2):
        an_enrollment(an_open_course())
    return _signed_in(a_person(permissions=("common.view_event",)))


STATES: dict[str, Callable[[], Values]] = {
    "nothing": _nothing,
    "a person with a password": lambda: {"email": _known_person().email},
    "somebody who has signed in": lambda: {"refresh": tokens.issue(a_person()).refresh},
    "an open course": lambda: {"course_id": crs(an_open_course())},
    "a course that was read": _course_that_was_read,
    "a course with a review": lambda: {"course_id": crs(a_review(rating_details=DETAILS).course_id)},
    "a learner at an open course": lambda: {**_signed_in(a_person()), "course_id": crs(an_open_course())},
    "a learner at a full course": lambda: {
        **_signed_in(a_person()),
        "course_id": crs(a_full_course(waitlist_enabled=False)[0]),
    },
    "a learner at a full course with a waitlist": lambda: {
        **_signed_in(a_person()),
        "course_id": crs(a_full_course(waiting=1)[0]),
    },
    "a learner who is in a course": lambda: _learner_in(an_open_course()),
    "a learner who waits": _learner_who_waits,
    "a partner and an open course": lambda: _partner_at(an_open_course()),
    "a partner and a full course with a waitlist": lambda: _partner_at(a_full_course(waiting=1)[0]),
    "a partner who has brought a learner": _partner_who_brought,
    "a partner whose import is done": _partner_whose_import_is_done,
    "the pipeline and an enrollment": _pipeline,
}
