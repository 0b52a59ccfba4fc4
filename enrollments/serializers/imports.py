"""The shapes of imports on the wire."""

from typing import Any, ClassVar

from rest_framework import serializers

from common import examples, ids
from common.fields import Choice, PublicId
from common.wire import Body, PageQuery, View
from enrollments.types import ImportStatus, RowResult

_ROW = {
    "course_id": examples.COURSE,
    "external_id": "emp-1042",
    "email": "ada@example.org",
    "name": "Ada Lovelace",
}
_CODES = (
    "Why, if something stands in the way: the code of a problem type, `duplicate_in_file`, or null."
    " `detail` has it in words."
)
CSV_EXAMPLE = f"{','.join(_ROW)}\r\n{','.join(_ROW.values())}\r\n"
REPORT_EXAMPLE = (
    "line,course_id,external_id,email,result,code,detail\r\n"
    f"2,{examples.COURSE},emp-1042,ada@example.org,rejected,course_full,"
    '"All 30 seats of this course are taken and it keeps no waitlist."\r\n'
)


class ImportRowBody(Body):
    """A row. What is wrong in a cell is the row's own affair: it is `rejected`."""

    course_id = serializers.CharField(allow_blank=True)
    external_id = serializers.CharField(allow_blank=True)
    email = serializers.CharField(allow_blank=True)
    name = serializers.CharField(allow_blank=True)


class ImportRowsBody(Body):
    """Rows without a file. They are read as those of a file are: their line is their number, from 1."""

    rows = serializers.ListField(child=ImportRowBody())

    example: ClassVar = {"rows": [_ROW]}


class ImportRowsQuery(PageQuery):
    """Which rows."""

    result = Choice("ImportRowResult", RowResult, required=False)


class ImportCountsView(View):
    """How many rows have which result."""

    enrolled = serializers.IntegerField(min_value=0)
    waitlisted = serializers.IntegerField(min_value=0)
    unchanged = serializers.IntegerField(min_value=0, help_text="The learner was in, or in line, already.")
    rejected = serializers.IntegerField(min_value=0, help_text="A rule said no: the row's `code` says which.")
    failed = serializers.IntegerField(min_value=0, help_text="A fault, which trying again may cure.")


class ImportView(View):
    """A file of learners, and how far it has come."""

    id = PublicId(ids.IMPORT)
    status = Choice("ImportStatus", ImportStatus)
    file_name = serializers.CharField(allow_null=True, help_text="null for what was sent without one.")
    rows_total = serializers.IntegerField(min_value=0)
    rows_processed = serializers.IntegerField(min_value=0)
    counts = ImportCountsView()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)

    example: ClassVar = {
        "id": examples.IMPORT,
        "status": "running",
        "file_name": "spring-intake.csv",
        "rows_total": 1200,
        "rows_processed": 400,
        "counts": {"enrolled": 371, "waitlisted": 12, "unchanged": 10, "rejected": 7, "failed": 0},
        "created_at": "2026-11-20T09:30:00.120331Z",
        "started_at": "2026-11-20T09:30:00.512077Z",
        "finished_at": None,
    }


class ImportRowView(View):
    """A row as it was sent, and what came of it."""

    line = serializers.IntegerField(min_value=1, help_text="On which line of the file it begins.")
    course_id = serializers.CharField()
    external_id = serializers.CharField()
    email = serializers.CharField()
    result = Choice("ImportRowResult", RowResult, allow_null=True, help_text="null while the row is still to be done.")
    code = serializers.CharField(allow_null=True, help_text=_CODES)
    detail = serializers.CharField(allow_null=True)

    example: ClassVar[dict[str, Any]] = {
        "line": 2,
        "course_id": examples.COURSE,
        "external_id": "emp-1042",
        "email": "ada@example.org",
        "result": "rejected",
        "code": "course_full",
        "detail": "All 30 seats of this course are taken and it keeps no waitlist.",
    }
