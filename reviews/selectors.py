"""Reads of reviews: the public list, one's own, the moderators' queue and files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db.models import BooleanField, F, Func, Lookup, QuerySet, Value
from django.db.models.lookups import GreaterThanOrEqual, LessThanOrEqual

from common import db, keyset
from common.compiled import Slot, Statement
from common.types import Page, PageRequest, cut
from reviews import rules
from reviews.errors import ReviewNotFound
from reviews.models import CourseSummary, HistoryEntry, ModerationReason, Report, Review, Revision
from reviews.types import (
    Around,
    Author,
    Decision,
    HoldReason,
    ModeratedReview,
    OwnReview,
    QueueSort,
    RatingDetails,
    Reason,
    ReportReason,
    ReviewFile,
    ReviewSort,
    Status,
    Summary,
    Text,
)
from reviews.types import HistoryEntry as HistoryValue
from reviews.types import Report as ReportValue
from reviews.types import Review as ReviewValue

T = TypeVar("T")

_PUBLIC_COLUMNS = (
    *("id", "course_id", "author_id", "author__display_name", "public_rating", "public_comment", "public_revision"),
    *("public_rating_details", "created_at", "public_updated_at", "version"),
)
_COLUMNS = tuple(column.attname for column in Review._meta.concrete_fields)
# The statements kept ready, one for each sort, filter and limit; more of them are made again.
_SHAPES = 256
# The author's own text of the same course is not elsewhere, retracted ones neither.
_AROUND = """
    SELECT coalesce(ended.status, '') AS ended_as, coalesce(ended.held_reason, '') AS ended_for,
        EXISTS (
            SELECT FROM reviews_revision AS text JOIN reviews_review AS review ON review.id = text.review_id
            WHERE text.digest = %(around_digest)s::bytea
                AND (text.author_id, review.course_id) <> (%(around_author_id)s, %(around_course_id)s)
        ) AS stands_elsewhere,
        (
            SELECT count(DISTINCT review_id) FROM reviews_revision
            WHERE author_id = %(around_author_id)s AND created_at >= %(around_since)s
                AND review_id <> %(around_review_id)s
        ) AS written_in_window
    FROM (VALUES (1)) AS one LEFT JOIN LATERAL (
        SELECT status, held_reason FROM reviews_review
        WHERE author_id = %(around_author_id)s AND course_id = %(around_course_id)s AND retracted_at IS NOT NULL
        ORDER BY retracted_at DESC LIMIT 1
    ) AS ended ON true
"""


class _Row(Func):
    """A row constructor, as in `common.keyset`."""

    template = "ROW(%(expressions)s)"
    output_field = BooleanField()


@dataclass(frozen=True, slots=True)
class _Order(Generic[T]):
    """One way to walk a list. Each has its indexes in `reviews.models`, one for each choice of filters."""

    columns: tuple[str, ...]
    descending: bool
    key: Callable[[T], tuple[object, ...]]


def _age_key(review: ReviewValue) -> tuple[object, ...]:
    # A UUIDv7 sorts by the time at which it was made.
    return (review.id,)


def _rating_key(review: ReviewValue) -> tuple[object, ...]:
    return (review.rating, review.id)


def _waiting_key(row: ModeratedReview) -> tuple[object, ...]:
    return (row.submitted_at, row.review.id)


def _reports_key(row: ModeratedReview) -> tuple[object, ...]:
    return (row.report_count, row.review.id)


_ORDERS: dict[ReviewSort, _Order[ReviewValue]] = {
    ReviewSort.NEWEST: _Order(("id",), descending=True, key=_age_key),
    ReviewSort.OLDEST: _Order(("id",), descending=False, key=_age_key),
    ReviewSort.HIGHEST: _Order(("public_rating", "id"), descending=True, key=_rating_key),
    ReviewSort.LOWEST: _Order(("public_rating", "id"), descending=False, key=_rating_key),
}
# Among reviews with the same rating, the order by rating is that by age.
_AMONG_EQUALS = {ReviewSort.HIGHEST: ReviewSort.NEWEST, ReviewSort.LOWEST: ReviewSort.OLDEST}
_QUEUE_ORDERS: dict[QueueSort, _Order[ModeratedReview]] = {
    QueueSort.OLDEST: _Order(("submitted_at", "id"), descending=False, key=_waiting_key),
    QueueSort.NEWEST: _Order(("submitted_at", "id"), descending=True, key=_waiting_key),
    QueueSort.MOST_REPORTED: _Order(("open_reports", "id"), descending=True, key=_reports_key),
}


def list_public(*, course_id: UUID, sort: ReviewSort, rating: int | None, page: PageRequest) -> Page[ReviewValue]:
    """One page of what everybody may read about a course."""
    if rating is not None:
        sort = _AMONG_EQUALS.get(sort, sort)
    statement = _public_page(
        sort=sort, of_one_rating=rating is not None, goes_on=page.after is not None, limit=page.limit
    )
    rows = statement.rows(course_id=course_id, rating=rating, **keyset.values(page.after))
    return cut([_to_public(row) for row in rows], limit=page.limit, key=_ORDERS[sort].key)


@lru_cache(maxsize=_SHAPES)
def _public_page(*, sort: ReviewSort, of_one_rating: bool, goes_on: bool, limit: int) -> Statement:
    order = _ORDERS[sort]
    within = {"course_id": Slot("course_id")}
    if of_one_rating:
        within["public_rating"] = Slot("rating")
    after = keyset.slots(order.columns) if goes_on else None
    rows = _walk(Review.objects.filter(public_rating__isnull=False), within, order, after)
    return Statement(rows.values_list(*_PUBLIC_COLUMNS)[: limit + 1])


def get_own(*, course_id: UUID, author_id: UUID) -> OwnReview:
    """The author's live review of the course: the newest text, and what others see.

    Raises:
        ReviewNotFound: there is none.
    """
    found = _own().row(course_id=course_id, author_id=author_id)
    if found is None:
        raise ReviewNotFound("You have not written a review of this course.")
    *columns, name = found
    return to_own(Review.from_db(None, _COLUMNS, columns), author_name=name)


@cache
def _own() -> Statement:
    return Statement(_live_of_author().values_list(*_COLUMNS, "author__display_name"))


def find_live(*, course_id: UUID, author_id: UUID) -> UUID | None:
    """The id of the author's live review of the course."""
    found = _live_id().row(course_id=course_id, author_id=author_id)
    return found[0] if found else None


