from datetime import UTC, datetime

import pytest

from common.outgoing import DAY
from common.webhooks import rules

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


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
            ("9" * 400, DAY),
            ("Sat, 21 Nov 2026 12:05:00 GMT", 300),
            ("Sat, 21 Nov 2026 12:05:00 -0000", 300),
            ("Sat, 21 Nov 2026 11:00:00 GMT", 0),
            ("Sat, 21 Nov 2099 12:05:00 GMT", DAY),
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
