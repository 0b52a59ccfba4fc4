"""What the queue can be narrowed down to, and in which order each part of it stands.

Each tab is bounded and sorted by the columns of one index; see `reviews.selectors` for why a status is bounded from
both sides instead of compared for equality.
"""

from collections.abc import Iterator
from typing import Any, cast
from uuid import UUID

from django.contrib.admin.views.main import ChangeList
from django.contrib.postgres.search import SearchQuery
from django.core.paginator import Page
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest

from common import db, ids, texts
from common.admin import AutocompleteFilter, ChoiceFilter
from common.admin.lists import BoundedCountPaginator
from common.models import NAME, User
from reviews.models import SEARCHED, Report, Review
from reviews.types import HoldReason, ReportReason, Status

PENDING, REPORTED, EDITED, HIDDEN, ALL = "pending", "reported", "edited", "hidden", "all"
_TABS = ((PENDING, "Pending"), (REPORTED, "Reported"), (EDITED, "Edited"), (HIDDEN, "Hidden"), (ALL, "All"))
_STATUS_OF_TAB = {PENDING: Status.PENDING, EDITED: Status.PENDING, HIDDEN: Status.HIDDEN}
_ORDERS = {
    PENDING: ("status", "submitted_at", "id"),
    EDITED: ("status", "submitted_at", "id"),
    REPORTED: ("-open_reports", "-id"),
    HIDDEN: ("-status", "-submitted_at", "-id"),
    ALL: ("-submitted_at", "-id"),
}
# Of the people with a name so many are thought of; texts with a word are few up to so many.
_MOST_AUTHORS, _FEW = 500, 5_000
# One statement for all tabs; each count stops at the bound.
_COUNTS = """
    WITH pending AS (
        SELECT revision FROM reviews_review WHERE status = 'pending' AND retracted_at IS NULL LIMIT 10000)
    SELECT
        (SELECT count(*) FROM pending),
        (SELECT count(*) FROM (
            SELECT FROM reviews_review WHERE open_reports > 0 AND retracted_at IS NULL LIMIT 10000) AS reported),
        (SELECT count(*) FROM pending WHERE revision > 1)
"""


def tab_of(request: HttpRequest) -> str:
    """The tab at hand: the pending ones, oldest first. A search without a tab looks into all."""
    chosen = request.GET.get("queue")
    if chosen is not None:
        return chosen
    return ALL if request.GET.get("q", "").strip() else PENDING


def order_of(request: HttpRequest) -> tuple[str, ...]:
    """The order of the tab at hand; within one course, that of the course's own index."""
    order = _ORDERS.get(tab_of(request), _ORDERS[ALL])
    if "course" not in request.GET:
        return order
    return ("-course_id" if order[0].startswith("-") else "course_id", *order)


def with_status(queryset: QuerySet, status: Status) -> QuerySet:
    """Live reviews in this status."""
    return queryset.filter(retracted_at=None, status__gte=status, status__lte=status)


class TabFilter(ChoiceFilter):
    """The parts of the queue."""

    title = parameter_name = "queue"
    options = _TABS
    template = "admin/reviews/review/tabs.html"

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        super().__init__(request, *args)
        self._tab = tab_of(request)
        self._is_for_one = review_id(request.GET.get("q", "")) is not None

    def value(self) -> str:
        """The tab at hand."""
        return self._tab

    def chosen(self, queryset: QuerySet, value: str) -> QuerySet:
        """The tab's reviews. Who asks for one by its id gets it from whatever tab, also if it was taken back."""
        if self._is_for_one:
            return queryset
        if value == REPORTED:
            return queryset.filter(retracted_at=None, open_reports__gt=0)
        if value == ALL:
            return queryset.filter(retracted_at=None)
        found = with_status(queryset, _STATUS_OF_TAB[value])
        return found.filter(revision__gt=1) if value == EDITED else found

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """The tabs, with how many wait in those that are work."""
        counts = dict(zip((PENDING, REPORTED, EDITED), counted(), strict=True))
        for tab, label in self.options:
            yield {
                "selected": self._tab == tab,
                "query_string": changelist.get_query_string({"queue": tab}, remove=["p"]),
                "display": label,
                "count": counts.get(tab),
            }


