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
from reviews.errors import ReviewNotFound
from reviews.models import HistoryEntry, Review
from reviews.types import HoldPolicy, HoldReason, Status

# Adds instead of writing, so that rivals' changes stay. The first review of a course makes the row. The average is that
# of `rules.average`: it is made here so that nobody waits for the row while the application calculates.
_TOTAL = "ones + twos + threes + fours + fives"
_COUNT = f"""
    INSERT INTO reviews_coursesummary AS summary (course_id, ones, twos, threes, fours, fives)
    SELECT %(counted_course_id)s::uuid, greatest(%(counted_1)s, 0), greatest(%(counted_2)s, 0),
        greatest(%(counted_3)s, 0), greatest(%(counted_4)s, 0), greatest(%(counted_5)s, 0)
    FROM {{source}}
    ON CONFLICT (course_id) DO UPDATE SET
        ones = summary.ones + %(counted_1)s, twos = summary.twos + %(counted_2)s,
        threes = summary.threes + %(counted_3)s, fours = summary.fours + %(counted_4)s,
        fives = summary.fives + %(counted_5)s
    RETURNING course_id, {_TOTAL} AS count,
        round((ones + 2 * twos + 3 * threes + 4 * fours + 5 * fives)::numeric / nullif({_TOTAL}, 0), 2) AS average
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
_LOCK_AUTHOR = f"SELECT pg_advisory_xact_lock({_AUTHOR}, %(alone_author)s)"
_LOCK_BOTH = f"{_LOCK_AUTHOR}, pg_advisory_xact_lock({_WORDS}, %(alone_words)s)"


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
    lock = alone(author_id=author_id, digest=digest)
    db.execute(lock.sql, lock.values)


def alone(*, author_id: UUID, digest: bytes | None) -> db.Part:
    """The statement of `judge_alone`."""
    author = {"alone_author": _lock_key(author_id.bytes)}
    if digest is None:
        return db.Part("alone", _LOCK_AUTHOR, author)
    return db.Part("alone", _LOCK_BOTH, {**author, "alone_words": _lock_key(digest)})


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
    if before != after:
        parts = counting(course_id=course_id, before=before, after=after, source="(VALUES (1)) AS one")
        db.execute(*db.joined(parts, "SELECT"))


def counting(*, course_id: UUID, before: int | None, after: int | None, source: str) -> list[db.Part]:
    """As `count`, as parts of a larger statement, if `source` has a row there."""
    changes = {f"counted_{stars}": (after == stars) - (before == stars) for stars in range(1, 6)}
    counted = db.Part("counted", _COUNT.format(source=source), {"counted_course_id": course_id, **changes})
    return [counted, courses.rating_recorded(source="counted")]


@db.step
def tell(row: Review, *, change: str, actor: Actor, before: Before, event: str = "", **details: Any) -> HistoryEntry:
    """The history knows of the change, and so do those who follow the events. `event` is `change` if empty.

    `details` are the entry's other columns; the private note is kept out of the event.
    """
    entry = entry_of(row, change=change, actor=actor, before=before, **details)
    insert(entry)
    events.record(**event_of(f"review.{event or change}", row, actor, **told(row, entry)))
    return entry


def entry_of(row: Review, *, change: str, actor: Actor, before: Before, **details: Any) -> HistoryEntry:
    """The history's entry of the change. Not stored yet."""
    return HistoryEntry(
        **{"review": row, "revision": row.revision, **details},
        actor=actor.name,
        change=change,
        from_status=before.status,
        to_status=row.status,
        from_public_revision=before.public_revision,
        from_kept_revision=before.kept_revision,
        from_held_reason=before.held_reason,
    )


def told(row: Review, entry: HistoryEntry) -> dict[str, Any]:
    """What the event of a change says of it."""
    return {
        "revision": entry.revision,
        "from_status": entry.from_status or None,
        "to_status": row.status,
        "held_reason": row.held_reason or None,
        "reason": entry.reason or None,
        "public_text": entry.public_text or None,
        "automated": entry.automated,
    }


@db.step
def tell_of_hold(row: Review, *, machine: str, actor: Actor, before: Before, revision: int) -> None:
    """As `tell`, of a hold that a machine decided on because of what `actor` did."""
    cause = Actor(name=machine, request_id=actor.request_id)
    tell(row, change="held", actor=cause, before=before, revision=revision, **reason_of_hold(row))


def reason_of_hold(row: Review) -> dict[str, Any]:
    """What the history says of a hold by a machine beyond what it says of each change."""
    return {"reason": row.held_reason, "automated": True}


@db.step
def record(type: str, row: Review, actor: Actor, **data: Any) -> None:
    """The event is part of the caller's transaction."""
    events.record(**event_of(type, row, actor, **data))


def event_of(type: str, row: Review, actor: Actor, **data: Any) -> dict[str, Any]:
    """The arguments that record the event of a review."""
    public_id, course = ids.encode(ids.REVIEW, row.pk), ids.encode(ids.COURSE, row.course_id)
    about = {
        "review_id": public_id,
        "course_id": course,
        "author_id": ids.encode(ids.USER, row.author_id),
        "rating": row.rating,
        "rating_details": row.rating_details,
        "status": str(row.status),
    }
    return {"type": type, "subject": public_id, "course": course, "data": {**about, **data}, "actor": actor}
