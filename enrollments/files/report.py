"""The report of an import as CSV, safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Iterator

from enrollments.types import ImportedRow

REPORT_COLUMNS = ("line", "course_id", "external_id", "email", "result", "code", "detail")
# What makes a spreadsheet take a cell for a formula, or skip what stands before one.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_ROWS_AT_ONCE = 500


def report_lines(rows: Iterable[ImportedRow]) -> Iterator[str]:
    """The text of the report, in pieces. A cell that a spreadsheet would run begins with an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(REPORT_COLUMNS)
    for number, row in enumerate(rows, start=1):
        cells = [row.course_id, row.external_id, row.email, row.result or "", row.code or "", row.detail or ""]
        writer.writerow([row.line, *(_harmless(cell) for cell in cells)])
        if number % _ROWS_AT_ONCE == 0:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
