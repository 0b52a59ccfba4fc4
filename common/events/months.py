"""The months of the event log: each has a table of its own, and ids lead to it (docs/adr/0005).

The ids of a month begin with it: those of November 2026 with 202611, and then count. They come from one sequence, which
is moved on when a month begins, so they only ever grow, whatever clocks do. An event goes where the sequence is, so
there is a table for it: the sequence is moved on to a month only when that has one.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import transaction

from common import db

_LOCK = 0x1EC7E13
_IDS = 10**12
_TABLE = re.compile(r"common_event_(\d{6})")

_THIS_AND_NEXT = """
    SELECT to_char(now, 'YYYYMM')::int, to_char(now + interval '1 month', 'YYYYMM')::int
    FROM (SELECT date_trunc('month', statement_timestamp() AT TIME ZONE 'UTC') AS now) AS clock
"""
_HAS_MONTHS = "SELECT EXISTS (SELECT FROM pg_partitioned_table WHERE partrelid = to_regclass('common_event'))"
_TABLES = """
    SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = 'common_event'::regclass ORDER BY relname
"""
# Two of a kind are ruled out within a month. Across months it is ids and places that only grow, and the time in a uuid.
_MAKE = """
    CREATE TABLE {table} (LIKE common_event INCLUDING DEFAULTS);
    CREATE UNIQUE INDEX {table}_uuid ON {table} (uuid);
    CREATE UNIQUE INDEX {table}_position ON {table} (position);
"""
# Unlike CREATE TABLE … PARTITION OF, this lets others read and record meanwhile.
_ATTACH = "ALTER TABLE common_event ATTACH PARTITION {table} FOR VALUES FROM ({first}) TO ({beyond})"
_MOVE_ON = (
    "SELECT setval('common_event_id_seq', %(first)s, false) FROM common_event_id_seq WHERE last_value < %(first)s"
)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month by its number, such as 202611. Number 0 is all that was recorded before the log had months."""

    number: int

    @property
    def table(self) -> str:
        """The table of its events."""
        return f"common_event_{self.number:06}"

    @property
    def first_id(self) -> int:
        """The lowest id that an event of the month can have."""
        return self.number * _IDS

    @property
    def beyond(self) -> int:
        """What all ids of the month are below."""
        return self.first_id + _IDS

    def __str__(self) -> str:
        return f"{self.number // 100}-{self.number % 100:02}" if self.number else "earlier"


def begin() -> None:
    """What is recorded from now on belongs to the month that it is. This one and the next have their tables."""
    if db.fetch_one(_HAS_MONTHS) != (True,):  # `migrate` may have gone back to before them
        return
    this, following = (Month(number) for number in db.fetch_all(_THIS_AND_NEXT)[0])
    with _alone():
        for month in sorted({this, following} - set(kept())):
            make(month)
            attach(month)
    # In a transaction of its own, since nothing takes the sequence back when one fails.
    with _alone():
        db.execute(_MOVE_ON, {"first": this.first_id})


def kept() -> list[Month]:
    """The months whose events are in the log, the earliest first."""
    return [Month(int(name[1])) for (table,) in db.fetch_all(_TABLES) if (name := _TABLE.fullmatch(table))]


def current() -> Month:
    """The month that events go into."""
    row = db.fetch_one("SELECT last_value FROM common_event_id_seq")
    assert row is not None
    return of_id(row[0])


def of_id(event_id: int) -> Month:
    """The month of the event with this id."""
    return Month(event_id // _IDS)


def make(month: Month) -> None:
    """There is a table for the month, which nobody sees yet."""
    _run(_MAKE.format(table=month.table))


def attach(month: Month) -> None:
    """The table of the month is part of the log."""
    _run(_ATTACH.format(table=month.table, first=month.first_id, beyond=month.beyond))


def _run(statements: str) -> None:
    for statement in filter(str.strip, statements.split(";")):
        db.execute_set(statement)


@contextmanager
def _alone() -> Iterator[None]:
    """A transaction in which nobody else begins a month."""
    with transaction.atomic():
        db.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        yield
