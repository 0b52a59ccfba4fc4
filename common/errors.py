"""What can go wrong in any domain, in words and plain values. Which HTTP status it becomes: `common/problems.py`."""

from collections.abc import Sequence
from typing import ClassVar


class DomainError(Exception):
    """A rule said no. `code` is stable for ever, the message is for people, `details` are public plain values."""

    code: ClassVar[str]

    def __init__(self, message: str, **details: str | int | None) -> None:
        super().__init__(message)
        self.details = details


class NotFound(DomainError):
    """There is no such thing, or the caller may not know of it."""

    code = "not_found"


class PreconditionFailed(DomainError):
    """What the caller wants to change has changed since the caller saw it."""

    code = "precondition_failed"

    def __init__(self) -> None:
        super().__init__("It has changed since the version that If-Match names. Read it again and decide anew.")


class InvalidCursor(DomainError):
    """The cursor is damaged, expired, or was made for another list."""

    code = "invalid_cursor"
    message = (
        "The cursor is damaged, too old, or belongs to another list, filter, sort or caller. "
        "Start again without a cursor."
    )

    def __init__(self) -> None:
        super().__init__(self.message)


class PayloadTooLarge(DomainError):
    """The body is larger than the operation takes."""

    code = "payload_too_large"


class IdempotencyKeyReused(DomainError):
    """The key was used for a different request."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was already used for a request with another path or body.")


class IdempotencyKeyInFlight(DomainError):
    """The first request with the key has not been answered yet."""

    code = "idempotency_key_in_flight"

    def __init__(self) -> None:
        super().__init__("The first request with this Idempotency-Key is still running. Try again shortly.")


class JobNotFailed(DomainError):
    """Only a job that has failed can be tried again."""

    code = "invalid_transition"

    def __init__(self) -> None:
        super().__init__("This job has not failed, or it was cleaned up.")


class InvalidInput(Exception):
    """A value is not acceptable as such, whatever the state: `field` names it, `reasons` are sentences for people.

    An empty `field` is the body as a whole.
    """

    def __init__(self, *, field: str, reasons: Sequence[str], reason_code: str = "invalid") -> None:
        super().__init__(" ".join(reasons))
        self.field = field
        self.reasons = tuple(reasons)
        self.reason_code = reason_code
