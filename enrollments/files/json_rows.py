"""Rows out of `{"rows": [...]}`, one by one: a file of a hundred thousand is never in memory as a whole."""

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from common.errors import InvalidInput
from common.strict_json import NotStrict, read_at
from enrollments.files.csv_rows import COLUMNS
from enrollments.types import SentRow

_BLOCK = 65_536
_LONGEST_ROW = 100_000
_NOT_BLANK = re.compile(r"[^ \t\r\n]")


def rows_of_json(file: BinaryIO) -> Iterator[SentRow]:
    """The rows in their order; `line` counts them from 1.

    Raises:
        InvalidInput: it is not such an object, or a row is not one of four strings; the field names the place.
    """
    text = _Window(file)
    text.expect("{")
    if text.peek() == "}":
        raise InvalidInput(field="rows", reasons=["This field is required."], reason_code="required")
    name = text.value()
    if name != "rows":
        raise InvalidInput(
            field=_escaped(name), reasons=["There is no such field. Known: rows."], reason_code="unknown"
        )
    text.expect(":")
    text.expect("[")
    yield from _rows(text)
    text.expect("}")
    if text.peek():
        raise text.fault("There is something after the object.")


def _rows(text: "_Window") -> Iterator[SentRow]:
    if text.peek() == "]":
        text.expect("]")
        return
    number = 0
    while number == 0 or text.next_of(",]") == ",":
        yield _row(number, text.value())
        number += 1


def _row(number: int, value: Any) -> SentRow:
    place = f"rows/{number}"
    if not isinstance(value, dict):
        raise InvalidInput(field=place, reasons=["Must be a JSON object."])
    for name in value:
        if name not in COLUMNS:
            known = ", ".join(COLUMNS)
            told = f"There is no such field. Known: {known}."
            raise InvalidInput(field=f"{place}/{_escaped(name)}", reasons=[told], reason_code="unknown")
    for name in COLUMNS:
        if name not in value:
            raise InvalidInput(field=f"{place}/{name}", reasons=["This field is required."], reason_code="required")
        if not _is_text(value[name]):
            raise InvalidInput(field=f"{place}/{name}", reasons=["Must be a string."])
        if "\0" in value[name]:
            told = "Null characters are not allowed."
            raise InvalidInput(field=f"{place}/{name}", reasons=[told], reason_code="null_characters_not_allowed")
    return SentRow(line=number + 1, **value)


def _is_text(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    # Only an escape can smuggle a lone surrogate past the decoding.
    return value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value)


def _escaped(name: Any) -> str:
    return str(name).replace("~", "~0").replace("/", "~1")


class _Window:
    """A part of a text, which goes on as far as it is needed."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._text = ""
        self._at = 0
        self._is_whole = False

    def peek(self) -> str:
        """The next character that is not blank, empty at the end."""
        while True:
            found = _NOT_BLANK.search(self._text, self._at)
            self._at = found.start() if found else len(self._text)
            if found or not self._grow():
                return found.group() if found else ""

    def next_of(self, wanted: str) -> str:
        """The next character, which must be one of these."""
        found = self.peek()
        if not found or found not in wanted:
            raise self.fault(
                f"Instead of {found!r} one of {' '.join(wanted)} must be here." if found else "It ends early."
            )
        self._at += 1
        return found

    def expect(self, wanted: str) -> None:
        """The next character must be this one."""
        self.next_of(wanted)

    def value(self) -> Any:
        """The next JSON value."""
        self.peek()
        while True:
            try:
                value, self._at = read_at(self._text, self._at)
            except json.JSONDecodeError as fault:
                if len(self._text) - self._at > _LONGEST_ROW:
                    raise self.fault(f"A row may have at most {_LONGEST_ROW} characters.") from fault
                if not self._grow():
                    raise self.fault(f"This is not JSON: {fault.msg}.") from fault
            except NotStrict as fault:
                raise self.fault(str(fault)) from fault
            else:
                return value

    def fault(self, detail: str) -> InvalidInput:
        """What to raise when the body as a whole cannot be understood."""
        return InvalidInput(field="", reasons=[detail], reason_code="unreadable")

    def _grow(self) -> bool:
        if self._is_whole:
            return False
        block = self._file.read(_BLOCK)
        self._is_whole = not block
        try:
            more = self._decoder.decode(block, final=self._is_whole)
        except UnicodeDecodeError as fault:
            raise self.fault("The body is not valid UTF-8 text.") from fault
        self._text, self._at = self._text[self._at :] + more, 0
        return not self._is_whole or bool(more)
