"""Doing the rows of an import: in file order, in short transactions, each row exactly once whatever dies in between.

What a row came to is written in the transaction of its effect, under the lock of the import. So a run that is killed,
or two that meet, go on where the rows say.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from time import monotonic
from uuid import UUID

from django.db import Error, transaction
from django.db.models.functions import Coalesce, Now

from common import db, ids, jobs
from common.errors import DomainError
from common.events import services as events
from common.outcomes import use_case
from common.types import Actor
from enrollments import rules, selectors
from enrollments.errors import AlreadyEnrolled, AlreadyWaitlisted
from enrollments.models import Import as ImportFile
from enrollments.selectors import PendingRow
from enrollments.services.importing import RUN, lock_import
from enrollments.services.in_bulk import Admitted, enroll_many
from enrollments.services.learners import forget, recognize
from enrollments.types import ImportStatus, RowResult, Source, Via

logger = logging.getLogger(__name__)

# So many rows are looked at in one go, and those of one course among them are done together. The more rows, the fewer
# transactions; the fewer in one transaction, the shorter the others wait who want a place in the course.
_ROWS_AT_ONCE = 10_000
_ROWS_IN_TRANSACTION = 200

_WRITE = """
    UPDATE enrollments_importrow SET result = done.result, code = done.code, detail = done.detail
    FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[]) AS done(line, result, code, detail)
    WHERE file_id = %s AND enrollments_importrow.line = done.line
"""
_COUNT = """
    UPDATE enrollments_import SET enrolled = enrolled + %(enrolled)s, waitlisted = waitlisted + %(waitlisted)s,
        unchanged = unchanged + %(unchanged)s, rejected = rejected + %(rejected)s, failed = failed + %(failed)s
    WHERE id = %(id)s
