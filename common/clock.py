"""The edge's clock. Use cases are handed `now`; times of record come from the database."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)
