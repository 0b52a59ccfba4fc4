"""What a use case recorded."""

from collections.abc import Iterator
from contextlib import contextmanager

from common.models import Event


@contextmanager
def recording() -> Iterator[list[Event]]:
    """A list that after the block holds the events recorded since its beginning, in the order of recording."""
    last = Event.objects.order_by("-id").values_list("id", flat=True).first() or 0
    events: list[Event] = []
    yield events
    events.extend(Event.objects.filter(id__gt=last).order_by("id"))
