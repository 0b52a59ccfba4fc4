from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import cycle
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from common.tests.factories import NOW
from common.tests.traversal import everything, pages
from common.types import Page, PageRequest
from courses import search, selectors
from courses import services as courses
from courses.tests.factories import (
    a_closed_course,
    a_draft,
    an_archived_course,
    an_open_course,
    change,
    close,
    places_of,
)

pytestmark = pytest.mark.django_db
UNKNOWN = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
HOUR = timedelta(hours=1)
# Equal ones, equal but for case, and letters for which lower case is a matter of opinion.
TITLES = ["Knots", "knots", "Knots", "Splices", "Äpfel", "İstanbul", "Straße", "STRASSE", "%_\\'\"", "日本語", "a", "A"]
# In Hindi, Thai and Persian, in which vowels, tones and what joins letters are no letters; and é of two characters.
WITH_MARKS = "हिन्दी, ภาษาไทย, می\u200cخوانیم, re\u0301sume\u0301s"
AVERAGES = [None, Decimal("4.50"), Decimal("4.50"), Decimal("1.00"), Decimal("3.33"), None, Decimal("5.00")]


def catalogue(
    page: PageRequest,
    *,
    sort: courses.CourseSort = courses.CourseSort.NEWEST,
    with_drafts: bool = False,
    now: datetime = NOW,
    **filter: Any,
) -> Page[courses.Course]:
    return courses.list_courses(
        filter=courses.CourseFilter(**filter), sort=sort, with_drafts=with_drafts, page=page, now=now
    )


def found(**question: Any) -> set[str]:
    """The titles of all courses that the catalogue lists for this question."""
    return {course.title for course in everything(partial(catalogue, **question))}


def readings(asked: CaptureQueriesContext) -> int:
    """In how many statements the texts of courses were read in the order of the list."""
    return len([query for query in asked if "ORDER BY" in query["sql"] and "to_tsquery" in query["sql"]])


def rate(course_id: UUID, average: Decimal | None) -> None:
    with transaction.atomic():
        courses.record_rating(course_id=course_id, average=average, count=0 if average is None else 3)


def a_rated_course(title: str, average: Decimal | None) -> UUID:
    course_id = an_open_course(title=title)
    rate(course_id, average)
    return course_id