@cache
def _live_id() -> Statement:
    return Statement(_live_of_author().values_list("pk"))


def _live_of_author() -> QuerySet[Review]:
    return Review.objects.filter(course_id=Slot("course_id"), author_id=Slot("author_id"), retracted_at=None)


def find_newest(*, course_id: UUID, author_id: UUID) -> UUID:
    """The id of the author's newest review of the course, live or not. There must be one."""
    reviews = Review.objects.filter(course_id=course_id, author_id=author_id)
    return reviews.order_by("-id").values_list("pk", flat=True)[0]


def get_summary(*, course_id: UUID) -> Summary:
    """The published ratings of a course."""
    return to_summary(_counts().row(course_id=course_id) or (0, 0, 0, 0, 0))


@cache
def _counts() -> Statement:
    stars = ("ones", "twos", "threes", "fours", "fives")
    return Statement(CourseSummary.objects.filter(pk=Slot("course_id")).values_list(*stars))


def count_pending() -> int:
    """How many live reviews wait for a moderator."""
    return Review.objects.filter(retracted_at=None, status=Status.PENDING).count()


def list_queue(
    *, status: Status | None, course_id: UUID | None, sort: QueueSort, page: PageRequest
) -> Page[ModeratedReview]:
    """One page of the live reviews, for moderators."""
    filters = {"course_id": course_id, "status": status}
    within = {column: value for column, value in filters.items() if value is not None}
    order = _QUEUE_ORDERS[sort]
    rows = _walk(Review.objects.filter(retracted_at=None).select_related("author"), within, order, page.after)
    return cut([to_moderated(row) for row in rows[: page.limit + 1]], limit=page.limit, key=order.key)


def get_file(*, review_id: UUID) -> ReviewFile:
    """All that moderators know of a review, retracted ones too.

    Raises:
        ReviewNotFound: there is none with this id.
    """
    row = _with_author().filter(pk=review_id).first()
    if row is None:
        raise ReviewNotFound
    return ReviewFile(moderated=to_moderated(row), history=_history(review_id), reports=_reports(review_id))


def find_reason(*, code: str) -> Reason | None:
    """What the moderators' table says of this reason."""
    row = ModerationReason.objects.filter(pk=code).first()
    if row is None:
        return None
    return Reason(decision=Decision(row.decision), public_text=row.public_text, is_active=row.is_active)


def around(question: db.Part) -> Around:
    """What is known around a text; `question` comes from `ask_around`."""
    row = db.fetch_one(question.sql, question.values)
    assert row is not None
    return Around(*row)


def ask_around(*, course_id: UUID, author_id: UUID, review_id: UUID, digest: bytes | None, since: datetime) -> db.Part:
    """The query for what is known around this text of the author, as a part of a larger statement."""
    values = {
        "around_course_id": course_id,
        "around_author_id": author_id,
        "around_review_id": review_id,
        "around_digest": digest,
        "around_since": since,
    }
    return db.Part("around", _AROUND, values)


def last_change(*, review_id: UUID) -> HistoryEntry:
    """The newest entry of the review's history. There is always one."""
    return HistoryEntry.objects.filter(review_id=review_id).order_by("-id")[0]


def to_summary(counts: tuple[int, ...]) -> Summary:
    """Counts of 1 to 5 stars as a summary."""
    ones, twos, threes, fours, fives = counts
    mean: Decimal | None = rules.average(counts)
    return Summary(counts=(ones, twos, threes, fours, fives), average=None if mean is None else float(mean))


