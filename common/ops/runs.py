"""The rows of runs: begun with their items, taken over, noted item by item, ended, and read."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from common import db, ids
from common.errors import DomainError, NotFound
from common.models import OpsItem, OpsRun
from common.ops import finding, kinds
from common.ops.finding import as_state
from common.ops.types import Item, Outcome, Result, Run, RunStatus, Scope

_READ_AT_ONCE = 1000
_INSERT = f"""
    INSERT INTO common_opsitem (run_id, kind, key, course_id, line, before, after, outcome, code, detail, at)
    SELECT %(run_id)s, kind, key, course_id, line, before::jsonb, after::jsonb, outcome, code, detail,
        CASE WHEN outcome <> '{Outcome.PLANNED}' THEN now() END
    FROM unnest(%(kinds)s::text[], %(keys)s::uuid[], %(courses)s::uuid[], %(lines)s::int[], %(befores)s::text[],
        %(afters)s::text[], %(outcomes)s::text[], %(codes)s::text[], %(details)s::text[])
        AS item(kind, key, course_id, line, before, after, outcome, code, detail)
"""
_NOTE = """
    UPDATE common_opsitem AS item SET outcome = result.outcome, code = result.code, detail = result.detail, at = now(),
        before = coalesce(result.before::jsonb, item.before), after = coalesce(result.after::jsonb, item.after)
    FROM unnest(%(ids)s::bigint[], %(outcomes)s::text[], %(codes)s::text[], %(details)s::text[], %(befores)s::text[],
        %(afters)s::text[]) AS result(id, outcome, code, detail, before, after)
    WHERE item.id = result.id
"""
_COUNTED = """
    SELECT kind, outcome, count(*) FROM common_opsitem WHERE run_id = %s GROUP BY kind, outcome ORDER BY min(id)
"""
_ADVANCE = """
    UPDATE common_opsrun SET position = %s, counts = %s, last_progress_at = now() WHERE id = %s AND holder = %s
"""


class RunNotFound(NotFound):
    """No run has this id."""

    def __init__(self) -> None:
        super().__init__("There is no run with this id.")


class RunIsOver(DomainError):
    """A run that has come to its end cannot go on."""

    code = "invalid_transition"

    def __init__(self) -> None:
        super().__init__("This run is complete: there is nothing to resume.", current_status=RunStatus.COMPLETED.value)


class TakenOver(Exception):
    """Another process has resumed the run: this one writes nothing more."""

    def __init__(self) -> None:
        super().__init__("another process has resumed this run")


@transaction.atomic
def begin(
    *,
    command: str,
    arguments: Mapping[str, Any],
    operator: str,
    holder: UUID,
    plan_digest: str = "",
    undoes: UUID | None = None,
    items: Iterable[Item] = (),
) -> UUID:
    """There is a run with these items, all or none of them, which `holder` works on."""
    run = OpsRun.objects.create(
        command=command,
        arguments=dict(arguments),
        operator=operator,
        holder=holder,
        status=RunStatus.RUNNING,
        plan_digest=plan_digest,
        undoes_id=undoes,
    )
    rest = iter(items)
    while some := list(islice(rest, _READ_AT_ONCE)):
        db.execute_set(_INSERT, {"run_id": run.pk, **_columns(some)})
    counts = sum(counts_by_kind(run_id=run.pk).values(), Counter[str]())
    del counts[Outcome.PLANNED]
    OpsRun.objects.filter(pk=run.pk).update(counts=counts)
    return run.pk


@transaction.atomic
def take_over(*, run_id: UUID, holder: UUID) -> Run:
    """`holder` works on the run from now on, and nobody else.

    Raises:
        RunNotFound: there is no such run.
        RunIsOver: it is complete.
    """
    run = get(run_id=run_id)
    if run.status is RunStatus.COMPLETED:
        raise RunIsOver
    OpsRun.objects.filter(pk=run_id).update(holder=holder, status=RunStatus.RUNNING, last_progress_at=Now())
    return get(run_id=run_id)


@db.step
def read_source(*, run: Run, scope: Scope, holder: UUID, now: datetime) -> int:
    """What the next of the run's checks finds is planned. Returns how many items these are."""
    limit = run.arguments.get("limit")
    left = None if limit is None else limit - OpsItem.objects.filter(run_id=run.id).count()
    found = finding.store(kinds.checks()[run.sources[0]], scope, run_id=run.id, now=now, limit=left)
    read = OpsRun.objects.filter(pk=run.id, holder=holder)
    if not read.update(sources_read=len(_sources(run.arguments)) - len(run.sources) + 1, last_progress_at=Now()):
        raise TakenOver
    return found


