"""Moves the learners of a file from one course to another, each all the way or not at all: see docs/runbook.md."""

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError, CommandParser

from common import ids
from common.ops.endings import REFUSED
from enrollments import services as enrollments
from enrollments.bulk import Transferring
from enrollments.files import CsvRow
from enrollments.management.rows import RowsCommand


class Command(RowsCommand):
    """Without --apply a dry run. Each row is a transaction of its own. Who has a seat gets a seat or stays."""

    help = __doc__ or ""
    kind = Transferring.name
    columns = ()
    own_options = ("file", "from", "to", "waitlist")

    def add_own_arguments(self, parser: CommandParser) -> None:
        """The two courses, and what becomes of who only waits."""
        super().add_own_arguments(parser)
        parser.add_argument("--from", metavar="crs_…", help="the course to leave")
        parser.add_argument("--to", metavar="crs_…", help="the course to go to")
        parser.add_argument(
            "--waitlist",
            choices=["keep", "drop"],
            help="learners who only wait: keep them waiting, in the course to go to, or drop their place in line; "
            "without this they are refused",
        )

    def arguments_from(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The file and two different courses, all of which there have to be."""
        for name in ("from", "to"):
            course_id = ids.decode(ids.COURSE, options[name] or "")
            if course_id is None:
                raise CommandError(f"Say with --{name} which course: crs_….", returncode=REFUSED)
            enrollments.check_course(course_id=course_id)
        if options["from"] == options["to"]:
            raise CommandError("--from and --to are the same course.", returncode=REFUSED)
        chosen = {name: options[name] for name in ("from", "to", "waitlist")}
        return {**super().arguments_from(options), **chosen}

    def course_of(self, row: CsvRow, arguments: Mapping[str, Any]) -> str:
        """The course to leave."""
        return str(arguments["from"])
