"""The base of the commands that work off a file with a learner in each row."""

import shutil
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, cast
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from common import ids
from common.accounts.people import find_people, known_people
from common.ops.commands import OpsCommand
from common.ops.endings import REFUSED
from common.ops.kinds import kinds
from common.ops.types import Item, Outcome
from enrollments import services as enrollments
from enrollments.bulk import RowKind
from enrollments.files import CsvRow, cells_of_csv

STDIN = "-"
_READ_AT_ONCE = 500


class RowsCommand(OpsCommand):
    """Subclasses name their kind of item, and say in which course a row's learner is to be looked for."""

    own_options: ClassVar[tuple[str, ...]] = ("file",)
    kind: ClassVar[str]
    # Beside the learner, who is named by email or by id.
    columns: ClassVar[tuple[str, ...]] = ("course_id",)

    def add_own_arguments(self, parser: CommandParser) -> None:
        """The file."""
        shapes = " or ".join(",".join(header) for header in self._headers())
        parser.add_argument("file", nargs="?", help=f"CSV with the header {shapes}; - is standard input")

    def arguments_from(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The file, which there has to be."""
        if not options["file"]:
            raise CommandError("Say which file; - is standard input.", returncode=REFUSED)
        return {"file": options["file"], "limit": options["limit"]}

    def course_of(self, row: CsvRow, arguments: Mapping[str, Any]) -> str:
        """The public id of the course."""
        return row.cells["course_id"].strip()

    def look(self, arguments: Mapping[str, Any], options: Mapping[str, Any]) -> Iterator[Item]:
        """The rows of the file with how their learners stand, and what is wrong with those that are not understood."""
        with _opened(arguments["file"]) as file:
            rows = islice(cells_of_csv(file, *self._headers()), arguments["limit"])
            while some := list(islice(rows, _READ_AT_ONCE)):
                yield from self._with_states(self._items(some, arguments), arguments)

    def _headers(self) -> list[tuple[str, ...]]:
        return [(*self.columns, learner) for learner in ("email", "learner_id")]

    def _items(self, rows: Sequence[CsvRow], arguments: Mapping[str, Any]) -> list[Item]:
        learners = _learners(rows)
        wanted = {text: ids.decode(ids.COURSE, text) for text in (self.course_of(row, arguments) for row in rows)}
        known = enrollments.list_places(course_ids=[each for each in wanted.values() if each is not None])
        courses = {text: course_id for text, course_id in wanted.items() if course_id in known}
        return [self._item(row, courses, learners, arguments) for row in rows]

    def _item(
        self,
        row: CsvRow,
        courses: Mapping[str, UUID | None],
        learners: Mapping[str, UUID],
        arguments: Mapping[str, Any],
    ) -> Item:
        course, learner = self.course_of(row, arguments), _learner(row)
        item = Item(kind=self.kind, line=row.line, key=learners.get(learner), course_id=courses.get(course))
        blank = [name for name, cell in row.cells.items() if not cell.strip()]
        if row.fault:
            return _refused(item, "wrong_cells", row.fault)
        if blank:
            return _refused(item, "blank_cell", f"The cell {blank[0]} is blank.")
        if item.course_id is None:
            return _refused(item, "course_not_found", f"There is no course “{course[:100]}”.")
        if item.key is None:
            return _refused(item, "learner_not_found", f"There is no account “{learner[:254]}”.")
        return item

    def _with_states(self, items: Sequence[Item], arguments: Mapping[str, Any]) -> Iterator[Item]:
        pairs = [
            (item.course_id, item.key)
            for item in items
            if item.outcome is Outcome.PLANNED and item.course_id is not None and item.key is not None
        ]
        states = cast("RowKind", kinds()[self.kind]).standings(pairs, arguments)
        for item in items:
            if item.outcome is Outcome.PLANNED and item.course_id is not None and item.key is not None:
                yield replace(item, before=states[item.course_id, item.key])
            else:
                yield item


def _refused(item: Item, code: str, detail: str) -> Item:
    return replace(item, outcome=Outcome.REFUSED, code=code, detail=detail)


def _learner(row: CsvRow) -> str:
    return next(row.cells[name].strip() for name in ("email", "learner_id") if name in row.cells)


def _learners(rows: Collection[CsvRow]) -> dict[str, UUID]:
    """The accounts of those who have one, by what the rows call them."""
    names = {_learner(row) for row in rows} - {""}
    by_id = {name: learner_id for name in names if (learner_id := ids.decode(ids.USER, name)) is not None}
    known = known_people(person_ids=by_id.values())
    by_email = find_people(emails=[name for name in names if "@" in name])
    return by_email | {name: learner_id for name, learner_id in by_id.items() if learner_id in known}


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    """The file, from its beginning. What comes from a pipe is read to its end first, so that nothing waits for it."""
    if name != STDIN:
        with Path(name).open("rb") as file:
            yield file
        return
    with tempfile.TemporaryFile() as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
        file.seek(0)
        yield cast("BinaryIO", file)