@db.step
def note(
    *, run_id: UUID, holder: UUID, items: Sequence[Item], results: Sequence[Result], counts: Mapping[str, int]
) -> None:
    """The items have come to these results, and the run has come so far.

    Raises:
        TakenOver: the run is somebody else's by now, and nothing of the transaction at hand may hold.
    """
    db.execute_set(
        _NOTE,
        {
            "ids": [item.id for item in items],
            "outcomes": [result.outcome.value for result in results],
            "codes": [result.code for result in results],
            "details": [result.detail for result in results],
            "befores": [None if result.before is None else json.dumps(result.before) for result in results],
            "afters": [None if result.after is None else json.dumps(result.after) for result in results],
        },
    )
    if not db.execute(_ADVANCE, [items[-1].id, json.dumps(counts), run_id, holder]):
        raise TakenOver


def end(*, run_id: UUID, holder: UUID, status: RunStatus) -> None:
    """The run has stopped in this status."""
    finished = Now() if status is RunStatus.COMPLETED else None
    OpsRun.objects.filter(pk=run_id, holder=holder).update(status=status, finished_at=finished, last_progress_at=Now())


def get(*, run_id: UUID) -> Run:
    """The run.

    Raises:
        RunNotFound: there is none.
    """
    row = OpsRun.objects.filter(pk=run_id).first()
    if row is None:
        raise RunNotFound
    return Run(
        id=row.pk,
        command=row.command,
        arguments=row.arguments,
        operator=row.operator,
        status=RunStatus(row.status),
        plan_digest=row.plan_digest,
        undoes=row.undoes_id,
        sources=_sources(row.arguments)[row.sources_read :] if not row.plan_digest else (),
        position=row.position,
        counts=row.counts,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def find_running(*, command: str) -> Run | None:
    """The newest run of this command that is at work, as far as it is known."""
    rows = OpsRun.objects.filter(command=command, status=RunStatus.RUNNING).order_by("-id")
    newest = rows.values_list("pk", flat=True).first()
    return None if newest is None else get(run_id=newest)


def next_items(*, run_id: UUID, limit: int) -> list[Item]:
    """The next items to be worked off, all of one kind. What was refused when the file was read is left out."""
    position = OpsRun.objects.values_list("position", flat=True).get(pk=run_id)
    rows = OpsItem.objects.filter(run_id=run_id, pk__gt=position, outcome=Outcome.PLANNED).order_by("pk")
    found = [to_item(row) for row in rows[:limit]]
    return [item for item in found if item.kind == found[0].kind]


def count_planned(*, run_id: UUID) -> int:
    """How many items are still to be worked off."""
    return OpsItem.objects.filter(run_id=run_id, outcome=Outcome.PLANNED).count()


def items_of(*, run_id: UUID) -> Iterator[Item]:
    """All items of the run, in its order, a page at a time."""
    last = 0
    rows = OpsItem.objects.filter(run_id=run_id).order_by("pk")
    while page := [to_item(row) for row in rows.filter(pk__gt=last)[:_READ_AT_ONCE]]:
        yield from page
        last = page[-1].id


def items_backwards(*, run_id: UUID, limit: int | None) -> Iterator[Item]:
    """What the run did, the last first, the other way round: from where each thing ended to where it began."""
    return islice((_inverted(item) for item in _done_backwards(run_id)), limit)


def _done_backwards(run_id: UUID) -> Iterator[Item]:
    rows = OpsItem.objects.filter(run_id=run_id, outcome=Outcome.DONE).order_by("-pk")
    page = [to_item(row) for row in rows[:_READ_AT_ONCE]]
    while page:
        yield from page
        page = [to_item(row) for row in rows.filter(pk__lt=page[-1].id)[:_READ_AT_ONCE]]


def _inverted(item: Item) -> Item:
    return replace(item, id=0, before=item.after, after=item.before, outcome=Outcome.PLANNED, code="", detail="")


def counts_by_kind(*, run_id: UUID) -> dict[str, Counter[str]]:
    """How many items of each kind of the run have come to which outcome, kinds in the order of their first items."""
    rows = db.fetch_all(_COUNTED, [run_id])
    found: dict[str, Counter[str]] = {}
    for kind, outcome, count in rows:
        found.setdefault(kind, Counter())[outcome] = count
    return found


def to_item(row: OpsItem) -> Item:
    """An item's row as a value."""
    return Item(
        id=row.pk,
        kind=row.kind,
        key=row.key,
        course_id=row.course_id,
        line=row.line,
        before=as_state(row.before),
        after=as_state(row.after),
        outcome=Outcome(row.outcome),
        code=row.code,
        detail=row.detail,
    )


def public_id(run_id: UUID) -> str:
    """`run_…`, as commands take it."""
    return ids.encode(ids.RUN, run_id)


def _sources(arguments: Mapping[str, Any]) -> Sequence[str]:
    return tuple(arguments.get("checks", ()))


def _columns(items: Sequence[Item]) -> dict[str, list[Any]]:
    return {
        "kinds": [item.kind for item in items],
        "keys": [item.key for item in items],
        "courses": [item.course_id for item in items],
        "lines": [item.line for item in items],
        "befores": [json.dumps(item.before) for item in items],
        "afters": [json.dumps(item.after) for item in items],
        "outcomes": [item.outcome.value for item in items],
        "codes": [item.code for item in items],
        "details": [item.detail for item in items],
    }
