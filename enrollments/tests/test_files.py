"""Partners' files: kind about form, strict about meaning."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, BinaryIO

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from common.errors import InvalidInput
from enrollments.files import REPORT_COLUMNS, report_lines, rows_of_csv, rows_of_json
from enrollments.files.csv_rows import COLUMNS
from enrollments.types import ImportedRow, RowResult, SentRow

HEADER = "course_id,external_id,email,name"
ADA = SentRow(line=2, course_id="c1", external_id="e1", email="a@x.org", name="Ada")


def csv_rows(text: str | bytes) -> list[SentRow]:
    return list(rows_of_csv(io.BytesIO(text if isinstance(text, bytes) else text.encode())))


def json_rows(text: str | bytes) -> list[SentRow]:
    return list(rows_of_json(io.BytesIO(text if isinstance(text, bytes) else text.encode())))


def refusal_of(read: Callable[[Any], object], text: str | bytes) -> tuple[str, str]:
    """Which field the refusal is about, and in which words."""
    with pytest.raises(InvalidInput) as refusal:
        read(text)
    [reason] = refusal.value.reasons
    return refusal.value.field, reason


# fmt: off
SAME_FILE = {
    "as documented": f"{HEADER}\nc1,e1,a@x.org,Ada\n",
    "with a byte order mark": f"\ufeff{HEADER}\nc1,e1,a@x.org,Ada\n",
    "with CRLF": f"{HEADER}\r\nc1,e1,a@x.org,Ada\r\n",
    "with CR": f"{HEADER}\rc1,e1,a@x.org,Ada\r",
    "without an end of the last line": f"{HEADER}\nc1,e1,a@x.org,Ada",
    "with blank lines at the end": f"{HEADER}\nc1,e1,a@x.org,Ada\n\n \n\r\n",
    "with empty rows at the end": f"{HEADER}\nc1,e1,a@x.org,Ada\n,,,\n , ,\t,\n",
    "with semicolons": "course_id;external_id;email;name\nc1;e1;a@x.org;Ada\n",
    "with tabs": "course_id\texternal_id\temail\tname\nc1\te1\ta@x.org\tAda\n",
    "with quotes": '"course_id","external_id","email","name"\n"c1","e1","a@x.org","Ada"\n',
    "with quotes after a byte order mark": '\ufeff"course_id",external_id,email,name\nc1,e1,a@x.org,Ada\n',
    "with capitals in the header": "COURSE_ID,External_Id,eMail,Name\nc1,e1,a@x.org,Ada\n",
    "with blanks in the header": " course_id , external_id,\temail,name \nc1,e1,a@x.org,Ada\n",
    "with words in the header": "Course ID,External ID,Email,Name\nc1,e1,a@x.org,Ada\n",
    "in another order": "name,email,external_id,course_id\nAda,a@x.org,e1,c1\n",
    "with empty columns beyond": f"{HEADER},,\nc1,e1,a@x.org,Ada,,\n",
    "with empty cells beyond": f"{HEADER}\nc1,e1,a@x.org,Ada,,\n",
}
REFUSED_FILES = {
    "nothing": ("", 1, "The file is empty"),
    "a byte order mark": ("\ufeff", 1, "The file is empty"),
    "blank lines": ("\n\r\n \n", 1, "The file is empty"),
    "no header": ("c1,e1,a@x.org,Ada\n", 1, "There is no column course_id."),
    "another header": ("id,mail\n", 1, "The column “id” is unknown."),
    "a missing column": ("course_id,external_id,email\n", 1, "There is no column name."),
    "a doubled column": (f"{HEADER},email\n", 1, "The column email is there twice."),
    "a doubled column in other letters": (f"{HEADER}, E-MAIL\n", 1, "The column “e-mail” is unknown."),
    "an unknown column": (f"{HEADER},phone\n", 1, "The column “phone” is unknown."),
    "a column without a name": ("course_id,external_id,,email,name\n", 1, "The column “” is unknown."),
    "a header after blank lines": ("\n\ncourse_id,email,name\n", 3, "There is no column external_id."),
    "UTF-16": (f"{HEADER}\nc1,e1,a@x.org,Ada\n".encode("utf-16"), 1, "This is UTF-16."),
    "UTF-16 without a mark": (f"{HEADER}\n".encode("utf-16-le"), 1, "NUL"),
    "Latin-1": (f"{HEADER}\nc1,e1,a@x.org,Ada\nc1,e2,b@x.org,Zoé\n".encode("latin-1"), 3, "This is not UTF-8."),
    "Latin-1 with CR": (f"{HEADER}\rc1,e1,a@x.org,Ada\rc1,e2,b@x.org,Zoé\r".encode("latin-1"), 3, "This is not UTF-8."),
    "Latin-1 with CRLF": (f"{HEADER}\r\nc1,e1,a@x.org,A\r\nc1,e2,b@x.org,é\r\n".encode("latin-1"), 3, "not UTF-8."),
    "half a letter at the end": (f"{HEADER}\nc1,e1,a@x.org,Zo".encode() + b"\xc3", 2, "This is not UTF-8."),
    "a NUL": (f"{HEADER}\nc1,e1,a@x.org,A\0da\n", 2, "NUL"),
    "a quote that never closes": (f'{HEADER}\nc1,e1,a@x.org,Ada\nc1,e2,b@x.org,"Ben\nc1,e3,x,y\n', 3, "never closed"),
    "something after a quote": (f'{HEADER}\nc1,e1,a@x.org,"Ada"x\n', 2, "end with its quote"),
    "lines without an end": (f"{HEADER}\n" + "\n" * 1_000_000, 1_000_001, "at most 1,000,000 lines"),
    "a cell without an end": (f'{HEADER}\n\nc1,e1,a@x.org,"{"x" * 200_000}"\n', 3, "longer than it may be"),
}
# fmt: on


class TestCsv:
    @pytest.mark.parametrize("name", SAME_FILE)
    def test_is_read_as_it_comes(self, name: str) -> None:
        assert csv_rows(SAME_FILE[name]) == [ADA]

    @pytest.mark.parametrize("name", REFUSED_FILES)
    def test_that_cannot_be_understood_is_refused_with_the_line(self, name: str) -> None:
        text, line, words = REFUSED_FILES[name]
        field, reason = refusal_of(csv_rows, text)
        assert field == "file"
        assert reason.startswith(f"Line {line}: ")
        assert words in reason

    def test_may_have_no_rows(self) -> None:
        assert csv_rows(f"{HEADER}\n") == []

    def test_has_the_lines_of_the_file(self) -> None:
        text = f'{HEADER}\n\nc1,e1,a@x.org,"A\nd\r\na"\n\n,,,\nc2,e2,b@x.org,Ben\r\nc3,e3,c@x.org,"C"\n'
        assert [(row.line, row.name) for row in csv_rows(text)] == [(3, "A\nd\r\na"), (8, "Ben"), (9, "C")]

    def test_keeps_cells_as_they_are(self) -> None:
        cells = ["=1+1", ' +x"y" ', "-;\t", "@a,b"]
        written = io.StringIO()
        csv.writer(written).writerows([HEADER.split(","), cells])
        [row] = csv_rows(written.getvalue())
        assert [row.course_id, row.external_id, row.email, row.name] == cells

    @pytest.mark.parametrize(
        ("cells", "kept", "fault"),
        [
            ("c1", ("c1", "", "", ""), "The row has 1 instead of 4 cells."),
            ("c1,e1,a@x.org", ("c1", "e1", "a@x.org", ""), "The row has 3 instead of 4 cells."),
            ("c1,e1,a@x.org,Ada,x", ("c1", "e1", "a@x.org", "Ada"), "The row has 5 instead of 4 cells."),
        ],
    )
    def test_rows_of_another_width_borrow_nothing(self, cells: str, kept: tuple[str, ...], fault: str) -> None:
        before, row, after = csv_rows(f"{HEADER}\nc0,e0,z@x.org,Zed\n{cells}\nc9,e9,y@x.org,Yan\n")
        assert (row.course_id, row.external_id, row.email, row.name) == kept
        assert (before.fault, row.fault, after.fault) == ("", fault, "")

    def test_of_semicolons_may_have_commas_in_its_cells(self) -> None:
        [row] = csv_rows("course_id;external_id;email;name\nc1;e,1;a@x.org;Lovelace, Ada\n")
        assert (row.external_id, row.name) == ("e,1", "Lovelace, Ada")

    def test_is_read_row_by_row(self) -> None:
        class Endless(io.RawIOBase):
            """A file without an end: who reads it whole never comes back."""

            def __init__(self) -> None:
                self._lines = self._endlessly()

            def readable(self) -> bool:
                return True

            def seekable(self) -> bool:
                return True

            def seek(self, *_where: int) -> int:
                self._lines = self._endlessly()
                return 0

            def _endlessly(self) -> Iterator[bytes]:
                yield f"{HEADER}\n".encode()
                while True:
                    yield b"c1,e1,a@x.org,Ada\n"

            def readinto(self, buffer: Any) -> int:
                line = next(self._lines)
                buffer[: len(line)] = line
                return len(line)

        rows = rows_of_csv(io.BufferedReader(Endless()))
        assert [next(rows).line for _ in range(3)] == [2, 3, 4]


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
ROWS = st.lists(st.tuples(TEXTS, TEXTS, TEXTS, TEXTS), max_size=6)


class TestAnyCsv:
    @settings(deadline=None)
    @given(rows=ROWS, delimiter=st.sampled_from(",;\t"), end=st.sampled_from(["\n", "\r\n", "\r"]), bom=st.booleans())
    def test_that_a_csv_writer_wrote_comes_back_cell_by_cell(
        self, rows: list[tuple[str, ...]], delimiter: str, end: str, bom: bool
    ) -> None:
        written = io.StringIO(newline="")
        csv.writer(written, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerows([COLUMNS, *rows])
        text = ("\ufeff" if bom else "") + written.getvalue()
        read = csv_rows(text)
        expected = [row for row in rows if any(cell and not cell.isspace() for cell in row)]
        assert [(row.course_id, row.external_id, row.email, row.name) for row in read] == expected
        assert all(row.fault == "" for row in read)
        lines = [row.line for row in read]
        assert lines == sorted(set(lines))

    @settings(deadline=None)
    @given(content=st.binary(max_size=200))
    @example(content=f"{HEADER}\n".encode() + b'"')
    def test_is_read_or_refused_but_never_breaks(self, content: bytes) -> None:
        for text in (content, f"{HEADER}\n".encode() + content):
            with suppress(InvalidInput):
                assert all(row.line > 1 for row in csv_rows(text))


ROW = {"course_id": "c1", "external_id": "e1", "email": "a@x.org", "name": "Ada"}


class TestJson:
    @pytest.mark.parametrize("count", [0, 1, 2, 3000])
    def test_is_read_row_by_row_with_their_numbers(self, count: int) -> None:
        rows = [{**ROW, "external_id": f'e{number} é😀\\"'} for number in range(count)]
        for text in (json.dumps({"rows": rows}), json.dumps({"rows": rows}, indent=1, ensure_ascii=False)):
            read = json_rows(text)
            assert [row.line for row in read] == list(range(1, count + 1))
            assert [row.external_id for row in read] == [row["external_id"] for row in rows]

    @pytest.mark.parametrize(
        ("text", "field"),
        [
            ("", ""),
            ("[]", ""),
            ("{", ""),
            ("{}", "rows"),
            ('{"rows"', ""),
            ('{"rows": {}}', ""),
            ('{"rows": null}', ""),
            ('{"rows": [] ', ""),
            ('{"rows": []} x', ""),
            ('{"rows": [], "x": 1}', ""),
            ('{"ro/ws": []}', "ro~1ws"),
            ('{"rows": [1]}', "rows/0"),
            ('{"rows": [{}]}', "rows/0/course_id"),
            (json.dumps({"rows": [ROW, {**ROW, "email": None}]}), "rows/1/email"),
            (json.dumps({"rows": [{**ROW, "email": "a\0b"}]}), "rows/0/email"),
            (json.dumps({"rows": [{**ROW, "email": "\ud800"}]}), "rows/0/email"),
            (json.dumps({"rows": [ROW, {**ROW, "phone": ""}]}), "rows/1/phone"),
            ('{"rows": [{"a": 1, "a": 2}]}', ""),
            ('{"rows": [{"a": NaN}]}', ""),
            ('{"rows": [' + "9" * 5000 + "]}", ""),
            ('{"rows": [' + "[" * 50_000 + "]}", ""),
            ('{"rows": [{"a": "' + "x" * 200_000, ""),
            (b'{"rows": ["\xff"]}', ""),
            (b'{"rows": []}\xff', ""),
        ],
    )
    def test_of_another_shape_is_refused_with_the_place(self, text: str | bytes, field: str) -> None:
        assert refusal_of(json_rows, text)[0] == field

    @settings(deadline=None)
    @given(content=st.binary(max_size=100))
    def test_is_read_or_refused_but_never_breaks(self, content: bytes) -> None:
        for text in (content, b'{"rows": [' + content):
            with suppress(InvalidInput):
                json_rows(text)


class TestReport:
    def report(self, *cells: str) -> list[list[str]]:
        rows = [
            ImportedRow(line=2, course_id="c1", external_id=cell, email="a@x.org", result=None, code=None, detail=None)
            for cell in cells
        ]
        return list(csv.reader(io.StringIO("".join(report_lines(rows)), newline="")))

    def test_has_a_line_for_each_row(self) -> None:
        done = ImportedRow(
            line=3,
            course_id="c2",
            external_id="e2",
            email="b@x.org",
            result=RowResult.REJECTED,
            code="course_full",
            detail="All seats, all of them.",
        )
        text = "".join(report_lines([done]))
        assert (
            text == f'{",".join(REPORT_COLUMNS)}\r\n3,c2,e2,b@x.org,rejected,course_full,"All seats, all of them."\r\n'
        )

    @pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("x")'])
    def test_runs_nothing_in_a_spreadsheet(self, cell: str) -> None:
        [_, row] = self.report(cell)
        assert row[2] == f"'{cell}"

    @pytest.mark.parametrize("cell", ["e1", "a=1", "1-2", "'=1", "Zoé", "a\nb"])
    def test_leaves_all_else_alone(self, cell: str) -> None:
        [_, row] = self.report(cell)
        assert row[2] == cell

    def test_is_written_in_pieces(self) -> None:
        row = ImportedRow(line=2, course_id="c", external_id="e", email="m", result=None, code=None, detail=None)
        pieces = list(report_lines([row] * 1200))
        assert len(pieces) == 3
        assert "".join(pieces).count("\r\n") == 1201


def test_both_kinds_of_files_are_closed_by_who_opened_them() -> None:
    def left_open(read: Callable[[BinaryIO], Iterator[SentRow]], text: str) -> bool:
        file = io.BytesIO(text.encode())
        list(read(file))
        return not file.closed

    assert left_open(rows_of_csv, f"{HEADER}\n")
    assert left_open(rows_of_json, '{"rows": []}')
