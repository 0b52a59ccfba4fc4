"""Values that cross between every app and the edge."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who causes a change: a person's public id, or a name such as `system:sweep`; and in which request."""

    name: str
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """Which page of a list is wanted: at most `limit` rows after the row with the sort key `after`."""

    limit: int
    after: tuple[object, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """One page of a list. `next_after` is the sort key to go on after, None where there is nothing to go on to."""

    rows: Sequence[T]
    next_after: tuple[object, ...] | None
    has_more: bool


def cut(rows: Sequence[T], *, limit: int, key: Callable[[T], tuple[object, ...]]) -> Page[T]:
    """The page out of `limit + 1` rows that were asked for; the surplus one only tells that there are more."""
    has_more = len(rows) > limit
    kept = rows[:limit]
    return Page(rows=kept, next_after=key(kept[-1]) if has_more else None, has_more=has_more)


class Person(NamedTuple):
    """What staff see of a learner."""

    id: UUID
    email: str
    display_name: str
