"""Being asked to stop, by Ctrl-C or SIGTERM, while something is at hand that should come to its end."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Whether somebody has asked for an end."""

    def __init__(self) -> None:
        self._is_asked = False

    def ask(self) -> None:
        """From now on somebody has."""
        self._is_asked = True

    def is_asked(self) -> bool:
        """Whether the end at hand is to be the last."""
        return self._is_asked


@contextmanager
def listening(say: Callable[[str], None]) -> Iterator[Stop]:
    """Inside the block the first signal only asks; a second one ends at once, and what is at hand is undone."""
    stop = Stop()

    def ask(_number: int, _frame: FrameType | None) -> None:
        if stop.is_asked():
            raise KeyboardInterrupt
        stop.ask()
        say("Finishing what is at hand; once more to drop it …")

    with _handled_by(ask):
        yield stop


@contextmanager
def interruptible() -> Iterator[None]:
    """Inside the block a SIGTERM is a KeyboardInterrupt, as Ctrl-C is."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _handled_by(interrupt):
        yield


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    # Only the main thread may say what a signal does.
    numbers = _SIGNALS if threading.current_thread() is threading.main_thread() else ()
    before: dict[int, Any] = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