class TestListCourses:
    def test_shows_a_course_as_get_course_does(self) -> None:
        course_id = an_open_course(capacity=3, summary="Ropes", enrollment_closes_at=NOW + HOUR)
        rate(course_id, Decimal("4.25"))
        course = courses.get_course(course_id=course_id, with_drafts=False, now=NOW)
        assert everything(catalogue) == [course]
        assert (course.is_open, course.seats_available, course.rating.average, course.rating.count) == (
            True,
            3,
            4.25,
            3,
        )
        assert type(course.created_at) is datetime
        assert course.created_at.tzinfo is not None

    @pytest.mark.parametrize("limit", [1, 3, 100])
    @pytest.mark.parametrize("sort", courses.CourseSort)
    def test_is_in_order_and_complete_whatever_the_size_of_a_page(self, sort: courses.CourseSort, limit: int) -> None:
        made = [a_rated_course(title, average) for title, average in zip(TITLES, cycle(AVERAGES), strict=False)]
        walked = [course for rows in pages(partial(catalogue, sort=sort), limit=limit) for course in rows]
        assert sorted(course.id for course in walked) == sorted(made)
        match sort:
            case courses.CourseSort.NEWEST:
                assert [course.id for course in walked] == made[::-1]
            case courses.CourseSort.RATING:
                keys = [(course.rating.average or 0, course.id) for course in walked]
                assert keys == sorted(keys, reverse=True)
            case courses.CourseSort.TITLE:
                titles = [course.title for course in walked]
                assert titles.index("Splices") > titles.index("knots") > titles.index("A")
                same = [course.id for course in walked if course.title.lower() == "knots"]
                assert same == sorted(same)
                assert [title.lower() for title in titles if title.isascii()] == sorted(
                    title.lower() for title in titles if title.isascii()
                )

    @pytest.mark.parametrize("sort", courses.CourseSort)
    def test_shows_what_is_there_throughout_exactly_once_while_others_come_and_go(
        self, sort: courses.CourseSort
    ) -> None:
        kinds = list(zip(TITLES * 2, cycle(AVERAGES), strict=False))
        staying, going = [], []
        for title, average in kinds:
            staying.append(a_rated_course(title, average))
            going.append(a_rated_course(title, average))
        walked: list[UUID] = []
        read = partial(catalogue, sort=sort, status=courses.CourseStatus.OPEN)
        for number, rows in enumerate(pages(read, limit=4)):
            walked += [course.id for course in rows]
            for _ in range(3):
                if going:
                    close(going.pop(number % len(going)))
            title, average = kinds[(number * 5) % len(kinds)]
            if number < 8:
                a_rated_course(title, average)
        assert not going
        assert len(walked) == len(set(walked))
        assert [course_id for course_id in walked if course_id in set(staying)] == [
            course.id for course in everything(read) if course.id in set(staying)
        ]
        assert set(staying) <= set(walked)

    @pytest.mark.parametrize("count", [1, 30])
    def test_costs_one_statement_however_many_there_are(
        self, count: int, django_assert_num_queries: Callable[[int], Any]
    ) -> None:
        for _ in range(count):
            an_open_course()
        with django_assert_num_queries(1):
            catalogue(PageRequest(limit=20))

    def test_keeps_drafts_from_those_who_may_not_see_them(self) -> None:
        a_draft(title="draft")
        an_open_course(title="open")
        a_closed_course(title="closed")
        an_archived_course(title="archived")
        assert found() == {"open", "closed", "archived"}
        assert found(with_drafts=True) == {"draft", "open", "closed", "archived"}

    @pytest.mark.parametrize("status", courses.CourseStatus)
    def test_can_be_of_one_status(self, status: courses.CourseStatus) -> None:
        a_draft(title="draft")
        an_open_course(title="open")
        a_closed_course(title="closed")
        an_archived_course(title="archived")
        assert found(status=status, with_drafts=True) == {status.value}
        assert found(status=status) == ({status.value} - {"draft"})

    def test_can_be_of_those_that_are_open_as_the_rules_see_it(self) -> None:
        a_draft(title="draft")
        a_closed_course(title="closed")
        an_open_course(title="open")
        an_open_course(title="opens now", enrollment_opens_at=NOW)
        an_open_course(title="opens later", enrollment_opens_at=NOW + HOUR)
        an_open_course(title="closes now", enrollment_closes_at=NOW)
        an_open_course(title="closes later", enrollment_closes_at=NOW + HOUR)
        for now in (NOW, NOW + HOUR, NOW - HOUR):
            by_rule = {True: set(), False: set()}  # type: ignore[var-annotated]
            for course in everything(partial(catalogue, with_drafts=True)):
                by_rule[courses.is_open(places_of(course.id), now=now)].add(course.title)
            assert found(is_open=True, now=now, with_drafts=True) == by_rule[True]
            assert found(is_open=False, now=now, with_drafts=True) == by_rule[False]
        assert found(is_open=True) == {"open", "opens now", "closes later"}

    def test_can_be_narrowed_in_several_ways_at_once(self) -> None:
        an_open_course(title="Knots today")
        an_open_course(title="Knots tomorrow", enrollment_opens_at=NOW + HOUR)
        an_open_course(title="Splices today")
        a_closed_course(title="Knots yesterday")
        assert found(search="knots", is_open=True, status=courses.CourseStatus.OPEN) == {"Knots today"}
        assert found(search="knots", is_open=False, status=courses.CourseStatus.OPEN) == {"Knots tomorrow"}


