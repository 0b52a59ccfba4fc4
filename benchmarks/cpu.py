"""Processor time of whole process trees, from /proc."""

import os
from collections.abc import Iterator
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def seconds_used(parent: int) -> float:
    """User and system time of a process and its children so far, of those that have ended as well."""
    used = sum(_times(parent, ended_children=True))
    for child in _children(parent):
        used += sum(_times(child, ended_children=True))
    return used / _TICKS


def parent_of(pid: int) -> int | None:
    """The parent of a process, None if there is no such process here."""
    fields = _stat(pid)
    return int(fields[1]) if fields else None


def name_of(pid: int) -> str:
    """The name of a process's program, empty if there is no such process here."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _children(parent: int) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and parent_of(int(entry.name)) == parent:
            yield int(entry.name)


def _times(pid: int, *, ended_children: bool) -> list[int]:
    fields = _stat(pid)
    return [int(field) for field in fields[11 : 15 if ended_children else 13]]


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat from the third one on: the second, a name, may hold blanks and parentheses."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
