"""How commands end that cannot come to their end: with a line that says why, and not with a traceback."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError, OutputWrapper
from django.db import Error

# Of docs/runbook.md.
CLEAN, SOME_FAILED, REFUSED, FINDINGS, INTERRUPTED = 0, 1, 2, 3, 130


@contextmanager
def in_a_line() -> Iterator[None]:
    """A database that is away, and Ctrl-C, end the command with a line, and with its code.

    Raises:
        CommandError: one of them has come.
    """
    try:
        yield
    except Error as fault:
        raise CommandError(f"The database did not do its part: {fault}", returncode=SOME_FAILED) from fault
    except KeyboardInterrupt:
        raise CommandError("Interrupted.", returncode=INTERRUPTED) from None


@contextmanager
def while_it_is_read(stdout: OutputWrapper) -> Iterator[None]:
    """Whoever reads standard output may go before its end, having seen enough."""
    try:
        yield
        stdout.flush()
    except BrokenPipeError:
        write_no_more()


def write_no_more() -> None:
    """What could not be written is dropped. Python would try once more at its end, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