def _to_public(row: tuple[Any, ...]) -> ReviewValue:
    (id, course_id, author_id, name, rating, comment, revision, details, created_at, updated_at, version) = row
    return ReviewValue(
        id=id,
        course_id=course_id,
        author=Author(id=author_id, display_name=name),
        rating=rating,
        comment=comment,
        rating_details=_to_details(details),
        status=Status.PUBLISHED,
        edited=revision > 1,
        created_at=created_at,
        updated_at=updated_at,
        version=version,
    )


def to_newest(row: Review) -> ReviewValue:
    """What the author and moderators see."""
    return _newest(row, row.author.display_name)


def _newest(row: Review, author_name: str) -> ReviewValue:
    return ReviewValue(
        id=row.pk,
        course_id=row.course_id,
        author=Author(id=row.author_id, display_name=author_name),
        rating=row.rating,
        comment=row.comment,
        rating_details=_to_details(row.rating_details),
        status=Status(row.status),
        edited=row.revision > 1,
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
    )


def to_own(row: Review, *, author_name: str) -> OwnReview:
    """A review and what others see of it."""
    return OwnReview(review=_newest(row, author_name), public=to_public_text(row))


def to_moderated(row: Review) -> ModeratedReview:
    """A review as moderators list it."""
    return ModeratedReview(
        review=to_newest(row),
        public=to_public_text(row),
        report_count=row.open_reports,
        held_reason=HoldReason(row.held_reason) if row.held_reason else None,
        submitted_at=row.submitted_at,
        retracted_at=row.retracted_at,
    )


def to_text(row: Review | Revision) -> Text:
    """What a revision says, or the newest one of a review."""
    return Text(rating=row.rating, comment=row.comment, rating_details=_to_details(row.rating_details))


def to_public_text(row: Review) -> Text | None:
    """What everybody reads of a review."""
    if row.public_rating is None:
        return None
    details = _to_details(row.public_rating_details)
    return Text(rating=row.public_rating, comment=row.public_comment, rating_details=details)


def _to_details(value: dict[str, int] | None) -> RatingDetails | None:
    return None if value is None else RatingDetails(**value)


def _with_author() -> QuerySet[Review]:
    return Review.objects.select_related("author")


def _walk(
    reviews: QuerySet[Review], within: Mapping[str, Any], order: _Order[Any], after: Sequence[object] | None
) -> QuerySet[Review]:
    """The rows in which the columns of `within` have its values, after this key of the order.

    They are sorted by these columns too, and bounded from both sides instead of compared for equality: only the index
    over just these columns and the order's then has the order. Of a constant column PostgreSQL forgets the order, and
    for a course with half of all reviews, or none, it would walk all the others' to find them.

    On the side on which the key lies, the key is the only bound. With two of them, PostgreSQL may begin at the
    wider one, and walk through all the pages before.
    """
    columns = (*within, *order.columns)
    values = tuple(within.values())
    ends: list[type[Lookup[Any]]] = [GreaterThanOrEqual, LessThanOrEqual]
    if after is not None:
        reviews = reviews.filter(keyset.beyond(columns, (*values, *after), descending=order.descending))
        ends.remove(LessThanOrEqual if order.descending else GreaterThanOrEqual)
    if within:
        here = _Row(*map(F, within))
        there = _Row(*(value if isinstance(value, Slot) else Value(value) for value in values))
        reviews = reviews.filter(*(end(here, there) for end in ends))
    sorted_by = [F(column).desc() if order.descending else F(column).asc() for column in columns]
    return reviews.order_by(*sorted_by)


def _history(review_id: UUID) -> list[HistoryValue]:
    # The entries first: a text that is written meanwhile is then surplus, and not missing.
    entries = list(HistoryEntry.objects.filter(review_id=review_id).order_by("id"))
    texts = {row.number: row for row in Revision.objects.filter(review_id=review_id)}
    return [_to_history(row, texts[row.revision]) for row in entries]


def _to_history(row: HistoryEntry, text: Revision) -> HistoryValue:
    return HistoryValue(
        at=row.at,
        actor=row.actor,
        change=row.change,
        from_status=Status(row.from_status) if row.from_status else None,
        to_status=Status(row.to_status) if row.to_status else None,
        rating=text.rating,
        comment=text.comment,
        rating_details=_to_details(text.rating_details),
        reason=row.reason,
        public_text=row.public_text,
        note=row.note,
        automated=row.automated,
    )


def _reports(review_id: UUID) -> list[ReportValue]:
    rows = Report.objects.filter(review_id=review_id).order_by("created_at", "id")
    return [to_report(row) for row in rows]


def to_report(row: Report) -> ReportValue:
    """A report's row as a value."""
    return ReportValue(
        id=row.pk,
        reporter_id=row.reporter_id,
        reason=ReportReason(row.reason),
        note=row.note,
        created_at=row.created_at,
        resolution=row.resolution or None,
    )
