"""What a worker does for enrollments."""

from uuid import UUID

from common import clock, ids, jobs
from common.types import Actor
from enrollments import services


@jobs.job(name="enrollments.promote_waitlist", key="course:{course_id}")
def promote_waitlist(*, course_id: str, request_id: str) -> None:
    """Free seats of the course have gone to those who wait."""
    actor = Actor(name="system:waitlist-promotion", request_id=request_id)
    services.promote_waitlist(course_id=_uuid(course_id), actor=actor, now=clock.now())


@jobs.job(name="enrollments.expire_waitlist", key="course:{course_id}")
def expire_waitlist(*, course_id: str, request_id: str) -> None:
    """Nobody waits for the archived course any longer."""
    actor = Actor(name="system:waitlist-expiry", request_id=request_id)
    services.expire_waitlist(course_id=_uuid(course_id), actor=actor)


@jobs.every("* * * * *", name="enrollments.sweep_waitlists")
def sweep_waitlists() -> None:
    """No course that has come to be open by the clock keeps people waiting for a free seat.

    What fails for one course is raised when all the others have had their turn.
    """
    now = clock.now()
    faults: list[Exception] = []
    for course_id in services.courses_to_promote_in(now=now):
        try:
            services.promote_waitlist(course_id=course_id, actor=Actor(name="system:waitlist-sweep"), now=now)
        except Exception as fault:  # noqa: BLE001 - raised below, with the others
            faults.append(fault)
    if faults:
        raise ExceptionGroup("Waitlists that could not be swept", faults)


def _uuid(course_id: str) -> UUID:
    decoded = ids.decode(ids.COURSE, course_id)
    assert decoded is not None
    return decoded
