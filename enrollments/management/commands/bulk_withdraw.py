"""Withdraws the learners of a file; freed seats go to the heads of the lines: see docs/runbook.md."""

from enrollments.bulk import Withdrawing
from enrollments.management.rows import RowsCommand


class Command(RowsCommand):
    """Without --apply a dry run. Each row is a transaction of its own."""

    help = __doc__ or ""
    kind = Withdrawing.name
