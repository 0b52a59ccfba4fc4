"""The identity of the request that this thread answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The identity of the request at hand. `trace_id` is the caller's, or empty."""

    request_id: str = ""
    trace_id: str = ""


_context: ContextVar[RequestContext] = ContextVar("request")
_NONE = RequestContext()


def current_request() -> RequestContext:
    """The identity of the request that this thread answers, empty outside of one."""
    return _context.get(_NONE)


@contextmanager
def entered(context: RequestContext) -> Iterator[None]:
    """`context` is the current request inside the block."""
    token = _context.set(context)
    try:
        yield
    finally:
        _context.reset(token)
