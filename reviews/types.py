"""What crosses from reviews: plain values.

Those of which a page of a list has many are named tuples: one is made in a third of the time of a frozen dataclass.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, TypedDict
from uuid import UUID


class Status(StrEnum):
    """How the author's newest text stands: shown, waiting for a moderator, or taken off the public list."""

    PUBLISHED = "published"
    PENDING = "pending"
    HIDDEN = "hidden"


class HoldReason(StrEnum):
    """Why a text waits for a moderator."""

    LINKS = "links"
    CONTACT = "contact_details"
    WORDS = "listed_words"
    SHOUTING = "shouting"
    DUPLICATE = "same_text_elsewhere"
    FREQUENCY = "too_many_reviews"
    HIDDEN_BEFORE = "hidden_before"
    REPORTS = "reports"


class Decision(StrEnum):
    """What a moderator can decide."""

    APPROVE = "approve"
    HIDE = "hide"


class ReportReason(StrEnum):
    """Why somebody reports a review."""

    SPAM = "spam"
    ABUSE = "abuse"
    OFF_TOPIC = "off_topic"
    OTHER = "other"


class ReviewSort(StrEnum):
    """The orders of the public list."""

    NEWEST = "newest"
    OLDEST = "oldest"
    HIGHEST = "highest"
    LOWEST = "lowest"


class QueueSort(StrEnum):
    """The orders of the moderators' list."""

    OLDEST = "oldest"
    NEWEST = "newest"
    MOST_REPORTED = "most_reported"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldPolicy:
    """The thresholds and words of the hold rules; shares are of 1, lengths in characters."""

    words: tuple[str, ...]
    shouting_share: float
    shouting_min_letters: int
    duplicate_min_length: int
    reviews_per_window: int
    window: timedelta
    reports_to_hold: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What is known around a text when it is judged.

    `is_public_already`: the rating alone changes. `written_in_window`: the author's other reviews in the policy's
    window.
    """

    is_public_already: bool
    hidden_before: bool
    stands_elsewhere: bool
    written_in_window: int


class Around(NamedTuple):
    """What the tables say around a text of an author.

    `ended_as`, `ended_for`: in which status the author took back their last review of the course, and held for what;
    empty if there is none. `stands_elsewhere`: somebody else's review, or the author's of another course, has this
    text, or once had it. `written_in_window`: how many other reviews the author has written or changed of late.
    """

    ended_as: str
    ended_for: str
    stands_elsewhere: bool
    written_in_window: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """What the moderators' table says of a reason: for which decision it is, and what the author is told."""

    decision: Decision
    public_text: str
    is_active: bool


class RatingDetails(NamedTuple):
    """What the stars are for: how clear the course was, how fitting its pace, how good the help. Each of 1 to 5."""

    clarity: int
    pace: int
    support: int


class Text(NamedTuple):
    """What a review says; `rating_details` is None if its author gave none."""

    rating: int
    comment: str
    rating_details: RatingDetails | None


class TextChanges(TypedDict, total=False):
    """What an author changes in the text of a review; what is absent stays as it is."""

    rating: int
    comment: str
    rating_details: RatingDetails | None


class Author(NamedTuple):
    """Who wrote a review, as everybody sees it."""

    id: UUID
    display_name: str


class Review(NamedTuple):
    """A review as its reader may see it: the public text for everybody, the newest for its author and moderators."""

    id: UUID
    course_id: UUID
    author: Author
    rating: int
    comment: str
    rating_details: RatingDetails | None
    status: Status
    edited: bool
    created_at: datetime
    updated_at: datetime
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnReview:
    """One's own review, and what others see of it."""

    review: Review
    public: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeratedReview:
    """A review as moderators list it."""

    review: Review
    public: Text | None
    report_count: int
    held_reason: HoldReason | None
    submitted_at: datetime
    retracted_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One change of text, rating or state. `actor` is a public id or a name such as `system:hold-rules`."""

    at: datetime
    actor: str
    change: str
    from_status: Status | None
    to_status: Status | None
    rating: int
    comment: str
    rating_details: RatingDetails | None
    reason: str
    public_text: str
    note: str
    automated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One person's report on a review; `resolution` is None while it is open."""

    id: UUID
    reporter_id: UUID
    reason: ReportReason
    note: str
    created_at: datetime
    resolution: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewFile:
    """All that moderators know of a review."""

    moderated: ModeratedReview
    history: list[HistoryEntry]
    reports: list[Report]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What a decision came to."""

    outcome: str
    message: str
    moderated: ModeratedReview
    reports_resolved: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The published ratings of a course: how many of 1, 2, 3, 4 and 5 stars."""

    counts: tuple[int, int, int, int, int]
    average: float | None

    @property
    def count(self) -> int:
        return sum(self.counts)

    @property
    def histogram(self) -> dict[str, Any]:
        return {str(stars): count for stars, count in enumerate(self.counts, start=1)}
