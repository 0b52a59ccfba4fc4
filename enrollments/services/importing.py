"""Imports as partners and staff see them: taken in, cancelled, tried again. What a row comes to is `import_runs`."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Min
from django.db.models.functions import Now

from common import ids, jobs
from common.errors import PayloadTooLarge
from common.outcomes import use_case
from common.texts import fault_of_email, fault_of_line
from common.types import Actor, Page, PageRequest
from courses.services import CourseNotFound
from enrollments import rules, selectors
from enrollments.errors import ImportNotFound, PartnerNotFound
from enrollments.models import Import as ImportFile
from enrollments.models import ImportRow, Partner
from enrollments.types import (
    EXTERNAL_ID_LENGTH,
    FILE_NAME_LENGTH,
    NAME_LENGTH,
    Import,
    ImportedRow,
    ImportStatus,
    LearnerOfPartner,
    RowResult,
    SentRow,
)

RUN = "enrollments.run_import"
_COPY = "COPY enrollments_importrow (file_id, line, course_id, external_id, email, name, code, detail) FROM STDIN"
_COPIED_AT_ONCE = 5_000

Judged = tuple[str, str]


@use_case
@transaction.atomic
def start_import(
    *, partner_id: UUID, rows: Iterable[SentRow], file_name: str | None, actor: Actor, now: datetime
) -> Import:
    """The rows are kept as they were sent, and a worker will do them soon. Of what cannot be read nothing is kept.

    Raises:
        PartnerNotFound: there is no such partner.
        InvalidInput: `rows` cannot be read to their end.
        PayloadTooLarge: there are more than IMPORT_MAX_ROWS.
    """
    taken = take_import(partner_id=partner_id, rows=rows, file_name=file_name, actor=actor, now=now)
    _defer(taken.id, actor.request_id)
    return taken


@use_case
@transaction.atomic
def take_import(
    *, partner_id: UUID, rows: Iterable[SentRow], file_name: str | None, actor: Actor, now: datetime
) -> Import:
    """As `start_import`, for a caller who does the rows: no worker will, unless the caller leaves them undone.

    Raises:
        PartnerNotFound, InvalidInput, PayloadTooLarge: as for `start_import`.
    """
    if not Partner.objects.filter(pk=partner_id).exists():
        raise PartnerNotFound
    file = ImportFile.objects.create(
        partner_id=partner_id,
        status=ImportStatus.QUEUED,
        file_name=file_name and file_name[:FILE_NAME_LENGTH],
        actor=actor.name,
        request_id=actor.request_id,
    )
    file.rows_total = _copy(file.pk, rows)
    file.save(update_fields=["rows_total"])
    return selectors.get_import(partner_id=partner_id, import_id=file.pk)


@use_case
@transaction.atomic
def cancel_import(*, partner_id: UUID, import_id: UUID, actor: Actor, now: datetime) -> Import:
    """Nothing more is done for the import. What was done stays.

    Raises:
        ImportNotFound: the partner has no such import.
        InvalidImportTransition: it has ended already.
    """
    file = lock_import(import_id=import_id, partner_id=partner_id)
    rules.check_import_transition(status=ImportStatus(file.status), wanted=ImportStatus.CANCELLED)
    ImportFile.objects.filter(pk=import_id).update(status=ImportStatus.CANCELLED, finished_at=Now())
    return selectors.get_import(partner_id=partner_id, import_id=import_id)


@use_case
@transaction.atomic
def retry_import(*, partner_id: UUID, import_id: UUID, actor: Actor, now: datetime) -> Import:
    """The rows that failed will be done again; without any, nothing is to be done.

    Raises:
        ImportNotFound: the partner has no such import.
        InvalidImportTransition: it is not completed.
    """
    file = lock_import(import_id=import_id, partner_id=partner_id)
    rules.check_import_transition(status=ImportStatus(file.status), wanted=ImportStatus.QUEUED)
    failed = ImportRow.objects.filter(file_id=import_id, result=RowResult.FAILED)
    first = failed.aggregate(line=Min("line"))["line"]
    if first is not None:
        failed.update(result=None, code="", detail="")
        ImportFile.objects.filter(pk=import_id).update(
            status=ImportStatus.QUEUED, failed=0, done_through=first - 1, finished_at=None
        )
        _defer(import_id, actor.request_id)
    return selectors.get_import(partner_id=partner_id, import_id=import_id)


def list_import_rows(
    *, partner_id: UUID, import_id: UUID, result: RowResult | None, page: PageRequest
) -> Page[ImportedRow]:
    """The rows of the partner's import in file order, all or those with one result.

    Raises:
        ImportNotFound: the partner has no such import.
    """
    selectors.get_import(partner_id=partner_id, import_id=import_id)
    return selectors.list_rows(import_id=import_id, result=result, page=page)


def report_import(*, partner_id: UUID, import_id: UUID) -> Iterator[ImportedRow]:
    """All rows of the partner's import in file order, however many, without having them all in memory.

    Raises:
        ImportNotFound: the partner has no such import.
    """
    selectors.get_import(partner_id=partner_id, import_id=import_id)
    return selectors.all_rows(import_id=import_id)


def lock_import(*, import_id: UUID, partner_id: UUID | None = None) -> ImportFile:
    """The import as it is, and nobody else changes it or its rows until the caller's transaction ends.

    It is taken before any account and any course.

    Raises:
        ImportNotFound: there is none, or it is not the partner's.
    """
    files = ImportFile.objects.select_for_update(of=("self",), no_key=True).filter(pk=import_id)
    file = files.first() if partner_id is None else files.filter(partner_id=partner_id).first()
    if file is None:
        raise ImportNotFound
    return file


def _defer(import_id: UUID, request_id: str) -> None:
    jobs.defer(RUN, import_id=ids.encode(ids.IMPORT, import_id), request_id=request_id)


# -- taking rows in ------------------------------------------------------------------------------


def _copy(import_id: UUID, rows: Iterable[SentRow]) -> int:
    """All rows are in the table, in short statements. Returns how many they are."""
    seen: set[tuple[str, str]] = set()
    count = 0
    remaining = iter(rows)
    while piece := list(islice(remaining, _COPIED_AT_ONCE)):
        count += len(piece)
        if count > settings.IMPORT_MAX_ROWS:
            raise PayloadTooLarge(f"An import may have at most {settings.IMPORT_MAX_ROWS:,} rows.")
        with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            for values in _values(import_id, piece, seen):
                copy.write_row(values)
    return count


def _values(import_id: UUID, rows: Iterable[SentRow], seen: set[tuple[str, str]]) -> Iterator[tuple[object, ...]]:
    for row in rows:
        code, detail = judge(row=row, seen=seen)
        yield (import_id, row.line, row.course_id, row.external_id, row.email, row.name, code, detail)


def judge(*, row: SentRow, seen: set[tuple[str, str]]) -> Judged:
    """The code and the words for what is wrong with the row in itself, empty for nothing.

    `seen` are the pairs of course and learner in the rows before, and has the row's own afterwards.
    """
    learner = rules.learner_of(row)
    pair = (row.course_id.strip(), learner.external_id)
    is_repeated = pair in seen
    seen.add(pair)
    if row.fault:
        return "invalid_request", row.fault
    if faults := [f"{name}: {fault}" for name, fault in _faults(learner) if fault]:
        return "invalid_request", " ".join(faults)
    if ids.decode(ids.COURSE, pair[0]) is None:
        return CourseNotFound.code, str(CourseNotFound())
    if is_repeated:
        return "duplicate_in_file", "An earlier row of the file has the same course_id and external_id."
    return "", ""


def _faults(learner: LearnerOfPartner) -> Iterator[tuple[str, str | None]]:
    yield "external_id", fault_of_line(learner.external_id, max_length=EXTERNAL_ID_LENGTH)
    yield "email", fault_of_email(learner.email)
    yield "name", fault_of_line(learner.name, max_length=NAME_LENGTH)
