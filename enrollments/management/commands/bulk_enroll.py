"""Enrolls the learners of a file, by the rules that hold for everybody: see docs/runbook.md."""

from enrollments.bulk import Enrolling
from enrollments.management.rows import RowsCommand


class Command(RowsCommand):
    """Without --apply a dry run. Each row is a transaction of its own."""

    help = __doc__ or ""
    kind = Enrolling.name
