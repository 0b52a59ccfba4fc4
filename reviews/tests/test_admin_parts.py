"""What the moderators' pages are made of, without a database."""

import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta

import pytest

from common.admin.charts import Bar, Chart, Part
from common.models import User
from reviews.admin.diff import marked
from reviews.admin.display import age, duration, excerpt, is_claimed, stars
from reviews.models import Review

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class TestDiff:
    @pytest.mark.parametrize(
        ("before", "after", "expected"),
        [
            ("", "", ""),
            ("the same", "the same", "the same"),
            ("a good course", "a bad course", "a<del> good</del><ins> bad</ins> course"),
            ("a course", "a course, really", "a<del> course</del><ins> course, really</ins>"),
            ("", "new", "<ins>new</ins>"),
            ("gone", "", "<del>gone</del>"),
            ("one\n\ntwo", "one\n\nthree", "one<del>\n\ntwo</del><ins>\n\nthree</ins>"),
        ],
    )
    def test_marks_words(self, before: str, after: str, expected: str) -> None:
        assert marked(before, after) == expected

    def test_what_people_wrote_stays_text(self) -> None:
        assert marked("", "<script>") == "<ins>&lt;script&gt;</ins>"

    @pytest.mark.parametrize("before", ["", "a b  c\nd", " edge ", "x" * 50])
    @pytest.mark.parametrize("after", ["a b\nc d", "  ", "y z", "a  b  c\nd"])
    def test_loses_no_letter(self, before: str, after: str) -> None:
        found = marked(before, after)
        assert re.sub(r"<del>.*?</del>|</?ins>", "", found, flags=re.DOTALL) == after
        assert re.sub(r"<ins>.*?</ins>|</?del>", "", found, flags=re.DOTALL) == before

    def test_two_long_texts_are_compared_at_once(self) -> None:
        start = datetime.now(UTC)
        marked("a b " * 1250, "b a c " * 830)
        assert datetime.now(UTC) - start < timedelta(seconds=5)


class TestCharts:
    @pytest.mark.parametrize("is_lying", [True, False])
    def test_draws_what_it_is_given(self, is_lying: bool) -> None:
        parts = [Part(name="good", value=3, look="good"), Part(name="bad", value=1)]
        bars = [
            Bar(label="<Mon>", parts=parts, address="/x?a=1&b=2"),
            Bar(label="Tue", parts=[Part(name="good", value=0)]),
        ]
        svg = Chart(title="Week", summary="4 in all.", bars=bars, is_lying=is_lying).svg
        drawing = ET.fromstring(svg)
        assert drawing.get("aria-label") == "Week: 4 in all."
        sizes = [float(each.get("width" if is_lying else "height")) for each in drawing.iter("rect")]
        assert sizes[0] == pytest.approx(3 * sizes[1], abs=0.3)
        assert sizes[2] == 0
        assert [each.get("href") for each in drawing.iter("a")] == ["/x?a=1&b=2"]
        assert "style" not in svg

    def test_nothing_to_draw(self) -> None:
        assert Chart(title="Week", summary="", bars=[]).svg
        assert Chart(title="Week", summary="", bars=[]).names == []


class TestWords:
    @pytest.mark.parametrize(
        ("seconds", "said"),
        [
            (0.2, "under 1 s"),
            (1, "1 s"),
            (59.9, "59 s"),
            (60, "1 min"),
            (3600, "1 h"),
            (86_400 * 2 - 1, "47 h"),
            (86_400 * 2, "2 d"),
        ],
    )
    def test_lengths_of_time(self, seconds: float, said: str) -> None:
        assert duration(seconds) == said
        assert age(NOW - timedelta(seconds=seconds), NOW) == said

    def test_stars_are_drawn_and_said(self) -> None:
        assert "★★<i>★★★</i>" in stars(2)
        assert 'aria-label="2 of 5 stars"' in stars(2)

    def test_excerpts_stand_on_one_line(self) -> None:
        assert excerpt("a\n\nb") == "a b"
        assert excerpt("") == "(no comment)"
        assert len(excerpt("long " * 200)) <= 160

    def test_a_claim_is_somebodys_for_a_while(self) -> None:
        ada, grace = User(), User()
        review = Review(claimed_by=ada, claimed_until=NOW + timedelta(minutes=1))
        assert is_claimed(review, now=NOW, by=ada.pk)
        assert is_claimed(review, now=NOW, but_not_by=grace.pk)
        assert not is_claimed(review, now=NOW, but_not_by=ada.pk)
        assert not is_claimed(review, now=NOW + timedelta(minutes=1), by=ada.pk)
        assert not is_claimed(Review(), now=NOW, but_not_by=ada.pk)
