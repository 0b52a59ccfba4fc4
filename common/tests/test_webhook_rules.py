from datetime import UTC, datetime

import pytest

from common.webhooks import rules

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def next_pause(attempts: int, age: float, *, wanted: float | None = None, spread: float = 1.0) -> float | None:
    return rules.pause_before_next(attempts=attempts, age=age, retry_after=wanted, spread=spread)


class TestPauseBeforeNext:
    @pytest.mark.parametrize("spread", [0.8, 1.0, 1.2])
    def test_grows_and_the_last_attempt_comes_when_a_day_is_over(self, spread: float) -> None:
        age, attempts, pauses = 0.0, 1, []
        while (pause := next_pause(attempts, age, spread=spread)) is not None:
            pauses.append(pause)
            age, attempts = age + pause, attempts + 1

        assert age == pytest.approx(rules.DAY)
        assert pauses[:-2] == sorted(pauses[:-2])
        assert pauses[0] == 5 * spread
        assert 10 <= attempts <= 13

    def test_is_as_long_as_the_endpoint_asked_for(self) -> None:
        assert next_pause(1, 0.0, wanted=600) == 600
        assert next_pause(1, 0.0, wanted=1) == 5
        assert next_pause(1, rules.DAY - 1, wanted=600) == 600

    def test_ends_after_a_day(self) -> None:
        assert next_pause(3, rules.DAY) is None
        assert next_pause(3, rules.DAY, wanted=600) is None


class TestSilenceAfter:
    def test_doubles_up_to_five_minutes(self) -> None:
        silences = [rules.silence_after(unanswered=number, spread=1.0) for number in (1, 2, 3, 8, 9, 1000)]

        assert silences == [2, 4, 8, 256, 300, 300]


class TestRetryAfter:
    @pytest.mark.parametrize(
        ("header", "seconds"),
        [
            (None, None),
            ("120", 120),
            (" 7 ", 7),
            ("0", 0),
            ("9" * 400, rules.DAY),
            ("Sat, 21 Nov 2026 12:05:00 GMT", 300),
            ("Sat, 21 Nov 2026 12:05:00 -0000", 300),
            ("Sat, 21 Nov 2026 11:00:00 GMT", 0),
            ("Sat, 21 Nov 2099 12:05:00 GMT", rules.DAY),
            ("Sat, 21 Nov 2026 12:05:00 +9999999999999", None),
            ("-5", None),
            ("1.5", None),
            ("٣", None),
            ("soon", None),
            ("", None),
        ],
    )
    def test_is_read_as_seconds_or_a_date_and_at_most_a_day(self, header: str | None, seconds: float | None) -> None:
        assert rules.retry_after(header=header, now=NOW) == seconds
