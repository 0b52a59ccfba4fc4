"""A partner's file, imported by an operator: the very code that does what partners send."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, TextIO, cast

from django.core.management.base import BaseCommand, CommandError
from django.db import Error
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TimeRemainingColumn

from common import clock, ids
from common.errors import DomainError, InvalidInput
from common.ops import endings
from common.types import Actor
from enrollments import services as enrollments
from enrollments.files import rows_of_csv

_SHOWN_ROWS = 20
_SECONDS_BETWEEN_STROKES = 0.5


class Command(BaseCommand):
    """Imports a CSV with the columns course_id,external_id,email,name for a partner, and says what came of it.

    Exit status: 0 when each row has its answer, 1 when some have failed, 2 when the file was refused, 130 when stopped.
    """

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which file, and whose."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--partner", required=True, help="ptn_…")

    def handle(self, *args: Any, file: Path, partner: str, **options: Any) -> None:
        """Take the file in, do its rows under a progress bar, and report."""
        try:
            with endings.in_a_line():
                taken = self._take(file, partner)
        except (DomainError, InvalidInput, OSError) as refusal:
            raise CommandError(str(refusal), returncode=2) from refusal
        try:
            done = self._run(taken)
        except (KeyboardInterrupt, Error) as end:
            self.stderr.write("Stopped. What was done stays; a worker goes on with the rest within a minute.")
            if isinstance(end, KeyboardInterrupt):
                sys.exit(130)
            raise CommandError(f"The database did not do its part: {end}", returncode=1) from end
        with endings.in_a_line(), endings.while_it_is_read(self.stdout):
            self._report(done)
        if done.counts.failed:
            raise CommandError(f"{done.counts.failed} rows have failed, and can be tried again.", returncode=1)

    def _take(self, file: Path, partner: str) -> enrollments.Import:
        partner_id = ids.decode(ids.PARTNER, partner)
        if partner_id is None:
            raise enrollments.PartnerNotFound
        with file.open("rb") as opened:
            return enrollments.take_import(
                partner_id=partner_id,
                rows=rows_of_csv(opened),
                file_name=file.name,
                actor=Actor(name="system:import_enrollments"),
                now=clock.now(),
            )

    def _run(self, taken: enrollments.Import) -> enrollments.Import:
        columns = (BarColumn(), TaskProgressColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(file=cast("TextIO", self.stderr))) as progress:
            bar = progress.add_task("", total=taken.rows_total)
            more = True
            while more:
                more = enrollments.run_import(import_id=taken.id, seconds=_SECONDS_BETWEEN_STROKES, now=clock.now())
                seen = enrollments.get_import(partner_id=taken.partner_id, import_id=taken.id)
                progress.update(bar, completed=seen.rows_processed)
        return seen

    def _report(self, done: enrollments.Import) -> None:
        self.stdout.write(f"{ids.encode(ids.IMPORT, done.id)} is {done.status}: {done.rows_processed} rows")
        for result in enrollments.RowResult:
            self.stdout.write(f"  {result.value:<10} {getattr(done.counts, result.value):>7}")
        wrong = (enrollments.RowResult.REJECTED, enrollments.RowResult.FAILED)
        rows = enrollments.report_import(partner_id=done.partner_id, import_id=done.id)
        shown = 0
        for row in rows:
            if row.result in wrong:
                if shown == _SHOWN_ROWS:
                    self.stdout.write(f"… the others are in the report of {ids.encode(ids.IMPORT, done.id)}.")
                    return
                self.stdout.write(f"line {row.line}: {row.code}: {row.detail}")
                shown += 1
