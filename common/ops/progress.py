"""How far a command has come: a bar on a terminal, elsewhere a line now and then. Always on standard error."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

_SECONDS_BETWEEN_LINES = 10


class Meter:
    """Is told what is done with, and what is new."""

    def __init__(self, console: Console, bar: Progress | None) -> None:
        self._console = console
        self._bar = bar
        self._task = bar.add_task("starting", total=0) if bar else None
        self._done = self._total = 0
        self._spoke_at = time.monotonic()

    def tell(self, stage: str, done: int, new: int) -> None:
        """At this stage so many more items are done with, and so many new ones are there."""
        self._done += done
        self._total += new
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=stage, completed=self._done, total=self._total)
        elif time.monotonic() - self._spoke_at >= _SECONDS_BETWEEN_LINES:
            self._spoke_at = time.monotonic()
            self._console.print(f"{stage}: {self._done:,} of {self._total:,} done")


@contextmanager
def shown(console: Console) -> Iterator[Meter]:
    """A meter that is visible inside the block."""
    if not console.is_terminal:
        yield Meter(console, None)
        return
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as bar:
        yield Meter(console, bar)
