"""When to send, when to wait and when to give up. Times are in seconds."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

DAY = 24 * 60 * 60.0
# After each failure in vain; the last one again and again, until a day is over.
PAUSES = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 7200.0, 14400.0, 28800.0)
# An endpoint that gives no answer at all is left alone for this long at most, whatever waits for it.
LONGEST_SILENCE = 300.0


def pause_before_next(*, attempts: int, age: float, retry_after: float | None, spread: float) -> float | None:
    """How long to wait after the last of so many `attempts` failed, the first of them `age` ago; None to give up.

    The pauses grow, and the last attempt comes when a day is over; later only if the endpoint asked for it. `spread`,
    around 1, keeps deliveries that failed together from coming back together.
    """
    if age >= DAY:
        return None
    pause = PAUSES[min(attempts, len(PAUSES)) - 1] * spread
    return max(min(pause, DAY - age), retry_after or 0.0)


def silence_after(*, unanswered: int, spread: float) -> float:
    """How long an endpoint is left alone that gave no answer so many times in a row."""
    return min(2.0**unanswered * spread, LONGEST_SILENCE)


def retry_after(*, header: str | None, now: datetime) -> float | None:
    """How long the endpoint wants to be left alone, at most a day; None if it did not say so."""
    if header is None:
        return None
    if header.strip().isdecimal() and header.isascii():
        return min(float(header), DAY)
    try:
        wanted = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    if wanted.tzinfo is None:  # "-0000", which RFC 9110 does not allow
        wanted = wanted.replace(tzinfo=UTC)
    return min(max((wanted - now).total_seconds(), 0.0), DAY)
