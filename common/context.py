"""The request that this thread answers, or that caused the job which it runs: its identity, and what it has cost."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}\Z")


@dataclass(slots=True)
class RequestContext:
    """The identity of the request at hand, and its share of the database so far.

    `traceparent` is of the span in which it is answered, or what the caller sent, or empty (W3C Trace Context).
    """

    request_id: str = ""
    traceparent: str = ""
    queries: int = 0
    database_seconds: float = 0.0

    @property
    def trace_id(self) -> str:
        """The trace that it belongs to, or empty."""
        return self.traceparent[3:35]


_context: ContextVar[RequestContext | None] = ContextVar("request", default=None)


def is_request_id(text: str) -> bool:
    """Whether a request can go by it."""
    return _REQUEST_ID.match(text) is not None


def at_hand() -> RequestContext | None:
    """The request or job that this thread is at, None outside of one."""
    return _context.get()


def current_request() -> RequestContext:
    """The identity of the request that this thread answers, empty outside of one."""
    return _context.get() or RequestContext()


@contextmanager
def entered(context: RequestContext) -> Iterator[None]:
    """`context` is the current request inside the block."""
    token = _context.set(context)
    try:
        yield
    finally:
        _context.reset(token)


def count_query(seconds: float) -> None:
    """A statement took so long, for whatever is at hand."""
    context = _context.get()
    if context is not None:
        context.queries += 1
        context.database_seconds += seconds


def count_wait(seconds: float) -> None:
    """A commit, or the answers to statements sent together, took so long, for whatever is at hand."""
    context = _context.get()
    if context is not None:
        context.database_seconds += seconds
