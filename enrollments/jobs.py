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


# After so long an import lets the jobs before it that wait: it must not fill the worker's places.
_SLICE_SECONDS = 3.0


@jobs.job(name="enrollments.run_import", key="import:{import_id}")
def run_import(*, import_id: str, request_id: str) -> None:
    """The import has gone on for a while; if that was not enough, another job will go on with it."""
    key = _uuid(import_id, ids.IMPORT)
    if services.run_import(import_id=key, seconds=_SLICE_SECONDS, now=clock.now()):
        services.go_on_later(import_id=key, request_id=request_id)


@jobs.every("* * * * *", name="enrollments.resume_imports")
def resume_imports() -> None:
    """No unfinished import is left lying."""
    services.resume_imports()


def _uuid(public_id: str, prefix: str = ids.COURSE) -> UUID:
    decoded = ids.decode(prefix, public_id)
    assert decoded is not None
    return decoded
