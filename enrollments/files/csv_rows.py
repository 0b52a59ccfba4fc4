"""Rows out of a CSV file, one by one, whatever program wrote it."""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from common.errors import InvalidInput
from enrollments.types import SentRow

COLUMNS = ("course_id", "external_id", "email", "name")
# More than rows, since a cell may have several and some are blank; but a file of nothing else must come to an end.
_MOST_LINES = 1_000_000
_DELIMITERS = (",", ";", "\t")
_OTHER_ENCODINGS = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16", codecs.BOM_UTF32_BE: "UTF-32"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvRow:
    """A row by the line on which it begins: its cells by the names of their columns, and what is wrong with its form.

    In one that `is_blank` nothing stands.
    """

    line: int
    cells: dict[str, str]
    fault: str
    is_blank: bool


def rows_of_csv(file: BinaryIO) -> Iterator[SentRow]:
    """The rows of a partner's file after its header, in their order, without those in which nothing stands.

    Raises:
        InvalidInput: the file as a whole cannot be understood; the reason names the line.
    """
    for row in cells_of_csv(file, COLUMNS):
        if not row.is_blank:
            yield SentRow(line=row.line, fault=row.fault, **row.cells)


def cells_of_csv(file: BinaryIO, *headers: Sequence[str]) -> Iterator[CsvRow]:
    """The rows of a file after its header, which is one of these, in their order, without empty lines.

    A byte order mark, any line ends, quoted line breaks, blanks and case in the header, its order, and semicolons or
    tabs for commas are taken as they come. A row with too few or too many cells is handed on as such.

    Raises:
        InvalidInput: the file as a whole cannot be understood; the reason names the line.
    """
    _check_encoding(file)
    lines = _Lines(file, headers[0])
    header_line, header = lines.first()
    delimiter, columns = max(
        ((mark, columns) for columns in headers for mark in _DELIMITERS),
        key=lambda each: len(set(each[1]) & set(_names(header, each[0]))),
    )
    order = _order(_names(header, delimiter), columns, header_line)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    before = lines.number
    try:
        for cells in reader:
            if cells:
                yield _row(before + 1, cells, columns, order)
            before = lines.number
    except csv.Error as fault:
        raise _unreadable(before + 1, _in_words(fault)) from fault


class _Lines:
    """The lines of a text, decoded and counted."""

    def __init__(self, file: BinaryIO, columns: Sequence[str]) -> None:
        self.number = 0
        self._columns = columns
        self._file = file
        self._text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            line = next(self._text)
        except StopIteration:
            # Whoever opened the file closes it.
            self._text.detach()
            raise
        except UnicodeDecodeError as fault:
            raise _unreadable(_line_of_fault(self._file), "This is not UTF-8. Save the file as UTF-8.") from fault
        self.number += 1
        if self.number > _MOST_LINES:
            raise _unreadable(self.number, f"A file may have at most {_MOST_LINES:,} lines.")
        if "\0" in line:
            raise _unreadable(self.number, "There is a NUL character. Save the file as UTF-8 text.")
        return line

    def first(self) -> tuple[int, str]:
        """The first line that is not blank, and its number.

        Raises:
            InvalidInput: there is none.
        """
        for line in self:
            if line.strip():
                return self.number, line
        raise _unreadable(1, f"The file is empty. Its first line must be: {','.join(self._columns)}")


def _check_encoding(file: BinaryIO) -> None:
    start = file.read(4)
    file.seek(0)
    for mark, name in _OTHER_ENCODINGS.items():
        if start.startswith(mark):
            raise _unreadable(1, f"This is {name}. Save the file as UTF-8.")


def _names(header: str, delimiter: str) -> list[str]:
    try:
        cells = next(csv.reader([header], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []
    return [re.sub(r"\s+", "_", cell.strip().lower()) for cell in cells]


def _order(names: list[str], columns: Sequence[str], line: int) -> list[int]:
    """In which cell each of the columns stands."""
    # Spreadsheets write empty columns beyond the last; a cell without a name in between is no mistake to guess at.
    while names and not names[-1]:
        names.pop()
    faults = [
        *(f"There is no column {name}." for name in columns if name not in names),
        *(f"The column {name} is there twice." for name in dict.fromkeys(names) if names.count(name) > 1),
        *(f"The column “{name}” is unknown." for name in dict.fromkeys(names) if name not in columns),
    ]
    if faults:
        raise _unreadable(line, f"{' '.join(faults)} The header must be: {','.join(columns)}")
    return [names.index(name) for name in columns]


def _row(line: int, cells: list[str], columns: Sequence[str], order: list[int]) -> CsvRow:
    is_blank = not any(cell and not cell.isspace() for cell in cells)
    while len(cells) > len(order) and not cells[-1]:
        cells.pop()
    fault = ""
    if len(cells) != len(order):
        fault = f"The row has {len(cells)} instead of {len(order)} cells."
    values = (cells[index] if index < len(cells) else "" for index in order)
    return CsvRow(line=line, cells=dict(zip(columns, values, strict=True)), fault=fault, is_blank=is_blank)


def _line_of_fault(file: BinaryIO) -> int:
    """On which line the first byte stands that is not UTF-8."""
    file.seek(0)
    number = 1
    for piece in file:
        try:
            piece.decode()
        except UnicodeDecodeError as fault:
            return number + piece[: fault.start].count(b"\r")
        number += piece.count(b"\r") if b"\r" in piece.removesuffix(b"\r\n") else 1
    return number


def _in_words(fault: csv.Error) -> str:
    if "unexpected end" in str(fault):
        return "A quote is opened here and never closed."
    if "field limit" in str(fault):
        return "A cell is longer than it may be. Is a quote opened here and never closed?"
    return "A quoted cell must end with its quote, and a quote in it be doubled."


def _unreadable(line: int, detail: str) -> InvalidInput:
    return InvalidInput(field="file", reasons=[f"Line {line}: {detail}"], reason_code="unreadable")