class TestSearch:
    @pytest.fixture(autouse=True, params=[5_000, 0], ids=["few have it", "many have it"])
    def few(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
        """Courses with a word are few up to so many: found ahead, or in the order of the list, they are the same."""
        monkeypatch.setattr(search, "_FEW", request.param)
        search._some.cache_clear()
        yield request.param
        search._some.cache_clear()

    @pytest.fixture(params=[1, 7, 8, 10_000])
    def near(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
        """So many courses are near the beginning of a page."""
        monkeypatch.setattr(search, "AS_NEAR", request.param)
        selectors._page.cache_clear()
        yield request.param
        selectors._page.cache_clear()

    @pytest.fixture(autouse=True)
    def _some_courses(self) -> None:
        an_open_course(title="Knots and Splices", summary="Ropes that hold", instructor="Ada Lovelace")
        an_open_course(title="Café Crème", summary="", instructor="Žižek")
        an_open_course(title="Python 3.11 for Node.js people", description="Secret words")
        an_open_course(title="Python/Django, C++ & data-driven CI/CD", summary="See www.example.org/start")
        an_open_course(title="snake_case e-mail@example.org v1.5", instructor="O'Reilly")
        an_open_course(title=WITH_MARKS)

    @pytest.mark.parametrize(
        ("text", "title"),
        [
            ("knots", "Knots and Splices"),
            ("KNO spl", "Knots and Splices"),
            ("splices  knots", "Knots and Splices"),
            ("ropes lovelace", "Knots and Splices"),
            ("café", "Café Crème"),
            ("CRÈ", "Café Crème"),
            ("žiž", "Café Crème"),
            ("3.11", "Python 3.11 for Node.js people"),
            ("Python 3.11 for Node.js people", "Python 3.11 for Node.js people"),
            ("node", "Python 3.11 for Node.js people"),
            ("js", "Python 3.11 for Node.js people"),
            ("11", "Python 3.11 for Node.js people"),
            ("django", "Python/Django, C++ & data-driven CI/CD"),
            ("ci cd", "Python/Django, C++ & data-driven CI/CD"),
            ("CI/CD", "Python/Django, C++ & data-driven CI/CD"),
            ("data-driven", "Python/Django, C++ & data-driven CI/CD"),
            ("driven", "Python/Django, C++ & data-driven CI/CD"),
            ("C++", "Python/Django, C++ & data-driven CI/CD"),
            ("www.example.org/start", "Python/Django, C++ & data-driven CI/CD"),
            ("snake_case", "snake_case e-mail@example.org v1.5"),
            ("case", "snake_case e-mail@example.org v1.5"),
            ("mail@example", "snake_case e-mail@example.org v1.5"),
            ("v1.5", "snake_case e-mail@example.org v1.5"),
            ("o'reilly", "snake_case e-mail@example.org v1.5"),
            ("हिन्दी", WITH_MARKS),
            ("हिन्", WITH_MARKS),
            ("ภาษาไทย", WITH_MARKS),
            ("می\u200cخوانیم", WITH_MARKS),
            ("re\u0301sume\u0301", WITH_MARKS),
            ("❤️ knots \u0301", "Knots and Splices"),
        ],
    )
    def test_finds_a_course_in_which_each_word_begins_a_word(self, text: str, title: str) -> None:
        assert title in found(search=text)

    @pytest.mark.parametrize("sort", courses.CourseSort)
    def test_is_walked_in_every_order_and_only_through_what_is_asked_for(self, sort: courses.CourseSort) -> None:
        for number in range(5):
            an_open_course(title=f"Python {number % 3}", summary="Again")
        close(an_open_course(title="Python at last"))
        walked = everything(partial(catalogue, sort=sort, search="python", status=courses.CourseStatus.OPEN), limit=2)
        alone = everything(partial(catalogue, sort=sort, status=courses.CourseStatus.OPEN))
        assert walked == [course for course in alone if course.title.startswith("Python")]

    def test_does_not_read_all_courses_for_what_few_have(self, few: int) -> None:
        with CaptureQueriesContext(connection) as asked:
            found(search="node")
        assert bool(readings(asked)) == (not few)

    def test_goes_on_where_too_few_are_near(self, near: int, few: int) -> None:
        for number in range(3):
            an_open_course(title=f"Zebras {number}")
        zebras = partial(catalogue, sort=courses.CourseSort.TITLE, search="zebras")
        assert [course.title for course in everything(zebras, limit=2)] == ["Zebras 0", "Zebras 1", "Zebras 2"]
        with CaptureQueriesContext(connection) as asked:
            zebras(PageRequest(limit=2))
        # Before them stand five others.
        assert readings(asked) == (0 if few else 1 if near >= 8 else 2)

    @pytest.mark.parametrize(
        "text", ["nots", "knots bends", "secret", "!!!", "&", "' | zz:*", ":*", "\\", "<->", "%", "\u0301"]
    )
    def test_finds_nothing_else(self, text: str) -> None:
        assert found(search=text) == set()

    def test_finds_what_an_edit_brought_and_no_longer_what_it_took_away(self) -> None:
        course_id = an_open_course(title="Bends")
        change(course_id, title="Hitches")
        assert (found(search="bends"), found(search="hitches")) == (set(), {"Hitches"})


class TestGetCourse:
    def test_knows_a_draft_only_where_drafts_may_be_seen(self) -> None:
        course_id = a_draft()
        assert courses.get_course(course_id=course_id, with_drafts=True, now=NOW).id == course_id
        with pytest.raises(courses.CourseNotFound):
            courses.get_course(course_id=course_id, with_drafts=False, now=NOW)

    def test_does_not_know_a_course_that_is_none(self) -> None:
        with pytest.raises(courses.CourseNotFound):
            courses.get_course(course_id=UNKNOWN, with_drafts=True, now=NOW)

    def test_says_whether_it_is_open_at_that_instant(self) -> None:
        course_id = an_open_course(enrollment_closes_at=NOW + HOUR)
        at = partial(courses.get_course, course_id=course_id, with_drafts=False)
        assert (at(now=NOW).is_open, at(now=NOW + HOUR).is_open) == (True, False)


class TestGetLabels:
    def test_says_how_courses_are_called_and_leaves_unknown_ones_out(self) -> None:
        course_id, other_id = an_open_course(title="Knots"), a_draft(title="Splices")
        assert courses.get_labels(course_ids=[course_id, other_id, course_id, UNKNOWN]) == {
            course_id: courses.CourseLabel(id=course_id, slug="knots", title="Knots"),
            other_id: courses.CourseLabel(id=other_id, slug="splices", title="Splices"),
        }

    def test_of_nothing_is_nothing(self) -> None:
        assert courses.get_labels(course_ids=[]) == {}


class TestGetPlaces:
    def test_does_not_know_a_course_that_is_none(self) -> None:
        with pytest.raises(courses.CourseNotFound):
            courses.get_places(course_id=UNKNOWN)
