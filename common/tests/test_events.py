import json
import time
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, transaction

from common import db
from common.db import NotInTransaction
from common.events import selectors, services
from common.events.types import EventRecord, Occurrence, Subscription
from common.models import Event
from common.tests.patience import PATIENCE_SECONDS
from common.tests.races import holding, meet, rival, wave
from common.tests.recorded import recording
from common.tests.unchanged import nothing_changed
from common.types import Actor, Page, PageRequest

COURSE = "crs_01h455vb4pex5vsknk084sn02q"
OTHER = "crs_01h455vb4pex5vsknk084sn02r"
ACTOR = Actor(name="usr_01h455vb4pex5vsknk084sn02q", request_id="checkout-7f3a")
ids = services.ids


def record(subject: str, *, type: str = "review.created", course: str = COURSE, **data: Any) -> list[str]:
    with transaction.atomic():
        return services.record(type=type, subject=subject, course=course, data=data, actor=ACTOR)


def now() -> datetime:
    """The database's clock."""
    ((instant,),) = db.fetch_all("SELECT clock_timestamp()")
    assert isinstance(instant, datetime)
    return instant


def feed(*, after: tuple[object, ...] | None = None, limit: int = 100, type: str | None = None) -> Page[EventRecord]:
    return selectors.list_feed(type=type, page=PageRequest(limit=limit, after=after))


def subjects(page: Page[EventRecord]) -> list[str]:
    return [event.subject for event in page.rows]


def positions() -> list[int | None]:
    return list(Event.objects.order_by("position").values_list("position", flat=True))


@pytest.mark.django_db
class TestRecord:
    def test_keeps_what_happened_to_what_by_whom_and_in_which_request(self) -> None:
        before = now()
        with recording() as events:
            record("a", course=OTHER, type="review.hidden", text="“ünïcode” \\ %s", number=1, nothing=None)
        (event,) = events
        assert (event.type, event.subject, event.course) == ("review.hidden", "a", OTHER)
        assert (event.actor, event.request_id) == (ACTOR.name, ACTOR.request_id)
        assert event.data == {"text": "“ünïcode” \\ %s", "number": 1, "nothing": None}
        assert (event.uuid.version, event.position) == (7, None)
        assert before <= event.time <= now()

    def test_is_undone_with_the_use_case(self) -> None:
        with nothing_changed(), transaction.atomic():
            record("a")
            transaction.set_rollback(True)

    def test_refuses_outside_of_a_use_case(self) -> None:
        with nothing_changed(), pytest.raises(NotInTransaction):
            services.record(type="course.updated", subject="a", course=COURSE, data={}, actor=ACTOR)

    def test_wakes_what_is_subscribed_to_the_event_if_its_data_say_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        woken: list[tuple[Any, str]] = []
        subscription = Subscription(
            event="course.updated",
            consequence="coffee",
            when=lambda data: data["cups"] > 1,
            wake=lambda data, request_id: woken.append((data, request_id)),
        )
        monkeypatch.setattr(services, "_subscriptions", ())
        services.subscribe([subscription])
        assert record("a", type="course.updated", cups=1) == []
        assert record("a", type="course.opened", cups=2) == []
        assert woken == []
        assert record("a", type="course.updated", cups=2) == ["coffee"]
        assert woken == [({"cups": 2}, ACTOR.request_id)]


@pytest.mark.django_db
class TestRecordMany:
    def record(self, *subjects: str) -> None:
        rows = [Occurrence(subject=subject, data={"number": number}) for number, subject in enumerate(subjects)]
        services.record_many(type="waitlist.promoted", course=COURSE, rows=rows, actor=ACTOR)

    def test_keeps_one_event_for_each_row_in_order(self) -> None:
        with recording() as events, transaction.atomic():
            self.record("b", "a", "c")
        assert [(event.subject, event.data) for event in events] == [
            ("b", {"number": 0}),
            ("a", {"number": 1}),
            ("c", {"number": 2}),
        ]
        assert {(event.type, event.course, event.actor, event.request_id) for event in events} == {
            ("waitlist.promoted", COURSE, ACTOR.name, ACTOR.request_id)
        }
        assert len({event.uuid for event in events}) == 3

    def test_keeps_nothing_of_nothing(self) -> None:
        with nothing_changed(), transaction.atomic():
            self.record()

    def test_refuses_outside_of_a_use_case(self) -> None:
        with nothing_changed(), pytest.raises(NotInTransaction):
            self.record("a")


