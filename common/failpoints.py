"""Named places where a fault test stops a process, or does worse. In production nothing ever waits there."""

from collections.abc import Callable

_handlers: dict[str, Callable[[], None]] = {}


def failpoint(name: str) -> None:
    """Whatever a fault test has put here has happened: nothing, unless one did."""
    if _handlers and (handler := _handlers.get(name)):
        handler()


def put(name: str, handler: Callable[[], None]) -> None:
    """From now on `handler` runs whenever this process passes the failpoint."""
    _handlers[name] = handler


def clear() -> None:
    """No failpoint does anything any more."""
    _handlers.clear()
