"""What a command says on standard output: for people a table, for programs JSON or CSV. docs/runbook.md has the shapes.

Items are written one by one, so that a report may be longer than the memory.
"""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import IO, Any

from common import ids
from common.ops import kinds
from common.ops.types import Item, Outcome, State

FORMAT = "lectern-report/1"
FORMATS = ("table", "json", "csv")

COLUMNS = ("check", "subject", "course_id", "line", "outcome", "code", "detail", "before", "after")
_SHOWN = ("check", "subject", "outcome", "what")
# A table is as wide as its first lines need, since it cannot wait for the last one.
_MEASURED = 200
_WIDEST = 44
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything but the items. `next` are the commands that may follow, by what they are for."""

    command: str
    mode: str
    run: str | None
    arguments: Mapping[str, Any]
    status: str
    counts: Mapping[str, int]
    checks: Sequence[Mapping[str, Any]]
    exit_code: int
    next: Mapping[str, str]


def write(format: str, file: IO[str], report: Report, items: Iterable[Item]) -> None:
    """The report is in the file."""
    _WRITERS[format](file, report, items)


def plain(item: Item) -> dict[str, Any]:
    """An item with public ids, as programs read it."""
    kind = kinds.kinds().get(item.kind)
    return {
        "check": item.kind,
        "subject": None if item.key is None or kind is None else ids.encode(kind.prefix, item.key),
        "course_id": None if item.course_id is None else ids.encode(ids.COURSE, item.course_id),
        "line": item.line,
        "outcome": item.outcome.value,
        "code": item.code,
        "detail": item.detail,
        "before": item.before,
        "after": item.after,
    }


def sentence(item: Item) -> str:
    """What of the state changes, or why nothing does, for people."""
    if item.detail and item.outcome is not Outcome.DONE:
        return item.detail
    return difference(item.before, item.after) or item.detail


def difference(before: State, after: State) -> str:
    """`seats_taken 5 → 3, waiting 0 → 1`."""
    changed = [name for name in after if before.get(name) != after[name]]
    changed.sort(key=lambda name: name != "status")
    return ", ".join(
        f"{name} {_said(before[name])} → {_said(after[name])}" if name in before else f"{name} {_said(after[name])}"
        for name in changed
    )


def _said(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, dict):
        return difference({}, value)
    if isinstance(value, str) and _TIME.match(value):
        return value[:19].replace("T", " ")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _write_json(file: IO[str], report: Report, items: Iterable[Item]) -> None:
    envelope = {
        "format": FORMAT,
        "command": report.command,
        "mode": report.mode,
        "run": report.run,
        "arguments": report.arguments,
        "status": report.status,
        "counts": report.counts,
        "checks": report.checks,
        "exit_code": report.exit_code,
        "next": report.next,
    }
    head = json.dumps(envelope, ensure_ascii=False, indent=2).removesuffix("\n}")
    file.write(head + ',\n  "items": [')
    separator = "\n    "
    for item in items:
        file.write(separator + json.dumps(plain(item), ensure_ascii=False))
        separator = ",\n    "
    file.write("\n  ]\n}\n" if separator.startswith(",") else "]\n}\n")


def _write_csv(file: IO[str], _report: Report, items: Iterable[Item]) -> None:
    rows = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    rows.writeheader()
    for item in items:
        row = plain(item)
        states = {name: json.dumps(row[name], ensure_ascii=False) for name in ("before", "after")}
        rows.writerow({name: _harmless(value) for name, value in {**row, **states}.items()})


def _harmless(value: Any) -> Any:
    """A cell that a spreadsheet takes for text, whatever it begins with."""
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"} else value


def _write_table(file: IO[str], report: Report, items: Iterable[Item]) -> None:
    lines = _lines(report, items)
    first = list(islice(lines, _MEASURED))
    if not first:
        return
    widths = [max(len(line[column]) for line in [_SHOWN, *first]) for column in range(len(_SHOWN) - 1)]
    for line in chain([_SHOWN], first, lines):
        cells = [cell.ljust(min(width, _WIDEST)) for cell, width in zip(line, widths, strict=False)]
        file.write("  ".join([*cells, line[-1]]).rstrip() + "\n")


def _lines(report: Report, items: Iterable[Item]) -> Iterator[tuple[str, ...]]:
    """People see what is planned, and of what was to be done that which was not; all of it is in JSON and CSV."""
    for item in items:
        if report.mode == "dry_run" or item.outcome is not Outcome.DONE:
            said = plain(item)
            subject = said["subject"] or (f"line {item.line}" if item.line else "—")
            if said["subject"] and item.line:
                subject = f"line {item.line}: {subject}"
            yield item.kind, subject, item.outcome.value, _one_line(sentence(item))


def _one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


_WRITERS: dict[str, Callable[[IO[str], Report, Iterable[Item]], None]] = {
    "table": _write_table,
    "json": _write_json,
    "csv": _write_csv,
}
