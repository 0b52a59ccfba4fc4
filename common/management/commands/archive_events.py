"""Moves old months of the event log out into files, or the last one back in: see docs/runbook.md."""

import json
import re
import sys
from argparse import ArgumentTypeError
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error
from rich.console import Console
from rich.table import Table

from common.events import archives, archiving
from common.events.archiving import Plan
from common.events.months import Month
from common.ops import endings, holding, stopping
from common.ops.commands import whoever_this_is
from common.ops.endings import CLEAN, FINDINGS, INTERRUPTED, REFUSED, SOME_FAILED

# Where nobody looks at once, lines are not folded.
_WIDE = 400
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Line:
    """What there is to say of a month."""

    plan: Plan
    outcome: str
    detail: str
    digest: str = ""

    @property
    def fields(self) -> dict[str, Any]:
        """For programs and people alike."""
        return {
            "month": str(self.plan.month),
            "events": self.plan.events,
            "first_time": _moment(self.plan.first_time),
            "last_time": _moment(self.plan.last_time),
            "outcome": self.outcome,
            "detail": self.detail,
            "digest": self.digest,
        }


class Command(BaseCommand):
    """Without --apply a dry run. A month goes only when its file has been read again and is what the table is."""

    help = __doc__ or ""

    def create_parser(self, prog_name: str, subcommand: str, **options: Any) -> CommandParser:
        """Only whole options, as with all commands for operators."""
        return super().create_parser(prog_name, subcommand, allow_abbrev=False, **options)

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--before", type=_month, metavar="YYYY-MM", help="move out the months before this one")
        what.add_argument("--restore", type=Path, metavar="FILE", help="put the last month that was moved out back in")
        parser.add_argument("--out", type=Path, metavar="DIR", help="the folder for the files")
        parser.add_argument("--apply", action="store_true", help="do it")
        parser.add_argument("--yes", action="store_true", help="do not ask before doing it")
        parser.add_argument("--operator", default=whoever_this_is(), help="in whose name (the user of the system)")
        parser.add_argument("--format", choices=("table", "json"), default="table", help="of standard output (table)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and leave with the code that says how it went, as docs/runbook.md has them."""
        if options["before"] and options["apply"] and not (options["out"] and options["out"].is_dir()):
            raise CommandError("Say which folder the files go to: --out DIR.", returncode=REFUSED)
        try:
            with stopping.interruptible(), holding.alone("archive_events"):
                code = self._restore(options) if options["restore"] else self._archive(options)
        except holding.HeldByAnother:
            raise CommandError("Somebody runs archive_events at the moment.", returncode=REFUSED) from None
        except KeyboardInterrupt:
            self.stderr.write("Interrupted. Each month is either in the log or in its file.")
            code = INTERRUPTED
        except (archives.ArchiveFault, OSError) as refusal:
            raise CommandError(str(refusal), returncode=SOME_FAILED) from refusal
        except Error as fault:
            raise CommandError(f"The database did not do its part: {fault}", returncode=SOME_FAILED) from fault
        if code:
            sys.exit(code)

    def _archive(self, options: Mapping[str, Any]) -> int:
        plans = archiving.plan(before=options["before"])
        movable = [plan for plan in plans if not plan.refusal]
        if options["apply"] and movable:
            self._confirm(options, f"This moves {len(movable)} months out of the event log.")
        lines = [self._moved(plan, options) for plan in plans]
        self._report(lines, options["format"])
        if len(movable) < len(plans):
            return SOME_FAILED
        if movable and not options["apply"]:
            self.stderr.write("Dry run, nothing was changed.")
            return FINDINGS
        return CLEAN

    def _moved(self, plan: Plan, options: Mapping[str, Any]) -> Line:
        if plan.refusal:
            return Line(plan, "refused", plan.refusal)
        if not options["apply"]:
            return Line(plan, "planned", plan.file)
        self.stderr.write(f"Moving out {plan.month}: {plan.events:,} events …")
        seal = archiving.archive(plan=plan, folder=options["out"], operator=options["operator"])
        return Line(plan, "done", str(options["out"] / plan.file), seal.digest)

    def _restore(self, options: Mapping[str, Any]) -> int:
        if not options["apply"]:
            raise CommandError("To put the month back in, say --apply.", returncode=REFUSED)
        self._confirm(options, "This puts a month back into the event log.")
        month = archiving.restore(path=options["restore"])
        self.stderr.write(f"{month} is in the log again.")
        return CLEAN

    def _confirm(self, options: Mapping[str, Any], what: str) -> None:
        if options["yes"]:
            return
        if not sys.stdin.isatty():
            raise CommandError(f"{what} There is no terminal to ask at: say --yes.", returncode=REFUSED)
        self.stderr.write(f"{what} Type yes to go on: ", ending="")
        if sys.stdin.readline().strip().lower() != "yes":
            raise CommandError("Nothing was done.", returncode=REFUSED)

    def _report(self, lines: list[Line], format: str) -> None:
        if format == "json":
            with endings.while_it_is_read(self.stdout):
                self.stdout.write(json.dumps([line.fields for line in lines], indent=2))
            return
        if not lines:
            self.stderr.write("There is nothing of that time in the log.")
            return
        table = Table(box=None)
        for name in lines[0].fields:
            table.add_column(name, overflow="fold")  # half a digest would be none
        for line in lines:
            table.add_row(*map(str, line.fields.values()))
        out = cast("IO[str]", self.stdout._out)
        width = None if out.isatty() else _WIDE
        console = Console(file=out, width=width, highlight=False, no_color=True)
        # On its own the console ends the process, with another code, when nobody reads.
        with console.capture() as captured:
            console.print(table)
        with endings.while_it_is_read(self.stdout):
            self.stdout.write(captured.get())


def _month(text: str) -> Month:
    if found := _MONTH.fullmatch(text):
        return Month(int(found[1]) * 100 + int(found[2]))
    raise ArgumentTypeError("a month is written as 2026-01")


def _moment(time: Any) -> str:
    return "" if time is None else time.isoformat(timespec="seconds")
