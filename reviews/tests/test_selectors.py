"""Reads: pages of the public list and of the moderators' list, their plans, and the file of one review."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import pytest
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.test.utils import CaptureQueriesContext

from common import clock, ids
from common.types import Page, PageRequest
from courses.tests.factories import a_draft, an_open_course
from reviews import selectors
from reviews import services as reviews
from reviews.models import Review
from reviews.tests.factories import (
    APPROVE,
    CLEAN,
    HIDE,
    WITH_LINK,
    Written,
    a_held_review,
    a_hidden_review,
    a_reason,
    a_review,
    decide,
    moderator,
    report,
    report_by,
    retract,
    rewrite,
)

pytestmark = pytest.mark.django_db
T = TypeVar("T")
NEWEST, OLDEST, HIGHEST, LOWEST = reviews.ReviewSort
LONGEST_WAITING, NEWEST_WAITING, MOST_REPORTED = reviews.QueueSort
INDEXES = {
    (): ("review_ages", "review_by_reports"),
    ("status",): ("review_status_ages", "review_status_by_reports"),
    ("course",): ("review_course_ages", "review_course_by_reports"),
    ("course", "status"): ("review_course_status_ages", "review_course_status_reports"),
}


def walk(fetch: Callable[[PageRequest], Page[T]], limit: int = 2) -> list[T]:
    """All rows of a list, page by page."""
    rows: list[T] = []
    page = fetch(PageRequest(limit=limit))
    rows.extend(page.rows)
    while page.next_after is not None:
        page = fetch(PageRequest(limit=limit, after=page.next_after))
        rows.extend(page.rows)
    return rows


def public(course_id: UUID, sort: reviews.ReviewSort = NEWEST, rating: int | None = None) -> list[UUID]:
    found = walk(lambda page: selectors.list_public(course_id=course_id, sort=sort, rating=rating, page=page))
    return [review.id for review in found]


def queue(sort: reviews.QueueSort = LONGEST_WAITING, **filters: Any) -> list[UUID]:
    chosen = {"status": None, "course_id": None, **filters}
    return [row.review.id for row in walk(lambda page: selectors.list_queue(sort=sort, page=page, **chosen))]


def ids_of(*written: Written) -> list[UUID]:
    return [each.id for each in written]


class TestListPublic:
    def test_sorts_by_age_and_by_rating_with_the_newest_of_a_rating_first_or_last(self) -> None:
        course_id = an_open_course()
        one, two, three, four, five = (a_review(course_id, rating=rating) for rating in (3, 5, 3, 1, 5))
        assert public(course_id, NEWEST) == ids_of(five, four, three, two, one)
        assert public(course_id, OLDEST) == ids_of(one, two, three, four, five)
        assert public(course_id, HIGHEST) == ids_of(five, two, three, one, four)
        assert public(course_id, LOWEST) == ids_of(four, one, three, two, five)

    @pytest.mark.parametrize("sort", reviews.ReviewSort)
    def test_holds_only_the_rating_that_is_asked_for(self, sort: reviews.ReviewSort) -> None:
        course_id = an_open_course()
        written = [a_review(course_id, rating=rating) for rating in (3, 5, 3, 1, 3)]
        expected = ids_of(written[0], written[2], written[4])
        assert public(course_id, sort, rating=3) == (expected if sort in {OLDEST, LOWEST} else expected[::-1])
        assert public(course_id, sort, rating=2) == []

    @pytest.mark.parametrize("sort", reviews.ReviewSort)
    @pytest.mark.parametrize("rating", [None, 4])
    def test_holds_no_review_of_another_course(self, sort: reviews.ReviewSort, rating: int | None) -> None:
        before, course_id, after = an_open_course(), an_open_course(), an_open_course()
        for where in (after, before, course_id, before, after):
            a_review(where, rating=4)
        assert len(public(course_id, sort, rating)) == 1

    def test_holds_what_is_public_whatever_waits_or_has_been_hidden(self) -> None:
        course_id = an_open_course()
        changed, approved = a_review(course_id), a_held_review(course_id=course_id)
        rewrite(changed, rating=1, comment=WITH_LINK)
        decide(approved, APPROVE)
        a_held_review(course_id=course_id)
        a_hidden_review(course_id=course_id)
        report_by(a_review(course_id), people=3)
        retract(a_review(course_id))
        assert public(course_id, OLDEST) == ids_of(changed, approved)
        assert public(course_id, rating=4) == ids_of(approved, changed)
        assert public(course_id, rating=1) == []

    def test_shows_the_public_text_and_not_the_one_that_waits(self) -> None:
        review = a_review(rating=4)
        rewrite(review, rating=1, comment=WITH_LINK)
        (shown,) = selectors.list_public(
            course_id=review.course_id, sort=NEWEST, rating=None, page=PageRequest(limit=9)
        ).rows
        assert (shown.rating, shown.comment, shown.status, shown.edited) == (4, CLEAN, "published", False)
        assert shown.updated_at == shown.created_at

    @pytest.mark.parametrize("sort", reviews.ReviewSort)
    def test_shows_each_once_though_others_come_and_go_between_pages(self, sort: reviews.ReviewSort) -> None:
        course_id = an_open_course()
        stay = {a_review(course_id, rating=1 + number % 5).id for number in range(6)}
        leaving = [a_review(course_id, rating=1 + number) for number in range(5)]
        seen: list[UUID] = []

        def fetch(page: PageRequest) -> Page[reviews.Review]:
            found = selectors.list_public(course_id=course_id, sort=sort, rating=None, page=page)
            seen.extend(review.id for review in found.rows)
            if leaving:
                retract(leaving.pop())
                a_review(course_id, rating=1 + len(leaving))
            return found

        walk(fetch)
        assert len(seen) == len(set(seen))
        assert stay <= set(seen)


class TestListQueue:
    def test_sorts_by_how_long_each_stands_as_it_is(self) -> None:
        one, two, three = a_review(), a_held_review(), a_held_review()
        rewrite(two, comment=f"{WITH_LINK} And more.")
        report_by(one, people=3)
        assert queue(LONGEST_WAITING) == ids_of(three, two, one)
        assert queue(NEWEST_WAITING) == ids_of(one, two, three)

    def test_sorts_by_open_reports(self) -> None:
        one, two, three, four = a_review(), a_review(), a_review(), a_held_review()
        report(one)
        report_by(three, people=2)
        assert queue(MOST_REPORTED) == ids_of(three, one, four, two)

    @pytest.mark.parametrize("sort", reviews.QueueSort)
    def test_filters_by_status_and_course(self, sort: reviews.QueueSort) -> None:
        course_id = an_open_course()
        for where in (an_open_course(), course_id, an_open_course()):
            a_review(where)
            a_held_review(course_id=where)
            a_hidden_review(course_id=where)
        assert len(queue(sort)) == 9
        for status in reviews.Status:
            (only,) = queue(sort, course_id=course_id, status=status)
            rows = Review.objects.filter(status=status)
            assert rows.get(course_id=course_id).pk == only
            assert set(queue(sort, status=status)) == set(rows.values_list("pk", flat=True))
        assert len(queue(sort, course_id=course_id)) == 3

    def test_holds_no_review_that_was_taken_back(self) -> None:
        review = a_held_review()
        retract(review)
        assert queue() == []

    def test_shows_the_newest_text_and_what_others_see(self) -> None:
        review = a_review(rating=4)
        rewrite(review, rating=1, comment=WITH_LINK)
        report(review)
        (row,) = selectors.list_queue(status=None, course_id=None, sort=NEWEST_WAITING, page=PageRequest(limit=9)).rows
        assert (row.review.rating, row.review.comment, row.review.status) == (1, WITH_LINK, "pending")
        assert row.public == reviews.Text(rating=4, comment=CLEAN, rating_details=None)
        assert row.held_reason == reviews.HoldReason.LINKS
        assert (row.report_count, row.review.version) == (1, 2)

    def test_of_a_course_that_is_not_there_is_refused(self) -> None:
        ask = {"status": None, "sort": NEWEST_WAITING, "page": PageRequest(limit=9), "now": clock.now()}
        with pytest.raises(reviews.CourseNotFound):
            reviews.list_queue(course_id=ids.new_uuid(), **ask)


class TestPlans:
    """With few rows PostgreSQL would sort them; told not to, it shows whether an index has the order.

    It may then take any index that has it. So these also show that only one has, whichever course has most reviews.
    """

    @pytest.fixture(autouse=True)
    def reviews_of_two_courses(self) -> UUID:
        course_id = an_open_course()
        for rating in (1, 3, 3, 5):
            a_review(course_id, rating=rating)
        a_review(rating=3)
        return course_id

    @pytest.mark.parametrize("sort", reviews.ReviewSort)
    @pytest.mark.parametrize("rating", [None, 3])
    @pytest.mark.parametrize("is_first", [True, False])
    def test_each_public_list_walks_an_index_of_its_own(
        self, sort: reviews.ReviewSort, rating: int | None, is_first: bool, reviews_of_two_courses: UUID
    ) -> None:
        with plans() as seen:
            fetch(
                lambda page: selectors.list_public(
                    course_id=reviews_of_two_courses, sort=sort, rating=rating, page=page
                ),
                is_first=is_first,
            )
        by_age = sort in {NEWEST, OLDEST} and rating is None
        assert seen[-1] == ["review_public_by_age" if by_age else "review_public_by_rating"]

    @pytest.mark.parametrize("sort", reviews.QueueSort)
    @pytest.mark.parametrize("filters", INDEXES)
    @pytest.mark.parametrize("is_first", [True, False])
    def test_each_list_of_moderators_walks_an_index_of_its_own(
        self, sort: reviews.QueueSort, filters: tuple[str, ...], is_first: bool, reviews_of_two_courses: UUID
    ) -> None:
        chosen = {
            "status": reviews.Status.PUBLISHED if "status" in filters else None,
            "course_id": reviews_of_two_courses if "course" in filters else None,
        }
        with plans() as seen:
            fetch(lambda page: selectors.list_queue(sort=sort, page=page, **chosen), is_first=is_first)  # type: ignore[arg-type]
        assert seen[-1] == [INDEXES[filters][sort is MOST_REPORTED]]

    @pytest.mark.parametrize("sort", [*reviews.ReviewSort, *reviews.QueueSort])
    def test_a_page_is_bounded_once_on_each_side(
        self, sort: reviews.ReviewSort | reviews.QueueSort, reviews_of_two_courses: UUID
    ) -> None:
        # Told twice where a page begins, PostgreSQL may begin at the wider bound: page 10,000 then reads 200,000 rows.
        within = {"course_id": reviews_of_two_courses, "sort": sort}

        def fetch_page(page: PageRequest) -> Page[Any]:
            if isinstance(sort, reviews.ReviewSort):
                return selectors.list_public(rating=3, page=page, **within)  # type: ignore[arg-type]
            return selectors.list_queue(status=reviews.Status.PUBLISHED, page=page, **within)  # type: ignore[arg-type]

        with CaptureQueriesContext(connection) as queries:
            fetch(fetch_page, is_first=False)
        for query in queries:
            assert len(re.findall(r"\) >=? \(ROW", query["sql"])) == len(re.findall(r"\) <=? \(ROW", query["sql"])) == 1

    def test_the_next_review_is_found_by_an_index(self) -> None:
        person = moderator()
        with plans() as seen:
            reviews.take_next(moderator_id=person.pk, skipped=(), now=clock.now())
        claimed, pending, reported = seen
        assert (claimed, pending) == (["review_claims"], ["review_status_ages"])
        assert reported in (["review_by_reports"], ["review_status_by_reports"])


def fetch(list_rows: Callable[[PageRequest], Page[Any]], *, is_first: bool) -> None:
    """Read the first page of one row, or the second."""
    page = list_rows(PageRequest(limit=1))
    if not is_first:
        list_rows(PageRequest(limit=1, after=page.next_after))


@contextmanager
def plans() -> Iterator[list[list[str]]]:
    """A list that after the block holds, for each read of reviews in it, the indexes by which it finds them."""
    found: list[list[str]] = []
    with CaptureQueriesContext(connection) as queries:
        yield found
    with connection.cursor() as cursor:
        for way in ("seqscan", "bitmapscan", "sort", "incremental_sort"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        for query in queries:
            if query["sql"].startswith("SELECT") and 'FROM "reviews_review"' in query["sql"]:
                plan = _explained(cursor, query["sql"])
                assert "Sort" not in plan, plan
                found.append(re.findall(r"Scan (?:Backward )?using (\w+) on reviews_review", plan))


def _explained(cursor: CursorWrapper, statement: str) -> str:
    """The plan of a statement, for whatever values it is given: as it runs once it is prepared."""
    nulls = ", ".join("NULL" for _ in set(re.findall(r"\$\d+", statement)))
    cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    cursor.execute(f"PREPARE explained AS {statement}")
    cursor.execute(f"EXPLAIN EXECUTE explained{f'({nulls})' if nulls else ''}")
    plan = "\n".join(line for (line,) in cursor.fetchall())
    cursor.execute("DEALLOCATE explained")
    return plan


class TestGetFile:
    def test_tells_every_change_and_every_report(self) -> None:
        review, person = a_review(rating=4), moderator()
        report(review, note="It sells something.")
        rewrite(review, rating=2, comment=WITH_LINK)
        decide(review, HIDE, moderator=person, reason=a_reason(), note="Again.")
        file = selectors.get_file(review_id=review.id)
        assert [(entry.change, entry.rating, entry.comment) for entry in file.history] == [
            ("created", 4, CLEAN),
            ("updated", 2, WITH_LINK),
            ("held", 2, WITH_LINK),
            ("hidden", 2, WITH_LINK),
        ]
        assert [(entry.from_status, entry.to_status) for entry in file.history] == [
            (None, "published"),
            ("published", "pending"),
            ("pending", "pending"),
            ("pending", "hidden"),
        ]
        last = file.history[-1]
        assert (last.reason, last.note, last.automated) == ("advertising", "Again.", False)
        assert last.public_text == "Your review advertises something."
        assert [(each.note, each.resolution) for each in file.reports] == [("It sells something.", "upheld")]

    def test_is_there_for_a_review_that_was_taken_back(self) -> None:
        review = a_review()
        retract(review)
        file = selectors.get_file(review_id=review.id)
        assert file.moderated.retracted_at is not None
        assert file.moderated.retracted_at - file.moderated.review.created_at < timedelta(minutes=1)

    def test_is_refused_for_one_that_is_not_there(self) -> None:
        with pytest.raises(reviews.ReviewNotFound):
            selectors.get_file(review_id=ids.new_uuid())


class TestGetSummary:
    def test_is_empty_for_a_course_without_reviews(self) -> None:
        assert selectors.get_summary(course_id=an_open_course()) == reviews.Summary(counts=(0,) * 5, average=None)

    def test_counts_the_public_ratings(self) -> None:
        course_id = an_open_course()
        for rating in (5, 5, 4):
            a_review(course_id, rating=rating)
        a_held_review(course_id=course_id, rating=1)
        summary = selectors.get_summary(course_id=course_id)
        assert (summary.counts, summary.count, summary.average) == ((0, 0, 0, 1, 2), 3, 4.67)
        assert summary.histogram == {"1": 0, "2": 0, "3": 0, "4": 1, "5": 2}

    def test_of_a_draft_is_refused(self) -> None:
        with pytest.raises(reviews.CourseNotFound):
            reviews.get_summary(course_id=a_draft(), now=clock.now())


def test_a_page_costs_one_query_for_one_review_and_for_many() -> None:
    course_id = an_open_course()
    costs = []
    for count in (1, 8):
        for _ in range(count):
            a_review(course_id)
        with CaptureQueriesContext(connection) as queries:
            selectors.list_public(course_id=course_id, sort=NEWEST, rating=None, page=PageRequest(limit=50))
            selectors.list_queue(status=None, course_id=None, sort=MOST_REPORTED, page=PageRequest(limit=50))
        costs.append(len(queries))
    assert costs == [2, 2]
