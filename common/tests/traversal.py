"""Walking a list page by page while the world goes on."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from common.types import Page, PageRequest

T = TypeVar("T")

MOST_PAGES = 200


def pages(read: Callable[[PageRequest], Page[T]], *, limit: int) -> Iterator[Sequence[T]]:
    """The pages of a list to its end. What is done between two of them happens between two requests."""
    after: tuple[object, ...] | None = None
    for _ in range(MOST_PAGES):
        page = read(PageRequest(limit=limit, after=after))
        assert len(page.rows) <= limit
        assert page.has_more == (page.next_after is not None)
        yield page.rows
        if not page.has_more:
            return
        assert len(page.rows) == limit
        after = page.next_after
    raise AssertionError("It has no end.")


def everything(read: Callable[[PageRequest], Page[T]], *, limit: int = 100) -> list[T]:
    """All rows of a list at rest."""
    return [row for rows in pages(read, limit=limit) for row in rows]
