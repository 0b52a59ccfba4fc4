"""Old months leave the log whole, when nobody needs them there, and come back as they were."""

import gzip
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from django.utils import timezone

from common import db
from common.events import archives, archiving, months, selectors
from common.models import ArchivedMonth, ArchivedSubject, Event, FeedReader, Mail, WebhookDelivery
from common.tests.factories import a_person, client_of
from common.tests.months import AFTER_THAT, LONG_AGO, OWNER, a_month
from common.tests.operating import Ran, operate
from common.tests.problems import refused
from common.tests.unchanged import nothing_changed
from common.tests.webhooks import a_webhook, hand_on, happen
from common.types import Page, PageRequest

pytestmark = pytest.mark.django_db

BEFORE = "2024-03"


@pytest.fixture(autouse=True)
def an_old_log() -> None:
    """Two months that are long over, and an event of now."""
    a_month(LONG_AGO, "enr_1", "enr_2", "enr_1", first=1, partner=OWNER)
    a_month(AFTER_THAT, "enr_1", "enr_3", first=4)
    happen(subject="enr_4")
    FeedReader.objects.update(position=6)


def archive(*arguments: object, before: str = BEFORE) -> Ran:
    return operate("archive_events", "--before", before, *map(str, arguments))


def apply(folder: Path, before: str = BEFORE) -> Ran:
    return archive("--out", folder, "--apply", "--yes", before=before)


def restore(path: Path) -> Ran:
    return operate("archive_events", "--restore", str(path), "--apply", "--yes")


def told(ran: Ran) -> list[tuple[str, str]]:
    """What became of each month that has events."""
    return [(line["month"], line["outcome"]) for line in json.loads(ran.out) if line["events"]]


def reasons(ran: Ran) -> list[str]:
    return [line["detail"] for line in json.loads(ran.out) if line["outcome"] == "refused"]


def rows() -> list[tuple[object, ...]]:
    return db.fetch_all("SELECT tableoid::regclass::text, to_jsonb(event) FROM common_event AS event ORDER BY id")


def feed(*, after: int | None = None, limit: int = 100, type: str | None = None) -> Page[selectors.EventRecord]:
    return selectors.list_feed(type=type, page=PageRequest(limit=limit, after=None if after is None else (after,)))


class TestADryRun:
    def test_says_what_would_go_and_changes_nothing(self) -> None:
        with nothing_changed():
            ran = archive()
        assert ran.code == 3
        first, second = (line for line in json.loads(ran.out) if line["events"])
        assert (first["month"], first["events"], first["outcome"]) == ("2024-01", 3, "planned")
        assert (first["first_time"], first["last_time"]) == ("2024-01-01T07:30:00+00:00", "2024-01-03T07:30:00+00:00")
        assert (second["month"], second["detail"]) == ("2024-02", "events-2024-02.jsonl.gz")

    def test_finds_nothing_where_nothing_is_so_old(self) -> None:
        ran = archive(before="2024-01")
        assert (ran.code, json.loads(ran.out)) == (0, [])

    def test_finds_nothing_in_a_log_that_has_just_begun(self) -> None:
        db.execute("TRUNCATE common_event CASCADE")
        ran = archive(before="9999-01")
        assert (ran.code, json.loads(ran.out)) == (0, [])

    def test_is_a_table_for_people(self) -> None:
        ran = operate("archive_events", "--before", BEFORE, format="table")
        assert "2024-01" in ran.out
        assert "planned" in ran.out


