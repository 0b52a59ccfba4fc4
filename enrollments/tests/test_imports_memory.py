"""A file of 100,000 rows is taken in row by row: the process that takes it stays below 200 MB."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest
from django.conf import settings
from django.db import connection

from common import ids
from courses.tests.factories import crs
from enrollments.models import Import as ImportFile
from enrollments.tests.factories import a_key

ROWS = 100_000
MOST_BYTES = 200 * 1_000_000
BOUNDARY = "between-the-parts"


def rows() -> Iterator[tuple[str, str, str, str]]:
    courses = [crs(ids.new_uuid()) for _ in range(50)]
    for number in range(ROWS):
        yield courses[number % 50], f"employee-{number:08}", f"learner{number}@example.org", f"Ünnamed 学習者 {number}"


def write_csv(file: TextIO) -> None:
    file.write("course_id,external_id,email,name\n")
    file.writelines(",".join(row) + "\n" for row in rows())


def write_form(file: TextIO) -> None:
    file.write(f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="x.csv"\r\n\r\n')
    write_csv(file)
    file.write(f"\r\n--{BOUNDARY}--\r\n")


def write_json(file: TextIO) -> None:
    names = ("course_id", "external_id", "email", "name")
    for number, row in enumerate(rows()):
        row_in_json = json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False)
        file.write(("," if number else '{"rows": [') + row_in_json)
    file.write("]}")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("write", "content_type"),
    [
        (write_csv, "text/csv"),
        (write_form, f"multipart/form-data; boundary={BOUNDARY}"),
        (write_json, "application/json"),
    ],
)
def test_a_file_of_100_000_rows_is_never_in_memory_as_a_whole(write: object, content_type: str, tmp_path: Path) -> None:
    path = tmp_path / "rows"
    with path.open("w") as file:
        write(file)  # type: ignore[operator]
    command = [sys.executable, "-m", "enrollments.tests.taking_in", connection.settings_dict["NAME"], a_key()]
    done = subprocess.run(
        [*command, str(path), content_type], cwd=settings.BASE_DIR, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    status, peak = done.stdout.split()
    assert status == "202"
    assert ImportFile.objects.get().rows_total == ROWS
    assert int(peak) < MOST_BYTES, f"{int(peak):,} bytes"