@pytest.mark.django_db
class TestRecordingAsAPart:
    def record(self, source: str, type: str = "waitlist.joined") -> None:
        part = services.recording(
            "joined",
            type=type,
            subject="a",
            course=COURSE,
            data={"text": "100 %"},
            actor=ACTOR,
            source=source,
            more="jsonb_build_object('number', number)",
        )
        numbers = "SELECT generate_series(3, 4) AS number"
        db.execute(f"WITH numbers AS ({numbers}), {part.name} AS ({part.sql}) SELECT", part.values)

    def test_keeps_the_event_with_what_the_statement_adds_to_its_data(self) -> None:
        with recording() as events:
            self.record("numbers WHERE number = 3")
        (event,) = events
        assert (event.type, event.subject, event.course) == ("waitlist.joined", "a", COURSE)
        assert (event.actor, event.request_id) == (ACTOR.name, ACTOR.request_id)
        assert event.data == {"text": "100 %", "number": 3}

    def test_keeps_nothing_of_a_source_without_rows(self) -> None:
        with nothing_changed():
            self.record("numbers WHERE number = 5")

    def test_refuses_a_type_that_wakes_something(self, monkeypatch: pytest.MonkeyPatch) -> None:
        subscription = Subscription(
            event="waitlist.joined", consequence="coffee", when=bool, wake=lambda _data, _request_id: None
        )
        monkeypatch.setattr(services, "_subscriptions", (subscription,))
        with nothing_changed(), pytest.raises(ValueError, match=r"waitlist\.joined wakes something"):
            self.record("numbers")


@pytest.mark.django_db
class TestTheLog:
    @pytest.mark.parametrize(
        "change",
        [
            "DELETE FROM common_event",
            "UPDATE common_event SET data = '{}'",
            "UPDATE common_event SET actor = 'nobody', position = 7 WHERE position IS NULL",
            "UPDATE common_event SET time = time - interval '1 day', position = 7 WHERE position IS NULL",
            "UPDATE common_event SET position = position + 100 WHERE position IS NOT NULL",
            "UPDATE common_event SET position = NULL WHERE position IS NOT NULL",
        ],
    )
    def test_only_grows(self, change: str) -> None:
        record("placed", number=1)
        services.place_committed()
        record("not placed yet", number=2)
        with nothing_changed(), pytest.raises(DatabaseError, match=r"The event log only grows\."), transaction.atomic():
            db.execute(change)


@pytest.mark.django_db
class TestPlaceCommitted:
    def test_gives_positions_in_the_order_of_recording_and_goes_on_from_there(self) -> None:
        for subject in "ab":
            record(subject)
        assert services.place_committed() == 2
        for subject in "cd":
            record(subject)
        assert services.place_committed() == 2
        assert (subjects(feed()), positions()) == (["a", "b", "c", "d"], [1, 2, 3, 4])

    def test_changes_nothing_when_all_have_their_place(self) -> None:
        record("a")
        services.place_committed()
        assert not selectors.has_unplaced()
        with nothing_changed():
            assert services.place_committed() == 0

    def test_works_in_rounds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(services, "_PLACED_AT_ONCE", 2)
        for subject in "abcde":
            record(subject)
        assert [services.place_committed() for _ in range(4)] == [2, 2, 1, 0]
        assert (subjects(feed()), positions()) == (["a", "b", "c", "d", "e"], [1, 2, 3, 4, 5])


