"""Failpoints: nothing in production, and in a fault test whatever was put there."""

from collections.abc import Iterator

import pytest

from common import failpoints
from common.failpoints import failpoint


@pytest.fixture(autouse=True)
def _none_left() -> Iterator[None]:
    yield
    failpoints.clear()


class TestAFailpoint:
    def test_does_nothing_where_nothing_was_put(self) -> None:
        reached: list[str] = []
        failpoints.put("elsewhere", lambda: reached.append("elsewhere"))

        failpoint("here")

        assert reached == []

    def test_does_each_time_what_was_put_there(self) -> None:
        reached: list[str] = []
        failpoints.put("here", lambda: reached.append("here"))

        failpoint("here")
        failpoint("here")

        assert reached == ["here", "here"]

    def test_is_quiet_again_afterwards(self) -> None:
        reached: list[str] = []
        failpoints.put("here", lambda: reached.append("here"))
        failpoints.clear()

        failpoint("here")

        assert reached == []


def test_nothing_is_put_anywhere_in_the_service_itself() -> None:
    assert failpoints._handlers == {}
