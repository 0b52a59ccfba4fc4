"""How long an endpoint is left alone. Times are in seconds."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from common.outgoing import DAY

# An endpoint that gives no answer at all is left alone for this long at most, whatever waits for it.
LONGEST_SILENCE = 300.0


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