"""

Outcome = tuple[RowResult, str, str]


@use_case
def run_import(*, import_id: UUID, seconds: float, now: datetime) -> bool:
    """The next rows of the import are done, about so many seconds' worth. Returns whether there is more to do.

    When all are done, the import is completed. Safe to run again at any point, and beside another run.
    """
    until = monotonic() + seconds
    while (through := _begin(import_id)) is not None:
        rows = selectors.pending_rows(import_id=import_id, after=through, limit=_ROWS_AT_ONCE)
        for batch in _batches(rows):
            _do(import_id, batch, now)
            if monotonic() > until:
                return True
        _advance(import_id, rows[-1].sent.line if rows else None)
    return False


@transaction.atomic
def go_on_later(*, import_id: UUID, request_id: str) -> None:
    """Another job will go on with the import, after those that wait already."""
    jobs.defer(RUN, import_id=ids.encode(ids.IMPORT, import_id), request_id=request_id)


def resume_imports() -> None:
    """Every unfinished import has a job: so it goes on when an operator's command was stopped in the middle of it.

    One whose job has failed is left to whoever looks at the job.
    """
    for import_id, request_id in selectors.unfinished_imports():
        if not jobs.is_known(RUN, import_id=ids.encode(ids.IMPORT, import_id)):
            go_on_later(import_id=import_id, request_id=request_id)


@transaction.atomic
def _begin(import_id: UUID) -> int | None:
    """The import is running. Returns the line through which all is done, None if there is nothing to be run."""
    file = lock_import(import_id=import_id)
    if file.status not in selectors.UNFINISHED:
        return None
    if file.status == ImportStatus.QUEUED:
        running = {"status": ImportStatus.RUNNING, "started_at": Coalesce("started_at", Now())}
        ImportFile.objects.filter(pk=import_id).update(**running)
    return file.done_through


@transaction.atomic
def _advance(import_id: UUID, through: int | None) -> None:
    """All rows through this line have their results; without one, all rows there are, and the import is completed."""
    file = lock_import(import_id=import_id)
    if file.status != ImportStatus.RUNNING:
        return
    if through is not None:
        ImportFile.objects.filter(pk=import_id, done_through__lt=through).update(done_through=through)
    elif selectors.pending_rows(import_id=import_id, after=0, limit=1):
        # Rows came to be done again while this run was looking for some.
        ImportFile.objects.filter(pk=import_id).update(done_through=0)
    else:
        ImportFile.objects.filter(pk=import_id).update(status=ImportStatus.COMPLETED, finished_at=Now())
        _record_completion(file)


def _record_completion(file: ImportFile) -> None:
    public_id = ids.encode(ids.IMPORT, file.pk)
    counts = {result.value: getattr(file, result.value) for result in RowResult}
    data = {"import_id": public_id, "file_name": file.file_name, "rows_total": file.rows_total, "counts": counts}
    events.record(
        type="import.completed",
        subject=public_id,
        course="",
        partner=ids.encode(ids.PARTNER, file.partner_id),
        data=data,
        actor=_actor(file),
    )


def _actor(file: ImportFile) -> Actor:
    return Actor(name=file.actor, request_id=file.request_id)


# -- batches -------------------------------------------------------------------------------------


def _batches(rows: Sequence[PendingRow]) -> Iterable[Sequence[PendingRow]]:
    """The rows in groups for one transaction each: of one course, in file order."""
    by_course: dict[str, list[PendingRow]] = {}
    for row in rows:
        # What is wrong in itself needs no course.
        by_course.setdefault("" if row.code else row.sent.course_id.strip(), []).append(row)
    for group in by_course.values():
        for start in range(0, len(group), _ROWS_IN_TRANSACTION):
            yield group[start : start + _ROWS_IN_TRANSACTION]


def _do(import_id: UUID, batch: Sequence[PendingRow], now: datetime) -> None:
    """The rows of the batch have their results. A fault in one of them leaves the others alone.

    A lost connection is no row's fault: it is raised, and the job comes back. So is not what the database is too busy
    for: after a second try the rows have failed, and can be tried again.
    """
    try:
        try:
            _do_together(import_id, batch, now)
        except Error as fault:
            if db.is_lost(fault) or not db.is_unavailable(fault):
                raise
            _do_together(import_id, batch, now)
    except Exception as fault:
        if db.is_lost(fault):
            raise
        if len(batch) == 1 or db.is_unavailable(fault):
            _note_failure(import_id, batch, fault)
            return
        half = len(batch) // 2
        _do(import_id, batch[:half], now)
        _do(import_id, batch[half:], now)


@transaction.atomic
def _do_together(import_id: UUID, batch: Sequence[PendingRow], now: datetime) -> None:
    file = lock_import(import_id=import_id)
    if rows := _to_be_done(file, batch):
        outcomes = _rejected(rows) if rows[0].code else _enroll(file, rows, now)
        _write(import_id, rows, outcomes)


def _to_be_done(file: ImportFile, batch: Sequence[PendingRow]) -> list[PendingRow]:
    """Those of the batch that nobody else has done, none if the import has been cancelled."""
    if file.status != ImportStatus.RUNNING:
        return []
    pending = selectors.still_pending(import_id=file.pk, lines=[row.sent.line for row in batch])
    return [row for row in batch if row.sent.line in pending]


def _rejected(rows: Sequence[PendingRow]) -> list[Outcome]:
    return [(RowResult.REJECTED, row.code, row.detail) for row in rows]


def _enroll(file: ImportFile, rows: Sequence[PendingRow], now: datetime) -> list[Outcome]:
    """What the rows of one course come to, by the rules of everybody."""
    learners = [rules.learner_of(row.sent) for row in rows]
    course_id = ids.decode(ids.COURSE, rows[0].sent.course_id.strip())
    assert course_id is not None
    known = recognize(partner_id=file.partner_id, learners=learners)
    newcomers = [
        (known.people[learner.external_id], Via(partner_id=file.partner_id, external_id=learner.external_id))
        for learner in learners
    ]
    outcomes: list[Outcome] = []
    for group in _of_different_people(newcomers):
        try:
            came_of_it = enroll_many(
                course_id=course_id, newcomers=group, source=Source.IMPORT, actor=_actor(file), now=now
            )
        except DomainError as refusal:
            came_of_it = [refusal] * len(group)
        outcomes += [_outcome(one) for one in came_of_it]
    refused = [learner for learner, outcome in zip(learners, outcomes, strict=True) if outcome[0] == RowResult.REJECTED]
    forget(partner_id=file.partner_id, recognized=known, learners=refused)
    return outcomes


def _of_different_people(newcomers: Sequence[tuple[UUID, Via]]) -> Iterable[list[tuple[UUID, Via]]]:
    """The newcomers in order, cut before each one who is in the part at hand already, under another external id."""
    part: list[tuple[UUID, Via]] = []
    there: set[UUID] = set()
    for newcomer in newcomers:
        if newcomer[0] in there:
            yield part
            part, there = [], set()
        part.append(newcomer)
        there.add(newcomer[0])
    yield part


def _outcome(came_of_it: Admitted | DomainError) -> Outcome:
    if isinstance(came_of_it, Admitted):
        return (RowResult.ENROLLED if came_of_it.position is None else RowResult.WAITLISTED, "", "")
    stands = isinstance(came_of_it, AlreadyEnrolled | AlreadyWaitlisted)
    return (RowResult.UNCHANGED if stands else RowResult.REJECTED, came_of_it.code, str(came_of_it))


@transaction.atomic
def _note_failure(import_id: UUID, batch: Sequence[PendingRow], fault: Exception) -> None:
    file = lock_import(import_id=import_id)
    rows = _to_be_done(file, batch)
    lines = ", ".join(str(row.sent.line) for row in rows)
    logger.error("Import %s failed in line %s", ids.encode(ids.IMPORT, import_id), lines, exc_info=fault)
    if db.is_unavailable(fault):
        outcome = (RowResult.FAILED, "dependency_unavailable", "The database could not answer in time. Try again.")
    else:
        outcome = (RowResult.FAILED, "internal_error", "Something broke that should not. It has been logged.")
    _write(import_id, rows, [outcome] * len(rows))


def _write(import_id: UUID, rows: Sequence[PendingRow], outcomes: Sequence[Outcome]) -> None:
    results, codes, details = ([each[part] for each in outcomes] for part in range(3))
    counts = Counter(results)
    with db.together():
        db.execute_set(_WRITE, [[row.sent.line for row in rows], results, codes, details, import_id])
        db.execute(_COUNT, {"id": import_id, **{result.value: counts[result] for result in RowResult}})
