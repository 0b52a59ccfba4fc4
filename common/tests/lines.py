"""What the service logs, as tests see it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog


@contextmanager
def told(*events: str) -> Iterator[list[dict[str, Any]]]:
    """The lines of these kinds that are logged in the block, filled in at its end."""
    found: list[dict[str, Any]] = []
    with structlog.testing.capture_logs() as lines:
        yield found
    found.extend(line for line in lines if line["event"] in events)
