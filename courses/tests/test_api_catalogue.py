"""The catalogue over HTTP: what whom is shown, filters, search, orders, and when a course is open."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from common import clock
from common.models import User
from common.tests.factories import a_person, client_of, staff_member
from common.tests.problems import refused
from courses.models import Course
from courses.tests.factories import a_closed_course, a_draft, an_archived_course, an_open_course, crs

pytestmark = pytest.mark.django_db

MAKERS = {"draft": a_draft, "open": an_open_course, "closed": a_closed_course, "archived": an_archived_course}
NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)


def one_of_each() -> dict[str, UUID]:
    """A course in each state, called after it."""
    return {status: make(title=status) for status, make in MAKERS.items()}


def listed(query: str = "", person: User | None = None) -> list[str]:
    """The titles of the courses on the first page."""
    rows = client_of(person).get(f"courses?limit=100&{query}").json()["data"]
    return [row["title"] for row in rows]


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The present instant; a test may put another one in."""
    present = [NOON]
    monkeypatch.setattr(clock, "now", lambda: present[0])
    return present


class TestVisibility:
    def test_of_drafts_is_for_course_staff(self) -> None:
        draft = one_of_each()["draft"]
        for person in (None, a_person(), a_person(groups=("Moderators",)), a_person(is_staff=True)):
            assert set(listed(person=person)) == {"open", "closed", "archived"}
            refused(client_of(person).get(f"courses/{crs(draft)}"), 404, "course_not_found")
        for person in (staff_member(), a_person(is_superuser=True)):
            assert set(listed(person=person)) == {"draft", "open", "closed", "archived"}
            assert client_of(person).get(f"courses/{crs(draft)}").json()["status"] == "draft"

    def test_of_drafts_is_not_to_be_had_by_a_filter(self) -> None:
        one_of_each()
        assert listed("status=draft") == []
        assert listed("search=draft") == []
        assert listed("is_open=false") == ["archived", "closed"]

    def test_of_a_course_is_the_same_in_the_list_and_alone(self) -> None:
        course_id = an_open_course(capacity=3)
        (row,) = client_of().get("courses").json()["data"]
        assert row == client_of().get(f"courses/{crs(course_id)}").json()


class TestFilters:
    @pytest.mark.parametrize("status", MAKERS)
    def test_by_status(self, status: str) -> None:
        one_of_each()
        assert listed(f"status={status}", staff_member()) == [status]

    def test_by_whether_it_is_open(self, now: list[datetime]) -> None:
        one_of_each()
        an_open_course(title="soon", enrollment_opens_at=NOON + INSTANT)
        an_open_course(title="over", enrollment_closes_at=NOON)
        an_open_course(title="now", enrollment_opens_at=NOON, enrollment_closes_at=NOON + INSTANT)
        assert set(listed("is_open=true")) == {"open", "now"}
        assert set(listed("is_open=false")) == {"closed", "archived", "soon", "over"}
        assert set(listed("is_open=false", staff_member())) == {"draft", "closed", "archived", "soon", "over"}

    def test_by_several_at_once(self, now: list[datetime]) -> None:
        one_of_each()
        an_open_course(title="open too, but over", enrollment_closes_at=NOON)
        assert listed("status=open&is_open=false&search=open") == ["open too, but over"]
        assert listed("status=closed&is_open=true") == []


