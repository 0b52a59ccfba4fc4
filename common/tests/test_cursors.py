from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.core import signing
from hypothesis import given
from hypothesis import strategies as st

from common import cursors
from common.errors import InvalidCursor

BINDING = ("/api/v1/courses", "", ("sort", "title"))
ROW = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
KEY = ("Knots", ROW)
WEEK = timedelta(days=7)


def made() -> str:
    return cursors.make(key=KEY, binding=BINDING)


def read(cursor: str, *, binding: tuple[object, ...] = BINDING, max_age: timedelta | None = WEEK) -> tuple[object, ...]:
    return cursors.read(cursor=cursor, binding=binding, max_age=max_age)


class TestMakeAndRead:
    @pytest.mark.parametrize(
        "key",
        [
            (),
            (7,),
            (None, "u", "d", "t"),
            ("“Ünïcode” 🎉\0", ROW),
            (datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC), ROW),
            (Decimal("4.50"), ROW),
            (2**63 - 1,),
        ],
    )
    def test_give_back_the_key_as_it_was(self, key: tuple[object, ...]) -> None:
        again = read(cursors.make(key=key, binding=BINDING))
        assert again == key
        assert [type(part) for part in again] == [type(part) for part in key]

    @given(title=st.text(max_size=200), stars=st.decimals(0, 5, places=2), row=st.uuids(), at=st.datetimes())
    def test_give_back_any_key(self, title: str, stars: Decimal, row: UUID, at: datetime) -> None:
        assert read(cursors.make(key=(title, stars, row, at), binding=BINDING)) == (title, stars, row, at)

    def test_fit_into_a_url_whatever_the_title(self) -> None:
        assert len(cursors.make(key=("🎉" * 200, ROW), binding=BINDING)) < 2000


class TestRead:
    @pytest.mark.parametrize(
        "binding",
        [
            ("/api/v1/enrollments", "", ("sort", "title")),
            ("/api/v1/courses", "usr_1", ("sort", "title")),
            ("/api/v1/courses", "", ("sort", "newest")),
            ("/api/v1/courses", "", ("search", "x"), ("sort", "title")),
            ("/api/v1/courses", ""),
            (),
        ],
    )
    def test_refuses_a_cursor_of_another_list(self, binding: tuple[object, ...]) -> None:
        with pytest.raises(InvalidCursor):
            read(made(), binding=binding)

    def test_refuses_one_that_is_too_old_unless_it_never_grows_old(self, monkeypatch: pytest.MonkeyPatch) -> None:
        now = signing.time.time()
        with monkeypatch.context() as earlier:
            earlier.setattr(signing.time, "time", lambda: now - WEEK.total_seconds() - 2)
            old = made()
        with monkeypatch.context() as earlier:
            earlier.setattr(signing.time, "time", lambda: now - WEEK.total_seconds() + 60)
            just_in_time = made()
        assert read(just_in_time) == KEY
        assert read(old, max_age=None) == KEY
        with pytest.raises(InvalidCursor):
            read(old)

    def test_refuses_one_in_which_any_letter_was_changed(self) -> None:
        cursor = made()
        for index, letter in enumerate(cursor):
            damaged = cursor[:index] + ("A" if letter != "A" else "B") + cursor[index + 1 :]
            with pytest.raises(InvalidCursor):
                read(damaged)
            with pytest.raises(InvalidCursor):
                read(cursor[:index])

    def test_refuses_one_that_was_signed_for_something_else(self) -> None:
        content = [[7], [str(part) for part in BINDING]]
        with pytest.raises(InvalidCursor):
            read(signing.TimestampSigner(salt="another").sign_object(content))

    @given(text=st.text(max_size=50))
    def test_refuses_any_text(self, text: str) -> None:
        with pytest.raises(InvalidCursor):
            read(text)
