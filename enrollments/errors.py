"""What can go wrong with an enrollment."""

from uuid import UUID

from common import ids
from common.errors import DomainError, NotFound


class EnrollmentNotFound(NotFound):
    """No enrollment has this id, or the learner neither is in the course nor waits for it."""

    code = "enrollment_not_found"

    def __init__(self, message: str = "There is no enrollment with this id.") -> None:
        super().__init__(message)


class AlreadyEnrolled(DomainError):
    """The learner has an active or completed enrollment in the course."""

    code = "already_enrolled"

    def __init__(self, enrollment_id: UUID) -> None:
        super().__init__(
            "The learner is enrolled in this course already.", enrollment_id=ids.encode(ids.ENROLLMENT, enrollment_id)
        )


class AlreadyWaitlisted(DomainError):
    """The learner waits for a seat already."""

    code = "already_waitlisted"

    def __init__(self, waitlist_entry_id: UUID) -> None:
        super().__init__(
            "The learner is in line for this course already.",
            waitlist_entry_id=ids.encode(ids.WAITLIST_ENTRY, waitlist_entry_id),
        )


class EnrollmentCompleted(DomainError):
    """A completed enrollment keeps its seat and cannot be withdrawn."""

    code = "enrollment_completed"

    def __init__(self, enrollment_id: UUID) -> None:
        super().__init__(
            "The enrollment is completed: it keeps its seat and cannot be withdrawn.",
            enrollment_id=ids.encode(ids.ENROLLMENT, enrollment_id),
        )


class SeatWouldBeLost(DomainError):
    """Who has a seat is not moved to where there is only a place in line."""

    code = "course_full"

    def __init__(self) -> None:
        super().__init__("The course to go to has no free seat, and a seat is not given up for a place in line.")


class SeatGone(DomainError):
    """The seat that a learner had has gone to somebody else."""

    code = "course_full"

    def __init__(self) -> None:
        super().__init__("No seat is free any more, or others wait for it.")


class PartnerNotFound(NotFound):
    """No partner has this id."""

    def __init__(self) -> None:
        super().__init__("There is no partner with this id.")


class KeyNotFound(NotFound):
    """The partner has no live key with this prefix."""

    def __init__(self) -> None:
        super().__init__("The partner has no live key with this prefix.")


class ImportNotFound(NotFound):
    """The partner has no import with this id."""

    code = "import_not_found"

    def __init__(self) -> None:
        super().__init__("There is no import with this id.")


class InvalidImportTransition(DomainError):
    """The present state of the import does not allow this step."""

    code = "invalid_transition"

    def __init__(self, status: str, step: str) -> None:
        super().__init__(f"An import that is {status} cannot be {step}.", current_status=str(status))


class TooManyKeys(DomainError):
    """A partner has two live keys at most: the one in use, and the one that takes its place."""

    code = "invalid_transition"

    def __init__(self) -> None:
        super().__init__(
            "The partner has two live keys. Revoke one, or wait until it ends.", current_status="two live keys"
        )


class InvalidEnrollmentTransition(DomainError):
    """The present state of the enrollment does not allow this step."""

    code = "invalid_transition"

    def __init__(self, status: str, wanted: str) -> None:
        super().__init__(f"An enrollment that is {status} cannot become {wanted}.", current_status=str(status))
