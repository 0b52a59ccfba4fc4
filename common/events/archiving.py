"""Old months of the event log are moved out into files, and back in (docs/adr/0005).

The log is without gaps at any time: months go from the earliest on, and the last one out is the first back in.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import psycopg
from django.conf import settings
from django.db import OperationalError, connection, transaction

from common import db
from common.events import archives, months, selectors
from common.events.months import Month
from common.models import ArchivedMonth

# How long to wait before each next try for the lock of the log.
PAUSES = (1, 2, 4, 8)
_LOCK_NOT_AVAILABLE = ("55P03", "40P01")

_FACTS = """
    SELECT count(*), count(*) FILTER (WHERE position IS NULL), min(time), max(time), coalesce(max(position), 0),
        coalesce(max(time) < statement_timestamp() - make_interval(months => %s), true)
    FROM {table}
"""
_READERS = "SELECT string_agg(name, ', ') FROM common_feedreader WHERE position < %s"
_REFERRING = """
    SELECT (SELECT count(*) FROM common_webhookdelivery WHERE event_id >= %(first)s AND event_id < %(beyond)s),
        (SELECT count(*) FROM common_mail WHERE event_id >= %(first)s AND event_id < %(beyond)s)
"""
# The statements of a month are long. Whoever waits for the lock of a table makes all others wait behind.
_PATIENCE = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '500ms'"
_LINES = "COPY (SELECT to_jsonb(event)::text FROM {table} AS event ORDER BY id) TO STDOUT"
_KEEP_COUNTS = """
    INSERT INTO common_archivedsubject (month_id, subject, events)
    SELECT %s, subject, count(*) FROM {table} WHERE partner <> '' GROUP BY subject
"""
_TAKE_OUT = """
    LOCK TABLE common_event IN ACCESS EXCLUSIVE MODE;
    ALTER TABLE common_event DETACH PARTITION {table};
    DROP TABLE {table}
"""
_STAGE = "CREATE TEMPORARY TABLE archived_line (line text NOT NULL)"
_FILL = """
    INSERT INTO {table} SELECT event.*
    FROM archived_line CROSS JOIN LATERAL jsonb_populate_record(NULL::common_event, line::jsonb) AS event;
    DROP TABLE archived_line