class TestSearch:
    @pytest.fixture(autouse=True)
    def courses(self) -> None:
        an_open_course(title="Reading Shakespeare Aloud", summary="Six evenings", instructor="Miriam Okafor")
        an_open_course(title="Knots and Bends", summary="For sailors", instructor="Björn Öberg", description="Sonnets")
        an_open_course(title="C++ for Poets", summary="", instructor="日本 太郎")

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("shakespeare", ["Reading Shakespeare Aloud"]),
            ("SHAKESPEARE", ["Reading Shakespeare Aloud"]),
            ("shake", ["Reading Shakespeare Aloud"]),
            ("aloud reading", ["Reading Shakespeare Aloud"]),
            ("reading knots", []),
            ("evenings", ["Reading Shakespeare Aloud"]),
            ("okafor", ["Reading Shakespeare Aloud"]),
            ("öberg", ["Knots and Bends"]),
            ("太郎", ["C++ for Poets"]),
            ("c++", ["C++ for Poets"]),
            ("sonnets", []),
            ("nothing like it", []),
            ("", ["C++ for Poets", "Knots and Bends", "Reading Shakespeare Aloud"]),
            ("   ", ["C++ for Poets", "Knots and Bends", "Reading Shakespeare Aloud"]),
            ("knots & bends", ["Knots and Bends"]),
            ("knots | shakespeare", []),
            ("!knots", ["Knots and Bends"]),
            ("knots:*", ["Knots and Bends"]),
            ("'knots'", ["Knots and Bends"]),
            ("knots \\", ["Knots and Bends"]),
            ("(knots", ["Knots and Bends"]),
            ("<->", []),
            ("_", []),
            ("%", []),
            ("' OR 1=1 --", []),
        ],
    )
    def test_finds_courses_in_which_every_word_begins_a_word(self, text: str, found: list[str]) -> None:
        rows = client_of().get("courses", {"search": text, "sort": "title"}).json()["data"]
        assert [row["title"] for row in rows] == found


class TestOrder:
    def test_is_newest_first_unless_asked_otherwise(self) -> None:
        for title in ("b", "a", "c"):
            an_open_course(title=title)
        assert listed() == listed("sort=newest") == ["c", "a", "b"]

    def test_by_title(self) -> None:
        for title in ("b", "a", "C"):
            an_open_course(title=title)
        assert listed("sort=title") == ["a", "b", "C"]

    def test_by_rating_has_the_best_first_and_the_unrated_last(self) -> None:
        for title, rating in (("fair", "3.10"), ("none", None), ("best", "4.95"), ("good", "4.9")):
            # Reviews give ratings; here only their order matters.
            Course.objects.filter(pk=an_open_course(title=title)).update(rating_average=rating and Decimal(rating))
        assert listed("sort=rating") == ["best", "good", "fair", "none"]

    def test_of_a_rating_shows_two_decimals(self) -> None:
        Course.objects.filter(pk=an_open_course()).update(rating_average=Decimal("4.67"), rating_count=3)
        assert client_of().get("courses").json()["data"][0]["rating"] == {"average": 4.67, "count": 3}


class TestIsOpen:
    @pytest.mark.parametrize(
        ("opens", "closes", "is_open"),
        [
            (None, None, True),
            (NOON, None, True),
            (NOON + INSTANT, None, False),
            (NOON - INSTANT, None, True),
            (None, NOON, False),
            (None, NOON + INSTANT, True),
            (NOON, NOON + INSTANT, True),
            (NOON - timedelta(days=9), NOON, False),
            (NOON + timedelta(days=1), NOON + timedelta(days=9), False),
        ],
    )
    def test_from_the_beginning_of_its_window_until_before_its_end(
        self, opens: Any, closes: Any, is_open: bool, now: list[datetime]
    ) -> None:
        course_id = an_open_course(enrollment_opens_at=opens, enrollment_closes_at=closes)
        body = client_of().get(f"courses/{crs(course_id)}").json()
        assert (body["status"], body["is_open"]) == ("open", is_open)

    @pytest.mark.parametrize("status", ["draft", "closed", "archived"])
    def test_only_in_the_state_of_that_name(self, status: str, now: list[datetime]) -> None:
        course_id = MAKERS[status](enrollment_opens_at=NOON - INSTANT, enrollment_closes_at=NOON + INSTANT)
        assert client_of(staff_member()).get(f"courses/{crs(course_id)}").json()["is_open"] is False

    def test_changes_by_the_clock_alone(self, now: list[datetime]) -> None:
        path = f"courses/{crs(an_open_course(enrollment_closes_at=NOON + INSTANT))}"
        assert client_of().get(path).json()["is_open"] is True
        now[0] += INSTANT
        assert client_of().get(path).json()["is_open"] is False
