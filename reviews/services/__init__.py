"""The use cases of reviews: what learners write, what readers report, what moderators decide."""

from courses.services import RATINGS_IN_SQL, CourseNotFound
from reviews.errors import (
    AlreadyReported,
    EvidenceUnavailable,
    InvalidDecision,
    ModerationConflict,
    OwnReviewRefused,
    ReviewAlreadyExists,
    ReviewNotAllowed,
    ReviewNotFound,
    UndoRefused,
)
from reviews.selectors import get_file, get_own
from reviews.services.moderating import decide_review, release_claim, take_next, undo_decision
from reviews.services.reading import get_summary, list_public, list_queue
from reviews.services.repairing import lock_summaries, replace_summaries
from reviews.services.reporting import report_review
from reviews.services.writing import (
    get_own_to_rewrite,
    retract_review,
    rewrite_review,
    standing_of_author,
    write_review,
)
from reviews.types import (
    Author,
    Decided,
    Decision,
    HoldReason,
    ModeratedReview,
    OwnReview,
    QueueSort,
    Report,
    ReportReason,
    Review,
    ReviewFile,
    ReviewSort,
    Status,
    Summary,
    Text,
)

__all__ = [
    "RATINGS_IN_SQL",
    "AlreadyReported",
    "Author",
    "CourseNotFound",
    "Decided",
    "Decision",
    "EvidenceUnavailable",
    "HoldReason",
    "InvalidDecision",
    "ModeratedReview",
    "ModerationConflict",
    "OwnReview",
    "OwnReviewRefused",
    "QueueSort",
    "Report",
    "ReportReason",
    "Review",
    "ReviewAlreadyExists",
    "ReviewFile",
    "ReviewNotAllowed",
    "ReviewNotFound",
    "ReviewSort",
    "Status",
    "Summary",
    "Text",
    "UndoRefused",
    "decide_review",
    "get_file",
    "get_own",
    "get_own_to_rewrite",
    "get_summary",
    "list_public",
    "list_queue",
    "lock_summaries",
    "release_claim",
    "replace_summaries",
    "report_review",
    "retract_review",
    "rewrite_review",
    "standing_of_author",
    "take_next",
    "undo_decision",
    "write_review",
]
