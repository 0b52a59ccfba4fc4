"""Reads of imports and their rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from common import db
from common.types import Page, PageRequest, cut
from enrollments.errors import ImportNotFound
from enrollments.models import Import as ImportFile
from enrollments.models import ImportRow
from enrollments.types import Counts, Import, ImportedRow, ImportStatus, RowResult, SentRow

UNFINISHED = (ImportStatus.QUEUED, ImportStatus.RUNNING)
_ROW = ("line", "course_id", "external_id", "email", "result", "code", "detail")
_REPORTED_AT_ONCE = 1_000

_PENDING = """
    SELECT line, course_id, external_id, email, name, code, detail FROM enrollments_importrow
    WHERE file_id = %s AND line > %s AND result IS NULL ORDER BY line LIMIT %s
"""
_STILL_PENDING = "SELECT line FROM enrollments_importrow WHERE file_id = %s AND line = ANY(%s) AND result IS NULL"


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingRow:
    """A row that is to be done. `code` and `detail` say what was seen to be wrong when it came in."""

    sent: SentRow
    code: str
    detail: str


def get_import(*, partner_id: UUID, import_id: UUID) -> Import:
    """The partner's import with this id.

    Raises:
        ImportNotFound: the partner has none.
    """
    row = ImportFile.objects.filter(pk=import_id, partner_id=partner_id).first()
    if row is None:
        raise ImportNotFound
    return to_import(row)


def list_imports(*, partner_id: UUID, page: PageRequest) -> Page[Import]:
    """The partner's imports, newest first."""
    rows = ImportFile.objects.filter(partner_id=partner_id).order_by("-id")
    if page.after is not None:
        rows = rows.filter(pk__lt=page.after[0])
    return cut([to_import(row) for row in rows[: page.limit + 1]], limit=page.limit, key=lambda one: (one.id,))


def list_rows(*, import_id: UUID, result: RowResult | None, page: PageRequest) -> Page[ImportedRow]:
    """The rows of an import in file order, all or those with one result."""
    rows = _rows(import_id)
    if result is not None:
        rows = rows.filter(result=result)
    if page.after is not None:
        rows = rows.filter(line__gt=page.after[0])
    found = [_imported(row) for row in rows.values_list(*_ROW)[: page.limit + 1]]
    return cut(found, limit=page.limit, key=lambda row: (row.line,))


def all_rows(*, import_id: UUID) -> Iterator[ImportedRow]:
    """All rows of an import in file order, read a thousand at a time without a transaction around them."""
    after = 0
    while rows := list(_rows(import_id).filter(line__gt=after).values_list(*_ROW)[:_REPORTED_AT_ONCE]):
        yield from map(_imported, rows)
        after = rows[-1][0]


def pending_rows(*, import_id: UUID, after: int, limit: int) -> list[PendingRow]:
    """The next rows beyond a line that are to be done, in file order."""
    return [
        PendingRow(
            sent=SentRow(line=line, course_id=course_id, external_id=external_id, email=email, name=name),
            code=code,
            detail=detail,
        )
        for line, course_id, external_id, email, name, code, detail in db.fetch_set(_PENDING, [import_id, after, limit])
    ]


def still_pending(*, import_id: UUID, lines: list[int]) -> set[int]:
    """Which of these lines are to be done now."""
    return {line for (line,) in db.fetch_set(_STILL_PENDING, [import_id, lines])}


def partner_of_import(*, import_id: UUID) -> UUID:
    """Whose import it is.

    Raises:
        ImportNotFound: there is none with this id.
    """
    partner_id = ImportFile.objects.filter(pk=import_id).values_list("partner_id", flat=True).first()
    if partner_id is None:
        raise ImportNotFound
    return partner_id


def unfinished_imports() -> list[tuple[UUID, str]]:
    """The imports that are queued or running, and the requests that brought them."""
    return list(ImportFile.objects.filter(status__in=UNFINISHED).order_by("id").values_list("pk", "request_id"))


def to_import(row: ImportFile) -> Import:
    """An import's row as a value."""
    return Import(
        id=row.pk,
        partner_id=row.partner_id,
        status=ImportStatus(row.status),
        file_name=row.file_name,
        rows_total=row.rows_total,
        counts=Counts(
            enrolled=row.enrolled,
            waitlisted=row.waitlisted,
            unchanged=row.unchanged,
            rejected=row.rejected,
            failed=row.failed,
        ),
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def _rows(import_id: UUID) -> QuerySet[ImportRow]:
    return ImportRow.objects.filter(file_id=import_id).order_by("line")


def _imported(row: tuple[Any, ...]) -> ImportedRow:
    line, course_id, external_id, email, result, code, detail = row
    return ImportedRow(
        line=line,
        course_id=course_id,
        external_id=external_id,
        email=email,
        result=None if result is None else RowResult(result),
        # What was seen to be wrong at the door is not said before the row's turn.
        code=code if result is not None and code else None,
        detail=detail if result is not None and detail else None,
    )
