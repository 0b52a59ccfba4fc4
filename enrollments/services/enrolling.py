"""Enrolling: a seat, or a place in line, decided and written in one statement."""

from datetime import datetime
from uuid import UUID

from common import db, ids
from common.accounts import services as accounts
from common.errors import DomainError
from common.events import services as events
from common.failpoints import failpoint
from common.outcomes import use_case
from common.types import Actor
from courses import services as courses
from courses.services import CourseFull
from enrollments import rules, selectors
from enrollments.errors import AlreadyEnrolled, AlreadyWaitlisted
from enrollments.services.recording import event
from enrollments.types import ENROLLMENT, LIVE, Enrolled, Enrollment, Source, Status, Via, Waitlisted, WaitlistEntry

_STANDING = f"""
    SELECT FROM enrollments_enrollment
    WHERE learner_id = %(standing_learner_id)s AND course_id = %(standing_course_id)s
        AND status IN ({", ".join(f"'{status}'" for status in sorted(LIVE))})
"""
# One row for each of `claimed`, which says who got a seat (no queue number) or which place in line.
_INSERT = f"""
    INSERT INTO enrollments_enrollment
        (id, course_id, learner_id, status, source, partner_id, external_id, queue_number, joined_at, enrolled_at)
    SELECT {{row_id}}, %(row_course_id)s, {{learner_id}},
        CASE WHEN queue_number IS NULL THEN '{Status.ACTIVE}' ELSE '{Status.WAITING}' END,
        %(row_source)s, %(row_partner_id)s::uuid, {{external_id}}, queue_number, now(),
        CASE WHEN queue_number IS NULL THEN now() END
    FROM {{claimed}}
"""
_INSERT_ONE = _INSERT.format(
    row_id="%(row_id)s", learner_id="%(row_learner_id)s", external_id="%(row_external_id)s", claimed="claimed"
)
INSERT_MANY = _INSERT.format(
    row_id="row_id",
    learner_id="learner_id",
    external_id="external_id",
    claimed="""unnest(%(row_ids)s::uuid[], %(learner_ids)s::uuid[], %(external_ids)s::text[],
        %(queue_numbers)s::bigint[]) AS claimed(row_id, learner_id, external_id, queue_number)""",
)


@use_case
def enroll(
    *,
    course_id: UUID,
    learner_id: UUID,
    source: Source,
    via: Via | None = None,
    actor: Actor,
    now: datetime,
) -> Enrolled | Waitlisted:
    """The learner has a seat, or the last place in line; the answer says which.

    `via` is the partner through whom the learner comes, None for who comes alone or by the hand of staff.

    Looks without a lock, decides and writes in the one statement that takes the course's places.

    Raises:
        CourseNotFound, CourseClosed, CourseFull: from courses.services.
        AlreadyEnrolled, AlreadyWaitlisted: the learner has a live standing in this course.
        Unauthenticated: the learner comes alone, and has no active account.
    """
    row_id = ids.new_uuid()
    unless = _in_the_way(course_id, learner_id, source)
    written = _taking(row_id, course_id, learner_id, source, via, actor)
    # A rival request of the same learner may have been let in since the look.
    refusals = {"enrollment_one_live_standing": lambda: _standing_in_the_way(course_id, learner_id)}
    failpoint("enroll.before_claim")
    try:
        with db.refusing_statement(refusals):
            place = courses.claim_place(course_id=course_id, now=now, unless=unless, then=written)
    except CourseFull:
        if source is Source.SELF:
            accounts.check_active(person_id=learner_id)
        _check_standing(course_id, learner_id)
        raise
    failpoint("enroll.after_claim")
    return _admitted(place, row_id, course_id, learner_id, source)


def _in_the_way(course_id: UUID, learner_id: UUID, source: Source) -> db.Part:
    """Finds a row if the learner may not come in: has a live standing, or comes alone and without an active account."""
    values = {"standing_course_id": course_id, "standing_learner_id": learner_id}
    if source is not Source.SELF:
        return db.Part("standing", _STANDING, values)
    account = accounts.activity(person_id=learner_id)
    refused = f"SELECT WHERE EXISTS ({_STANDING}) OR NOT EXISTS ({account.sql})"
    return db.Part("standing", refused, {**values, **account.values})


def _check_standing(course_id: UUID, learner_id: UUID) -> None:
    standing = selectors.find_standing(course_id=course_id, learner_id=learner_id)
    if standing is not None:
        rules.check_may_enroll(standing_id=standing[0], status=standing[1])


def _standing_in_the_way(course_id: UUID, learner_id: UUID) -> DomainError:
    """The refusal for a learner whose row stood in the way a moment ago, even if it has ended since."""
    standing = selectors.find_standing(course_id=course_id, learner_id=learner_id)
    row_id, status = standing or selectors.find_newest(course_id=course_id, learner_id=learner_id)
    return AlreadyEnrolled(row_id) if status in ENROLLMENT else AlreadyWaitlisted(row_id)


def _taking(
    row_id: UUID, course_id: UUID, learner_id: UUID, source: Source, via: Via | None, actor: Actor
) -> list[db.Part]:
    """The row and the event of whoever gets a seat or a place in line, as parts of the statement that decides."""
    values = {
        "row_id": row_id,
        "row_course_id": course_id,
        "row_learner_id": learner_id,
        "row_source": source.value,
        "row_partner_id": via.partner_id if via else None,
        "row_external_id": via.external_id if via else "",
    }
    seated = event("enrollment.created", course_id, row_id, learner_id, via, actor, source=source.value)
    queued = event("waitlist.joined", course_id, row_id, learner_id, via, actor, source=source.value)
    return [
        db.Part("row", _INSERT_ONE, values),
        events.recording("seated", **seated, source="claimed WHERE queue_number IS NULL"),
        events.recording(
            "queued",
            **queued,
            source="claimed WHERE queue_number IS NOT NULL",
            more="jsonb_build_object('position', position)",
        ),
    ]


def _admitted(
    place: courses.Seat | courses.PlaceInLine, row_id: UUID, course_id: UUID, learner_id: UUID, source: Source
) -> Enrolled | Waitlisted:
    if isinstance(place, courses.Seat):
        return Enrolled(
            enrollment=Enrollment(
                id=row_id,
                course_id=course_id,
                learner_id=learner_id,
                status=Status.ACTIVE,
                source=source,
                enrolled_at=place.claimed_at,
                ended_at=None,
            )
        )
    return Waitlisted(
        waitlist_entry=WaitlistEntry(
            id=row_id,
            course_id=course_id,
            learner_id=learner_id,
            status=Status.WAITING.value,
            position=place.position,
            joined_at=place.claimed_at,
        )
    )