class TestAMonthThatGoes:
    def test_is_told_to_people_with_the_whole_of_its_digest(self, tmp_path: Path) -> None:
        options = ("--before", BEFORE, "--out", str(tmp_path), "--apply", "--yes")
        ran = operate("archive_events", *options, format="table")
        gone = ArchivedMonth.objects.get(number=202401)
        line = next(line for line in ran.out.splitlines() if "2024-01 " in line)
        assert (gone.digest in line, gone.file in line) == (True, True)

    def test_is_in_its_file_line_by_line(self, tmp_path: Path) -> None:
        expected = [row for table, row in rows() if table == LONG_AGO.table]
        ran = apply(tmp_path)
        assert ran.code == 0, ran.err
        unpacked = gzip.decompress((tmp_path / "events-2024-01.jsonl.gz").read_bytes())
        assert [json.loads(line) for line in unpacked.splitlines()] == expected
        (line, _) = (line for line in json.loads(ran.out) if line["events"])
        assert line["digest"] == hashlib.sha256(unpacked).hexdigest() == ArchivedMonth.objects.get(number=202401).digest
        assert [path.name for path in tmp_path.iterdir() if "unfinished" in path.name] == []

    def test_is_no_longer_in_the_log_and_nothing_else_is_missing(self, tmp_path: Path) -> None:
        stays = [row for row in rows() if row[0] not in {LONG_AGO.table, AFTER_THAT.table}]
        apply(tmp_path)
        assert rows() == stays
        assert {LONG_AGO, AFTER_THAT}.isdisjoint(months.kept())

    def test_comes_back_as_it_was(self, tmp_path: Path) -> None:
        before = rows()
        apply(tmp_path)
        for month in (AFTER_THAT, LONG_AGO):
            ran = restore(tmp_path / f"events-{month}.jsonl.gz")
            assert ran.code == 0, ran.err
        assert rows() == before
        assert (ArchivedMonth.objects.count(), ArchivedSubject.objects.count()) == (0, 0)

    def test_goes_alone_if_only_it_is_old_enough(self, tmp_path: Path) -> None:
        assert told(apply(tmp_path, before="2024-02")) == [("2024-01", "done")]
        assert AFTER_THAT in months.kept()

    def test_stays_if_the_file_is_not_what_it_is(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write = archives.write

        def lose_a_line(path: Path, lines: Iterable[str]) -> archives.Seal:
            return write(path, list(lines)[1:])

        monkeypatch.setattr(archives, "write", lose_a_line)
        with nothing_changed():
            ran = apply(tmp_path)
        assert ran.code == 1
        assert "is not what common_event_" in ran.err

    def test_stays_if_the_file_is_damaged_on_the_disk(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write = archives.write

        def cut_off(path: Path, lines: Iterable[str]) -> archives.Seal:
            seal = write(path, lines)
            path.write_bytes(path.read_bytes()[:-12])
            return seal

        monkeypatch.setattr(archives, "write", cut_off)
        with nothing_changed():
            assert apply(tmp_path).code == 1


class TestAMonthThatStays:
    def assert_stays(self, folder: Path, why: str) -> None:
        with nothing_changed():
            ran = apply(folder)
        assert ran.code == 1
        assert told(ran) == [("2024-01", "refused"), ("2024-02", "refused")]
        assert why in reasons(ran)[0]

    def test_is_one_of_which_a_delivery_is_kept(self, tmp_path: Path) -> None:
        event = Event.objects.get(position=2)
        WebhookDelivery.objects.create(webhook_id=a_webhook(), event=event, sequence=1, status="pending")
        self.assert_stays(tmp_path, "1 deliveries and 0 mails")

    def test_is_one_of_which_a_mail_is_kept(self, tmp_path: Path) -> None:
        event = Event.objects.get(position=2)
        Mail.objects.create(event=event, recipient=a_person(), status="sent", ended_at=timezone.now())
        self.assert_stays(tmp_path, "0 deliveries and 1 mails")

    def test_is_one_that_has_not_been_handed_on(self, tmp_path: Path) -> None:
        FeedReader.objects.filter(name="mail").update(position=2)
        self.assert_stays(tmp_path, "handed on: mail")

    def test_is_one_with_events_that_are_not_in_the_feed(self, tmp_path: Path) -> None:
        Event.objects.create(
            id=LONG_AGO.first_id + 9, type="a", subject="b", actor="c", data={}, time="2024-01-09 00:00Z"
        )
        self.assert_stays(tmp_path, "not in the feed yet")

    def test_is_one_with_an_event_that_is_too_young(self, tmp_path: Path) -> None:
        Event.objects.create(id=LONG_AGO.first_id + 9, position=9, type="a", subject="b", actor="c", data={})
        self.assert_stays(tmp_path, "kept for 13 months")

    def test_holds_those_after_it(self, tmp_path: Path) -> None:
        FeedReader.objects.update(position=2)
        assert reasons(apply(tmp_path))[1] == "2024-01 stays, and nothing is left out."

    def test_is_the_one_that_the_feed_ends_in(self, tmp_path: Path) -> None:
        Event.objects.create(
            id=LONG_AGO.first_id + 9, position=9, type="a", subject="b", actor="c", data={}, time="2024-01-09 00:00Z"
        )
        FeedReader.objects.update(position=9)
        self.assert_stays(tmp_path, "The feed ends in it")

    def test_is_the_one_that_events_go_into(self, tmp_path: Path) -> None:
        ran = apply(tmp_path, before="9999-01")
        assert months.current() in months.kept()
        assert "It is not over." in reasons(ran)


class TestTheFeed:
    def test_refuses_a_cursor_from_before_what_went(self, tmp_path: Path) -> None:
        client = client_of(a_person(permissions=("common.view_event",)))
        early = client.get("events", {"limit": 2}).json()["page"]["next_cursor"]
        apply(tmp_path)
        problem = refused(client.get("events", {"after": early}), 400, "invalid_cursor")
        assert "has been moved out of the feed" in problem["detail"]

    def test_goes_on_from_the_last_that_went(self, tmp_path: Path) -> None:
        apply(tmp_path)
        assert [event.subject for event in feed(after=5).rows] == ["enr_4"]
        with pytest.raises(selectors.EventsMovedOut):
            feed(after=4)

    def test_begins_with_what_it_still_has(self, tmp_path: Path) -> None:
        apply(tmp_path)
        page = feed()
        assert ([event.subject for event in page.rows], page.next_after) == (["enr_4"], (6,))

    def test_of_a_reader_for_whom_there_was_nothing_moves_on_all_the_same(self, tmp_path: Path) -> None:
        (after,) = feed(type="course.created").next_after or (None,)
        apply(tmp_path)
        assert isinstance(after, int)
        assert feed(type="course.created", after=after).rows == []

    def test_goes_on_counting(self, tmp_path: Path) -> None:
        apply(tmp_path)
        happen(subject="enr_5")
        assert Event.objects.get(subject="enr_5").position == 7


class TestWhatFollows:
    def test_deliveries_go_on_counting_the_events_of_a_subject(self, tmp_path: Path) -> None:
        webhook = a_webhook()
        apply(tmp_path)
        for subject in ("enr_1", "enr_2", "enr_4"):
            happen(subject=subject)
        hand_on()
        delivered = WebhookDelivery.objects.filter(webhook=webhook).order_by("id")
        # Two of the first were of a partner; that of another month was nobody's.
        assert [each.sequence for each in delivered] == [3, 2, 2]

    def test_who_is_enrolled_since_then_is_not_taken_for_forgotten(self, tmp_path: Path) -> None:
        apply(tmp_path)
        ((beginning,),) = db.fetch_all(f"SELECT {selectors.BEGINNING_IN_SQL}")
        assert beginning == ArchivedMonth.objects.get(number=202402).last_time


class TestComingBack:
    def test_takes_the_last_out_first(self, tmp_path: Path) -> None:
        apply(tmp_path)
        with nothing_changed():
            ran = restore(tmp_path / "events-2024-01.jsonl.gz")
        assert ran.code == 1
        assert "2024-02" in ran.err

    def test_takes_only_what_was_written(self, tmp_path: Path) -> None:
        apply(tmp_path)
        path = tmp_path / "events-2024-02.jsonl.gz"
        changed = gzip.decompress(path.read_bytes()).replace(b"enr_3", b"enr_9")
        path.write_bytes(gzip.compress(changed))
        with nothing_changed():
            ran = restore(path)
        assert ran.code == 1
        assert "not what was written" in ran.err

    def test_needs_to_be_told_to_write(self, tmp_path: Path) -> None:
        apply(tmp_path)
        with nothing_changed():
            assert operate("archive_events", "--restore", str(tmp_path / "events-2024-02.jsonl.gz")).code == 2


class TestTheCommand:
    def test_needs_a_folder_to_write(self, tmp_path: Path) -> None:
        for arguments in (("--apply", "--yes"), ("--apply", "--yes", "--out", tmp_path / "none")):
            with nothing_changed():
                assert archive(*arguments).code == 2

    def test_asks_before_it_writes(self, tmp_path: Path) -> None:
        with nothing_changed():
            ran = archive("--out", tmp_path, "--apply")
        assert (ran.code, "say --yes" in ran.err) == (2, True)

    def test_tries_again_while_the_log_is_in_use(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(archiving, "PAUSES", (0,))
        tries: list[str] = []

        def in_use(*_arguments: object) -> None:
            tries.append("once more")
            db.execute("DO $$ BEGIN RAISE EXCEPTION 'in use' USING ERRCODE = 'lock_not_available'; END $$")

        monkeypatch.setattr(archiving, "_run", in_use)
        monkeypatch.setattr(archiving, "_lines", lambda _month: iter(()))
        with pytest.raises(archiving.LogInUse):
            archiving.archive(plan=archiving.plan(before=AFTER_THAT)[-1], folder=tmp_path, operator="ada")
        assert len(tries) == 2
