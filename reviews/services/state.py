"""The steps that every change of a review is made of: its lock, its row, its history, the summary, its events.

Locks are taken in one order: the review, its author's words (`judge_alone`), the course's summary, the course.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Self
from uuid import UUID

from django.conf import settings

from common import db, ids
from common.compiled import insert
from common.events import services as events
from common.types import Actor
from courses import services as courses
from reviews import rules
from reviews.errors import ReviewNotFound
from reviews.models import HistoryEntry, Review
from reviews.types import HoldPolicy, HoldReason, Status

# Adds instead of writing, so that rivals' changes stay. The first review of a course makes the row.
_COUNT = """
    INSERT INTO reviews_coursesummary AS summary (course_id, ones, twos, threes, fours, fives)
    VALUES (%(course_id)s, greatest(%(d1)s, 0), greatest(%(d2)s, 0), greatest(%(d3)s, 0), greatest(%(d4)s, 0),
        greatest(%(d5)s, 0))
    ON CONFLICT (course_id) DO UPDATE SET
        ones = summary.ones + %(d1)s, twos = summary.twos + %(d2)s, threes = summary.threes + %(d3)s,
        fours = summary.fours + %(d4)s, fives = summary.fives + %(d5)s
    RETURNING ones, twos, threes, fours, fives
"""
# Everything of a review that can change.
_CHANGEABLE = (
    "status",
    "rating",
    "comment",
    "rating_details",
    "revision",
    "public_rating",
    "public_comment",
    "public_rating_details",
    "public_revision",
    "public_updated_at",
    "kept_revision",
    "held_reason",
    "open_reports",
    "claimed_by_id",
    "claimed_until",
    "version",
    "updated_at",
    "submitted_at",
    "retracted_at",
)
_TIMES = ("public_updated_at", "updated_at", "submitted_at", "retracted_at")
_AUTHOR, _WORDS = 0x5EE, 0x5EF
_LOCK = "pg_advisory_xact_lock(%s, %s)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What a review was before a change; nothing, before its first."""

    status: str = ""
    held_reason: str = ""
    public_rating: int | None = None
    public_revision: int | None = None
    kept_revision: int | None = None

    @classmethod
    def of(cls, row: Review) -> Self:
        """What the review is now."""
        return cls(
            status=row.status,
            held_reason=row.held_reason,
            public_rating=row.public_rating,
            public_revision=row.public_revision,
            kept_revision=row.kept_revision,
        )


def policy() -> HoldPolicy:
    """The hold rules' thresholds and words, as settings have them now."""
    return HoldPolicy(**settings.REVIEW_HOLD_POLICY)  # type: ignore[arg-type]


@db.step
def lock(*, review_id: UUID) -> Review:
    """The review as it is, and nobody else changes it until the caller's transaction ends.

    Raises:
        ReviewNotFound: there is none with this id.
    """
    # The author is read apart: a lock on the joined row would keep people from changing their names.
    row = Review.objects.select_for_update(of=("self",), no_key=True).filter(pk=review_id).first()
    if row is None:
        raise ReviewNotFound
    return row


@db.step
def judge_alone(*, author_id: UUID, digest: bytes | None) -> None:
    """No other text of this author, and none of the same words, is judged until the caller's transaction ends.

    Without it, ten reviews sent at one instant would not know of each other, and neither trip the rule on too many
    nor the one on the same text elsewhere.
    """
    author = [_AUTHOR, _lock_key(author_id.bytes)]
    if digest is None:
        db.execute(f"SELECT {_LOCK}", author)
    else:
        db.execute(f"SELECT {_LOCK}, {_LOCK}", [*author, _WORDS, _lock_key(digest)])


def _lock_key(value: bytes) -> int:
    return int.from_bytes(blake2b(value, digest_size=4).digest(), "big", signed=True)


def show(row: Review) -> None:
    """The newest text is what everybody reads. Not stored yet."""
    row.status = Status.PUBLISHED
    row.held_reason = ""
    row.public_rating, row.public_comment, row.public_revision = row.rating, row.comment, row.revision
    row.public_rating_details = row.rating_details
    row.public_updated_at = row.updated_at


def hold(row: Review, reason: HoldReason) -> None:
    """The newest text waits for a moderator; what is public stays so. Not stored yet."""
    row.status = Status.PENDING
    row.held_reason = reason


def hide(row: Review) -> None:
    """The newest text is not to be read by others, and neither is any before. Not stored yet."""
    row.status = Status.HIDDEN
    row.held_reason = ""
    unpublish(row)


def unpublish(row: Review) -> None:
    """Nobody but the author and moderators reads any of it. Not stored yet."""
    row.public_rating, row.public_comment, row.public_revision, row.public_updated_at = None, "", None, None
    row.public_rating_details = None


@db.step
def store(row: Review, *, before: Before) -> None:
    """The row's new state is stored at a new version, counted in the course's summary, and free of claims."""
    row.version += 1
    row.claimed_by = row.claimed_until = None
    Review.objects.filter(pk=row.pk).update(**{name: getattr(row, name) for name in _CHANGEABLE})
    row.refresh_from_db(fields=_TIMES)
    count(course_id=row.course_id, before=before.public_rating, after=row.public_rating)


@db.step
def count(*, course_id: UUID, before: int | None, after: int | None) -> None:
    """The course's summary, and its rating in the catalogue, know that a public rating was `before` and is `after`."""
    if before == after:
        return
    changes = {f"d{stars}": (after == stars) - (before == stars) for stars in range(1, 6)}
    counts = db.fetch_one(_COUNT, {"course_id": course_id, **changes})
    assert counts is not None
    courses.record_rating(course_id=course_id, average=rules.average(counts), count=sum(counts))


@db.step
def tell(row: Review, *, change: str, actor: Actor, before: Before, event: str = "", **details: Any) -> HistoryEntry:
    """The history knows of the change, and so do those who follow the events. `event` is `change` if empty.

    `details` are the entry's other columns; the private note is kept out of the event.
    """
    entry = HistoryEntry(
        **{"review": row, "revision": row.revision, **details},
        actor=actor.name,
        change=change,
        from_status=before.status,
        to_status=row.status,
        from_public_revision=before.public_revision,
        from_kept_revision=before.kept_revision,
        from_held_reason=before.held_reason,
    )
    insert(entry)
    record(
        f"review.{event or change}",
        row,
        actor,
        revision=entry.revision,
        from_status=before.status or None,
        to_status=row.status,
        held_reason=row.held_reason or None,
        reason=entry.reason or None,
        public_text=entry.public_text or None,
        automated=entry.automated,
    )
    return entry


@db.step
def tell_of_hold(row: Review, *, machine: str, actor: Actor, before: Before, revision: int) -> None:
    """As `tell`, of a hold that a machine decided on because of what `actor` did."""
    cause = Actor(name=machine, request_id=actor.request_id)
    tell(row, change="held", actor=cause, before=before, revision=revision, reason=row.held_reason, automated=True)


@db.step
def record(type: str, row: Review, actor: Actor, **data: Any) -> None:
    """The event is part of the caller's transaction."""
    public_id, course = ids.encode(ids.REVIEW, row.pk), ids.encode(ids.COURSE, row.course_id)
    events.record(
        type=type,
        subject=public_id,
        course=course,
        data={
            "review_id": public_id,
            "course_id": course,
            "author_id": ids.encode(ids.USER, row.author_id),
            "rating": row.rating,
            "rating_details": row.rating_details,
            "status": str(row.status),
            **data,
        },
        actor=actor,
    )
