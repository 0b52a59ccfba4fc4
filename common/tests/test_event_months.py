"""Every event is in the table of its month, and a new month holds nobody up."""

from collections.abc import Iterator

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from common import db, ids
from common.events import months, services
from common.events.months import Month
from common.models import Event
from common.tests.factories import SYSTEM
from common.tests.months import LONG_AGO, a_month
from common.tests.races import holding

FAR, FARTHER = Month(999811), Month(999812)


@pytest.fixture
def ids_as_they_were() -> Iterator[None]:
    """No transaction takes a sequence back, so this does."""
    row = db.fetch_one("SELECT last_value FROM common_event_id_seq")
    assert row is not None
    yield
    db.execute("SELECT setval('common_event_id_seq', %s)", [row[0] + 1000])


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, ids_as_they_were: None) -> type:
    """The months that the database takes for this one and the next."""

    class Clock:
        @staticmethod
        def shows(this: Month, following: Month) -> None:
            monkeypatch.setattr(months, "_THIS_AND_NEXT", f"SELECT {this.number}, {following.number}")

    return Clock


def record() -> Event:
    with transaction.atomic():
        services.record(type="review.created", subject="rev_1", course="", data={}, actor=SYSTEM)
    return Event.objects.latest("id")


def table_of(event: Event) -> str:
    ((table,),) = db.fetch_all("SELECT tableoid::regclass::text FROM common_event WHERE id = %s", [event.pk])
    return str(table)


@pytest.mark.django_db
class TestAnEvent:
    def test_is_in_the_table_of_the_month_that_it_is(self) -> None:
        ((this,),) = db.fetch_all("SELECT to_char(statement_timestamp() AT TIME ZONE 'UTC', 'YYYYMM')::int")
        assert table_of(record()) == Month(this).table == f"common_event_{this}"

    def test_is_found_by_its_id_in_one_table(self) -> None:
        event = record()
        plan = db.fetch_all(f"EXPLAIN SELECT FROM common_event WHERE id = {event.pk}")
        assert len({line for (line,) in plan if "Scan" in line}) == 1

    @pytest.mark.parametrize("column", ["uuid", "position"])
    def test_is_no_second_one_of_its_month(self, column: str) -> None:
        first, _ = a_month(LONG_AGO, "rev_1", "rev_2", first=7)
        values = {"uuid": ids.new_uuid(), "position": 700, column: getattr(first, column)}
        with pytest.raises(IntegrityError, match=f"{LONG_AGO.table}_{column}"), transaction.atomic():
            Event.objects.create(id=LONG_AGO.first_id + 9, type="a", subject="b", actor="c", data={}, **values)

    def test_cannot_be_of_a_month_that_has_no_table(self) -> None:
        with pytest.raises(DatabaseError, match="no partition"), transaction.atomic():
            Event.objects.create(id=FAR.first_id, type="a", subject="b", actor="c", data={})

    def test_is_guarded_in_each_table(self) -> None:
        a_month(LONG_AGO, "rev_1", first=7)
        for statement in (f"DELETE FROM {LONG_AGO.table}", f"UPDATE {LONG_AGO.table} SET actor = 'nobody'"):
            with pytest.raises(DatabaseError, match="only grows"), transaction.atomic():
                db.execute(statement)


@pytest.mark.django_db
class TestBeginning:
    def test_takes_what_is_recorded_from_then_on(self, clock: type) -> None:
        before = record()
        clock.shows(FAR, FARTHER)
        months.begin()
        after = record()
        assert (table_of(after), after.pk) == (FAR.table, FAR.first_id)
        assert table_of(before) != FAR.table

    def test_has_the_table_of_the_month_after_ready(self, clock: type) -> None:
        clock.shows(FAR, FARTHER)
        months.begin()
        assert [*months.kept()][-2:] == [FAR, FARTHER]
        assert months.current() == FAR

    def test_again_changes_nothing(self, clock: type) -> None:
        clock.shows(FAR, FARTHER)
        months.begin()
        record()
        kept = months.kept()
        months.begin()
        assert months.kept() == kept
        assert record().pk == FAR.first_id + 1

    def test_with_a_clock_that_went_back_goes_on_where_it_was(self, clock: type) -> None:
        clock.shows(FARTHER, Month(999901))
        months.begin()
        clock.shows(FAR, FARTHER)
        months.begin()
        assert table_of(record()) == FARTHER.table

    def test_without_its_table_stays_in_the_month_before(self, clock: type, monkeypatch: pytest.MonkeyPatch) -> None:
        def no_room(_month: Month) -> None:
            raise DatabaseError("no room on the disk")

        clock.shows(FAR, FARTHER)
        monkeypatch.setattr(months, "attach", no_room)
        with pytest.raises(DatabaseError, match="no room"):
            months.begin()
        assert table_of(record()) != FAR.table


@pytest.mark.django_db(transaction=True)
class TestBesideOthers:
    def test_a_new_month_waits_for_nobody_who_records(self, clock: type) -> None:
        clock.shows(FAR, FARTHER)
        with holding(record):
            months.begin()
        assert months.current() == FAR
        with connection.cursor() as cursor:
            for month in (FAR, FARTHER):
                cursor.execute(f"ALTER TABLE common_event DETACH PARTITION {month.table}")
                cursor.execute(f"DROP TABLE {month.table}")