def counted() -> tuple[int, int, int]:
    """How many are pending, reported, and pending after a change."""
    row = db.fetch_one(_COUNTS)
    assert row is not None
    return row[0], row[1], row[2]


class RatingFilter(ChoiceFilter):
    """Reviews with so many stars."""

    title = parameter_name = column = "rating"
    options = [(str(stars), f"{stars} of 5") for stars in range(5, 0, -1)]


class RuleFilter(ChoiceFilter):
    """Reviews that one rule holds."""

    title = "held for"
    parameter_name, column = "rule", "held_reason"
    options = [(reason.value, reason.value.replace("_", " ").capitalize()) for reason in HoldReason]

    def chosen(self, queryset: QuerySet, value: str) -> QuerySet:
        """Only what is pending is held."""
        return with_status(queryset, Status.PENDING).filter(held_reason=value)


class ReportFilter(ChoiceFilter):
    """Reviews with an open report for one reason."""

    title = "reported for"
    parameter_name = "reported_for"
    options = [(reason.value, reason.value.replace("_", " ").capitalize()) for reason in ReportReason]

    def chosen(self, queryset: QuerySet, value: str) -> QuerySet:
        """Looked up review by review, among those with open reports."""
        reports = Report.objects.filter(review_id=OuterRef("pk"), resolution="", reason=value)
        return queryset.filter(Exists(reports), open_reports__gt=0)


class CourseFilter(AutocompleteFilter):
    """Reviews of one course."""

    column, prefix = "course", ids.COURSE

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Bounded from both sides, so that the course's own index serves."""
        if self.value() is None:
            return queryset
        chosen = self._chosen_id()
        return queryset.none() if chosen is None else queryset.filter(course_id__gte=chosen, course_id__lte=chosen)


class QueuePaginator(BoundedCountPaginator):
    """Walks to a page by keys alone, and reads only its rows with the names that belong to them."""

    def page(self, number: int | str) -> Page:
        """One page; one that has no rows any more is empty."""
        place = self.validate_number(number)
        first = (place - 1) * self.per_page
        rows = cast("QuerySet", self.object_list)
        keys = list(rows.values_list("pk", flat=True)[first : first + self.per_page])
        return Page(rows.filter(pk__in=keys), place, self)


class WordsPaginator(QueuePaginator):
    """To tell how many texts have a frequent word means to read them: not many."""

    @property
    def most(self) -> int:
        """How far it counts."""
        return 1_000


def review_id(text: str) -> UUID | None:
    """The review that this is the public id of."""
    return ids.decode(ids.REVIEW, text.strip())


def searched(queryset: QuerySet, text: str) -> QuerySet:
    """The review with this id, or those of this author or course, or with these words in text or author's name."""
    one = review_id(text)
    if one is not None:
        return queryset.filter(pk=one)
    course_id = ids.decode(ids.COURSE, text)
    if course_id is not None:
        return queryset.filter(course_id=course_id)
    author_id = ids.decode(ids.USER, text)
    if author_id is None and "@" in text:
        # Looked up first: a join would leave PostgreSQL to guess how many rows one email has.
        author_id = User.objects.filter(email__iexact=text).values_list("pk", flat=True).first()
        return queryset.none() if author_id is None else queryset.filter(author_id=author_id)
    return queryset.filter(author_id=author_id) if author_id is not None else _with_words(queryset, text)


def _with_words(queryset: QuerySet, text: str) -> QuerySet:
    words = texts.words(text)
    if not words:
        return queryset.none()
    # Whole words: the beginning of one may stand for thousands, and then for every review there is.
    query = SearchQuery(" & ".join(words), search_type="raw", config="simple")
    authors = list(User.objects.alias(name=NAME).filter(name=query).values_list("pk", flat=True)[:_MOST_AUTHORS])
    having = Review.objects.alias(searched=SEARCHED).filter(searched=query)
    if having[: _FEW + 1].count() <= _FEW:
        return queryset.filter(Q(pk__in=list(having.values_list("pk", flat=True))) | Q(author_id__in=authors))
    # A frequent word is soon found in the order of the list. With a rare one PostgreSQL, which cannot tell, might read
    # every text there is in that order.
    frequent: QuerySet = queryset.alias(searched=SEARCHED).filter(Q(searched=query) | Q(author_id__in=authors))
    return frequent
