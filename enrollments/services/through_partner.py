"""What a partner does: enroll its people, list them, take them out. It sees what came through itself alone."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from common.outcomes import use_case
from common.types import Actor, Page, PageRequest
from courses import services as courses
from enrollments import selectors
from enrollments.errors import EnrollmentNotFound
from enrollments.services.enrolling import enroll
from enrollments.services.learners import recognize
from enrollments.services.leaving import leave
from enrollments.types import (
    Enrolled,
    LearnerOfPartner,
    PartnerEnrollment,
    PartnerFilter,
    Source,
    Via,
    Waitlisted,
    Withdrawn,
)


@use_case
@transaction.atomic
def enroll_through_partner(
    *, partner_id: UUID, course_id: UUID, learner: LearnerOfPartner, actor: Actor, now: datetime
) -> Enrolled | Waitlisted:
    """The learner has a seat, or the last place in line, and an account, if there was none. A refusal makes neither.

    Raises:
        CourseNotFound, CourseClosed, CourseFull, AlreadyEnrolled, AlreadyWaitlisted: as for everybody.
    """
    known = recognize(partner_id=partner_id, learners=[learner])
    return enroll(
        course_id=course_id,
        learner_id=known.people[learner.external_id],
        source=Source.PARTNER,
        via=Via(partner_id=partner_id, external_id=learner.external_id),
        actor=actor,
        now=now,
    )


@use_case
@transaction.atomic
def withdraw_through_partner(*, partner_id: UUID, reference: UUID, actor: Actor, now: datetime) -> Withdrawn:
    """This enrollment, or this place in line, has ended. A freed seat has gone to the head of the line.

    Raises:
        EnrollmentNotFound: it did not come through the partner, or has ended already.
        EnrollmentCompleted: a completed enrollment keeps its seat.
    """
    course_id, learner_id = selectors.get_of_partner(partner_id=partner_id, reference=reference)
    places = courses.lock_places(course_id=course_id)
    standing = selectors.find_standing(course_id=course_id, learner_id=learner_id)
    if standing is None or standing[0] != reference:
        # It has ended; the learner may have come back since, without the partner.
        raise EnrollmentNotFound
    return leave(*standing, course_id, learner_id, places, actor, now)


def list_enrollments_of_partner(
    *, partner_id: UUID, wanted: PartnerFilter, page: PageRequest
) -> Page[PartnerEnrollment]:
    """What came through the partner, newest first.

    Raises:
        CourseNotFound: `wanted` names a course that there is not.
    """
    if wanted.course_id is not None:
        courses.get_places(course_id=wanted.course_id)
    return selectors.list_of_partner(partner_id=partner_id, wanted=wanted, page=page)
