"""What can go wrong with a review."""

from datetime import timedelta
from uuid import UUID

from common import ids
from common.errors import DomainError, NotFound


class ReviewNotFound(NotFound):
    """No review has this id, or the caller has not written one, or may not see it."""

    code = "review_not_found"

    def __init__(self, message: str = "There is no review with this id.") -> None:
        super().__init__(message)


class ReviewNotAllowed(DomainError):
    """Only a learner with an active or completed enrollment may write or change a review."""

    code = "review_not_allowed"

    def __init__(self) -> None:
        super().__init__("Only learners with an active or completed enrollment may review this course.")


class EvidenceUnavailable(DomainError):
    """Whether the learner is, or was, in the course cannot be found out now. Nothing was written."""

    code = "dependency_unavailable"

    def __init__(self) -> None:
        super().__init__("Whether you may review this course cannot be found out now. Nothing was written.")


class ReviewAlreadyExists(DomainError):
    """The learner has a review of this course."""

    code = "review_already_exists"

    def __init__(self, review_id: UUID) -> None:
        super().__init__(
            "You have a review of this course already. Change that one.", review_id=ids.encode(ids.REVIEW, review_id)
        )


class AlreadyReported(DomainError):
    """The person has reported this review before."""

    code = "already_reported"

    def __init__(self, review_id: UUID) -> None:
        super().__init__("You have reported this review already.", review_id=ids.encode(ids.REVIEW, review_id))


class OwnReviewRefused(DomainError):
    """Nobody reports or decides on a review of their own."""

    code = "permission_denied"

    def __init__(self) -> None:
        super().__init__("This is your own review: others have to judge it.")


class ModerationConflict(DomainError):
    """Another decision or a new text came between."""

    code = "moderation_conflict"

    def __init__(self, current_version: int, last_change: str) -> None:
        super().__init__(
            f"The review has changed; the last change is: {last_change}. Read it again.",
            current_version=current_version,
        )


class InvalidDecision(DomainError):
    """The present state of the review does not allow this decision."""

    code = "invalid_transition"

    def __init__(self, message: str, status: str) -> None:
        super().__init__(message, current_status=status)


class UndoRefused(DomainError):
    """A decision is undone by who took it, soon, and before anything else happens to the review."""

    code = "invalid_transition"

    def __init__(self, status: str, window: timedelta) -> None:
        minutes = int(window.total_seconds() // 60)
        super().__init__(
            f"Only the review's last change can be undone, if it was a decision of your own within {minutes} minutes.",
            current_status=status,
        )
