"""Tells what came of one request, from the id that its client has: see docs/observability.md."""

import json
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.table import Table

from common import explaining
from common.explaining import Explanation, Told
from common.ops import endings

NOT_FOUND = 1
_WIDE = 200


class Command(BaseCommand):
    """Reads the database, and the log where it is handed over. Changes nothing."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("request_id", help="the X-Request-ID of its answer")
        parser.add_argument("--format", choices=["table", "json"], default="table", help="for people or for programs")
        parser.add_argument(
            "--log",
            action="append",
            default=[],
            metavar="FILE",
            help="what the service has written, for the request's own lines; - for standard input; may be repeated",
        )

    def handle(self, *args: Any, request_id: str, format: str, log: list[str], **options: Any) -> None:
        with endings.in_a_line(), ExitStack() as files:
            lines = (line for name in log for line in files.enter_context(_opened(name)))
            explanation = explaining.explain(request_id, log=lines)
        with endings.while_it_is_read(self.stdout):
            if format == "json":
                self.stdout.write(json.dumps(explaining.plain(explanation), default=str, ensure_ascii=False, indent=2))
            elif not explanation.is_empty:
                _show(explanation, self.stdout)
        if explanation.is_empty:
            raise CommandError(f"Nothing is known of a request {request_id!r}.", returncode=NOT_FOUND)


def _opened(name: str) -> IO[str]:
    if name == "-":
        return sys.stdin
    try:
        return Path(name).open(encoding="utf-8", errors="replace")
    except OSError as fault:
        raise CommandError(f"{name} cannot be read: {fault.strerror}.", returncode=2) from fault


def _show(explanation: Explanation, stdout: Any) -> None:
    # Where it is not shown but kept or searched, an id must not be broken over lines.
    console = Console(file=stdout._out, highlight=False, markup=False, width=None if stdout.isatty() else _WIDE)
    # On its own the console ends the process, with another code, when nobody reads.
    with console.capture() as captured:
        _print(explanation, console)
    stdout.write(captured.get())


def _print(explanation: Explanation, console: Console) -> None:
    console.print(f"Request {explanation.request_id}", style="bold")
    for trace in explanation.traces:
        console.print(f"Trace   {trace}")
    for label, address in (("Log", explanation.logs_url), ("Traces", explanation.traces_url)):
        if address:
            console.print(f"{label:7} {address}", soft_wrap=True)
    _table(console, "Log", ["time", "what", "which", "became", "ms"], map(_line, explanation.lines))
    _table(
        console,
        "Events",
        ["time", "type", "subject", "actor"],
        ([f"{event.time:%Y-%m-%d %H:%M:%S}", event.type, event.subject, event.actor] for event in explanation.events),
    )
    _table(
        console,
        "Jobs",
        ["id", "job", "status", "attempts", "last fault"],
        ([str(job.id), job.name, job.status, str(job.attempts), job.last_fault] for job in explanation.jobs),
    )
    _table(console, "Mails", ["event", "to", "status", "attempts"], map(_told, explanation.mails))
    _table(console, "Webhooks", ["event", "to", "status", "attempts"], map(_told, explanation.deliveries))


def _table(console: Console, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    if table.row_count:
        console.print(table)


def _line(line: dict[str, Any]) -> list[str]:
    event = str(line.get("event", ""))
    which = line.get("use_case") or line.get("job") or f"{line.get('method', '')} {line.get('route', '')}".strip()
    became = line.get("code") or line.get("status") or line.get("level", "")
    return [
        str(line.get("timestamp", ""))[:19].replace("T", " "),
        event,
        str(which),
        str(became),
        str(line.get("ms", "")),
    ]


def _told(told: Told) -> list[str]:
    return [told.event, told.to, told.status, str(told.attempts)]
