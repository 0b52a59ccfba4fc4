import pytest

from common import outgoing


def next_pause(attempts: int, age: float, *, wanted: float | None = None, spread: float = 1.0) -> float | None:
    return outgoing.pause_before_next(attempts=attempts, age=age, asked_for=wanted, spread=spread)


class TestPauseBeforeNext:
    @pytest.mark.parametrize("spread", [0.8, 1.0, 1.2])
    def test_grows_and_the_last_attempt_comes_when_a_day_is_over(self, spread: float) -> None:
        age, attempts, pauses = 0.0, 1, []
        while (pause := next_pause(attempts, age, spread=spread)) is not None:
            pauses.append(pause)
            age, attempts = age + pause, attempts + 1

        assert age == pytest.approx(outgoing.DAY)
        assert pauses[:-2] == sorted(pauses[:-2])
        assert pauses[0] == 5 * spread
        assert 10 <= attempts <= 13

    def test_is_as_long_as_the_endpoint_asked_for(self) -> None:
        assert next_pause(1, 0.0, wanted=600) == 600
        assert next_pause(1, 0.0, wanted=1) == 5
        assert next_pause(1, outgoing.DAY - 1, wanted=600) == 600

    def test_ends_after_a_day(self) -> None:
        assert next_pause(3, outgoing.DAY) is None
        assert next_pause(3, outgoing.DAY, wanted=600) is None
