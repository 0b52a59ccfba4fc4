"""The rules of enrolling and waiting, as pure functions over plain values."""

import re
from uuid import UUID

from enrollments.errors import (
    AlreadyEnrolled,
    AlreadyWaitlisted,
    EnrollmentCompleted,
    InvalidEnrollmentTransition,
    InvalidImportTransition,
    TooManyKeys,
)
from enrollments.types import IN_COURSE, ImportStatus, LearnerOfPartner, PartnerStatus, SentRow, Status

_LIVE_KEYS = 2

TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.WAITING: frozenset({Status.ACTIVE, Status.LEFT, Status.EXPIRED}),
    Status.ACTIVE: frozenset({Status.COMPLETED, Status.WITHDRAWN, Status.REVOKED}),
    Status.COMPLETED: frozenset(),
    Status.WITHDRAWN: frozenset(),
    Status.REVOKED: frozenset(),
    Status.LEFT: frozenset(),
    Status.EXPIRED: frozenset(),
}


def learner_of(row: SentRow) -> LearnerOfPartner:
    """Whom a row of a file means. Blanks around a cell are no part of it, and a line break within a name is a blank."""
    return LearnerOfPartner(
        external_id=row.external_id.strip(),
        email=row.email.strip(),
        name=re.sub(r"\s*[\r\n]\s*", " ", row.name.strip()),
    )


def check_may_enroll(*, standing_id: UUID | None, status: Status | None) -> None:
    """Whether a learner with this live standing may enroll: only one without any may.

    Raises:
        AlreadyEnrolled, AlreadyWaitlisted: the learner has one.
    """
    if standing_id is None:
        return
    if status in IN_COURSE:
        raise AlreadyEnrolled(standing_id)
    raise AlreadyWaitlisted(standing_id)


def check_transition(*, status: Status, wanted: Status) -> None:
    """Whether an enrollment may go from `status` to `wanted`.

    Raises:
        InvalidEnrollmentTransition: it may not.
    """
    if wanted not in TRANSITIONS[status]:
        raise InvalidEnrollmentTransition(status, wanted)


def state_after_withdrawing(*, standing_id: UUID, status: Status) -> Status:
    """What becomes of a live standing when its learner withdraws.

    Raises:
        EnrollmentCompleted: a completed enrollment keeps its seat.
    """
    if status is Status.COMPLETED:
        raise EnrollmentCompleted(standing_id)
    return Status.LEFT if status is Status.WAITING else Status.WITHDRAWN


PARTNERS_WORDS: dict[Status, PartnerStatus] = {
    Status.WAITING: PartnerStatus.WAITLISTED,
    Status.ACTIVE: PartnerStatus.ENROLLED,
    Status.COMPLETED: PartnerStatus.COMPLETED,
    Status.WITHDRAWN: PartnerStatus.WITHDRAWN,
    Status.REVOKED: PartnerStatus.REVOKED,
    Status.LEFT: PartnerStatus.LEFT_WAITLIST,
    Status.EXPIRED: PartnerStatus.EXPIRED,
}


_IMPORT_STEPS: dict[ImportStatus, tuple[str, frozenset[ImportStatus]]] = {
    ImportStatus.CANCELLED: ("cancelled", frozenset({ImportStatus.QUEUED, ImportStatus.RUNNING})),
    ImportStatus.QUEUED: ("tried again", frozenset({ImportStatus.COMPLETED})),
}


def is_import_step_possible(*, status: ImportStatus, wanted: ImportStatus) -> bool:
    """Whether somebody may take an import from `status` to `wanted`."""
    return status in _IMPORT_STEPS[wanted][1]


def check_import_transition(*, status: ImportStatus, wanted: ImportStatus) -> None:
    """Whether somebody may take an import from `status` to `wanted`.

    Raises:
        InvalidImportTransition: one that has ended cannot be cancelled, and only a completed one be tried again.
    """
    if not is_import_step_possible(status=status, wanted=wanted):
        raise InvalidImportTransition(status, _IMPORT_STEPS[wanted][0])


def check_may_have_another_key(*, live: int) -> None:
    """Whether a partner with so many live keys may get one more.

    Raises:
        TooManyKeys: it has as many as a rotation needs.
    """
    if live >= _LIVE_KEYS:
        raise TooManyKeys


def waitlist_status(status: Status) -> str:
    """A row's state as its place in line shows it: whoever got a seat is `promoted`, whatever came after."""
    return status.value if status in {Status.WAITING, Status.LEFT, Status.EXPIRED} else "promoted"