@pytest.mark.django_db(transaction=True)
class TestTheOrderOfTheFeed:
    def test_is_that_of_commits_where_an_older_transaction_ends_after_a_newer_one(self) -> None:
        with holding(lambda: record("older")) as first:
            record("newer")
            services.place_committed()
            seen = feed()
            assert subjects(seen) == ["newer"]
            first.commit()
            first.result()
        services.place_committed()
        assert subjects(feed(after=seen.next_after)) == ["older"]
        assert subjects(feed()) == ["newer", "older"]

        older, newer = (Event.objects.get(subject=subject) for subject in ("older", "newer"))
        assert older.id < newer.id, "A reader that went by ids would have missed the older one."

    def test_has_no_gap_for_what_was_undone(self) -> None:
        with holding(lambda: record("undone")) as first:
            record("a")
            services.place_committed()
            first.undo()
            first.result()
        record("b")
        services.place_committed()
        assert (subjects(feed()), positions()) == (["a", "b"], [1, 2])

    def test_is_made_by_one_at_a_time(self) -> None:
        for subject in "abc":
            record(subject)
        assert meet(services.place_committed, services.place_committed) == (3, 0)
        assert positions() == [1, 2, 3]

    def test_is_saved_only_by_the_guard_of_the_log_without_the_lock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        execute = db.execute

        def without_lock(sql: str, parameters: Any = ()) -> int:
            return 0 if "pg_advisory_xact_lock" in sql else execute(sql, parameters)

        monkeypatch.setattr(db, "execute", without_lock)
        record("a")
        with holding(services.place_committed) as first, rival(services.place_committed) as second:
            assert second.waits_for(first)
            first.commit()
            with pytest.raises(DatabaseError, match="only grows"):
                second.result()

    def test_is_the_same_for_rivals_who_all_want_it_at_once(self) -> None:
        for number in range(60):
            record(f"{number}")
        placed = wave(lambda _: services.place_committed(), range(20))
        assert sum(count for count in placed if isinstance(count, int)) == 60
        assert positions() == list(range(1, 61))

    def test_shows_each_event_once_to_readers_who_follow_while_it_is_written(self) -> None:
        total = 40

        def write(writer: int) -> list[str]:
            for number in range(5):
                record(f"{writer}-{number}")
            return []

        def follow(_: int) -> list[str]:
            seen: list[str] = []
            after: tuple[object, ...] | None = None
            deadline = time.monotonic() + PATIENCE_SECONDS
            while len(seen) < total and time.monotonic() < deadline:
                services.place_committed()
                page = feed(after=after, limit=7)
                seen += subjects(page)
                after = page.next_after
            return seen

        read = wave(lambda number: follow(number) if number < 4 else write(number), range(12))
        everything = subjects(feed())
        assert len(set(everything)) == total
        assert read[:4] == [everything] * 4
        for writer in range(4, 12):
            assert [each for each in everything if each.startswith(f"{writer}-")] == [
                f"{writer}-{number}" for number in range(5)
            ]


@pytest.mark.django_db
class TestListFeed:
    @pytest.fixture(autouse=True)
    def _five_events(self) -> None:
        for number, subject in enumerate("abcde"):
            record(subject, type="review.updated" if number % 2 else "review.hidden")
        services.place_committed()

    def test_shows_an_event_as_readers_see_it(self) -> None:
        record("f", number=1)
        services.place_committed()
        row = Event.objects.get(subject="f")
        assert feed().rows[-1] == EventRecord(
            id=row.uuid,
            source="/lectern",
            type="review.created",
            subject="f",
            time=row.time,
            actor=ACTOR.name,
            requestid=ACTOR.request_id,
            data={"number": 1},
        )
        assert isinstance(row.uuid, UUID)
        assert json.dumps(row.data) == '{"number": 1}'

    def test_goes_on_where_the_page_before_ended(self) -> None:
        first = feed(limit=2)
        second = feed(limit=2, after=first.next_after)
        third = feed(limit=2, after=second.next_after)
        assert [subjects(page) for page in (first, second, third)] == [["a", "b"], ["c", "d"], ["e"]]
        assert [page.has_more for page in (first, second, third)] == [True, True, False]

    def test_tells_where_to_come_back_to_also_at_its_end(self) -> None:
        end = feed(after=feed().next_after)
        assert (end.rows, end.has_more) == ([], False)
        record("f")
        services.place_committed()
        assert subjects(feed(after=end.next_after)) == ["f"]

    def test_begins_before_the_first_event_for_a_reader_who_came_too_early(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE common_event DISABLE TRIGGER USER")
            cursor.execute("DELETE FROM common_event")
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # before the table can be altered again
            cursor.execute("ALTER TABLE common_event ENABLE TRIGGER USER")
        early = feed()
        record("a")
        services.place_committed()
        assert subjects(feed(after=early.next_after)) == ["a"]

    def test_can_be_of_one_type(self) -> None:
        page = feed(type="review.updated", limit=1)
        assert (subjects(page), page.has_more) == (["b"], True)
        assert subjects(feed(type="review.updated", after=page.next_after)) == ["d"]

    def test_does_not_show_what_has_no_place_yet(self) -> None:
        record("f")
        assert selectors.has_unplaced()
        assert "f" not in subjects(feed())


@pytest.mark.django_db
class TestTimelines:
    def test_of_subjects_are_their_newest_events_newest_first(self) -> None:
        for subject in ("a", "b", "a", "c", "a"):
            record(subject)
        newest = selectors.timeline_of(subjects=["a", "c"], limit=3)
        assert [event.subject for event in newest] == ["a", "c", "a"]

    def test_of_a_course_is_everything_in_it(self) -> None:
        record("a")
        record("b", course=OTHER)
        record("c")
        assert [event.subject for event in selectors.timeline_of_course(course=COURSE, limit=9)] == ["c", "a"]