"""


class NotTheLastOut(archives.ArchiveFault):
    """Months come back in the order in which they do not leave a gap."""


class LogInUse(archives.ArchiveFault):
    """The log was in use all the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A month that could be moved out. `refusal` says why not, and is empty if it can."""

    month: Month
    events: int
    first_time: datetime | None
    last_time: datetime | None
    last_position: int
    refusal: str

    @property
    def file(self) -> str:
        """What its file is called."""
        return f"events-{self.month}.jsonl.gz"


def plan(*, before: Month) -> list[Plan]:
    """What there is of months before this one, the earliest first. After one that has to stay, all have to.

    Before the first event there is nothing to move, whatever tables there are.
    """
    plans: list[Plan] = []
    for month in months.kept():
        if month < before:
            stays = next((each.month for each in plans if each.refusal), None)
            found = _plan(month, before, stays)
            if plans or found.events:
                plans.append(found)
    return plans


def _plan(month: Month, before: Month, stays: Month | None) -> Plan:
    row = db.fetch_one(_FACTS.format(table=month.table), [settings.EVENTS_KEPT_MONTHS])
    assert row is not None
    events, unplaced, first_time, last_time, last_position, is_old = row
    refusal = ""
    if stays is not None:
        refusal = f"{stays} stays, and nothing is left out."
    elif month >= months.current():
        refusal = "It is not over."
    elif not month.number and last_time is not None and f"{last_time:%Y-%m}" >= str(before):
        refusal = "It goes on after that."
    elif not is_old:
        refusal = f"Events are kept for {settings.EVENTS_KEPT_MONTHS} months."
    elif unplaced:
        refusal = f"{unplaced:,} are not in the feed yet."
    elif events:
        refusal = _still_needed(month, last_position)
    return Plan(
        month=month,
        events=events,
        first_time=first_time,
        last_time=last_time,
        last_position=last_position,
        refusal=refusal,
    )


def _still_needed(month: Month, last_position: int) -> str:
    if last_position >= selectors.last_position():
        return "The feed ends in it, and goes on from there."
    behind = db.fetch_one(_READERS, [last_position])
    if behind is not None and behind[0]:
        return f"Not all of it has been handed on: {behind[0]}."
    deliveries, mails = db.fetch_all(_REFERRING, {"first": month.first_id, "beyond": month.beyond})[0]
    return f"{deliveries:,} deliveries and {mails:,} mails are of its events." if deliveries or mails else ""


def archive(*, plan: Plan, folder: Path, operator: str) -> archives.Seal:
    """The month is in a file, which was read again and compared with the table, and no longer in the log.

    Raises:
        ArchiveDamaged: the file is not what the table is.
        LogInUse: there was no moment for it.
    """
    path = folder / plan.file
    seal = archives.write(path, _lines(plan.month))
    if not seal == archives.seal_of(archives.read(path)) == archives.seal_of(_lines(plan.month)):
        raise archives.ArchiveDamaged(f"{path} is not what {plan.month.table} is.")
    for pause in (*PAUSES, None):
        try:
            _take_out(plan, path, seal, operator)
        except OperationalError as fault:
            if getattr(fault.__cause__, "sqlstate", "") not in _LOCK_NOT_AVAILABLE:
                raise
            if pause is None:
                raise LogInUse("The log was in use all the time; the month is still in it. Try again.") from fault
            time.sleep(pause)
        else:
            break
    return seal


@transaction.atomic
def _take_out(plan: Plan, path: Path, seal: archives.Seal, operator: str) -> None:
    _run(_PATIENCE)
    if plan.events:
        ArchivedMonth.objects.create(
            number=plan.month.number,
            events=seal.lines,
            last_position=plan.last_position,
            last_time=plan.last_time,
            file=str(path),
            digest=seal.digest,
            operator=operator,
        )
        db.execute_set(_KEEP_COUNTS.format(table=plan.month.table), [plan.month.number])
    _run(_TAKE_OUT.format(table=plan.month.table))


def restore(*, path: Path) -> Month:
    """The month that was moved out into the file is in the log again, as it was.

    Raises:
        ArchiveDamaged: the file is not what was written then.
        NotTheLastOut: it is of no month that was moved out, or another one has to come back first.
    """
    first = next(archives.read(path), None)
    last_out = ArchivedMonth.objects.order_by("-number").first()
    month = None if first is None else months.of_id(json.loads(first)["id"])
    if last_out is None or month != Month(last_out.number):
        wanted = "none is out" if last_out is None else f"that is {Month(last_out.number)}, in {last_out.file}"
        raise NotTheLastOut(f"The last month out comes back first: {wanted}.")
    if archives.seal_of(archives.read(path)) != archives.Seal(last_out.events, last_out.digest):
        raise archives.ArchiveDamaged(f"{path} is not what was written when {month} was moved out.")
    _put_back(month, path, last_out)
    return month


@transaction.atomic
def _put_back(month: Month, path: Path, archived: ArchivedMonth) -> None:
    _run(_PATIENCE)
    _run(_STAGE)
    with _cursor().copy("COPY archived_line (line) FROM STDIN") as copy:
        for line in archives.read(path):
            copy.write_row([line])
    months.make(month)
    _run(_FILL.format(table=month.table))
    months.attach(month)
    archived.delete()


@transaction.atomic
def _lines(month: Month) -> Iterator[str]:
    """The events of the month, in the order of their ids, as the file has them."""
    _run(_PATIENCE)
    with _cursor().copy(_LINES.format(table=month.table)) as copy:
        for row in copy.rows():
            yield row[0]


def _run(statements: str) -> None:
    for statement in statements.split(";"):
        db.execute_set(statement)


def _cursor() -> psycopg.Cursor[Any]:
    connection.ensure_connection()
    return cast("psycopg.Connection[Any]", connection.connection).cursor()
