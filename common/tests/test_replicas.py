"""Who reads where, with a replica: here a second, read-only way to the same database."""

import logging
from collections.abc import Callable, Iterator
from copy import deepcopy

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from common import db, replicas
from common.models import User
from common.tests.factories import a_person, client_of
from common.tests.problems import refused
from courses.tests.factories import an_open_course, crs

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def replica(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[CaptureQueriesContext]:
    """What is asked of the replica."""
    there = deepcopy(connection.settings_dict)
    if not settings.THROUGH_PGBOUNCER:
        there["OPTIONS"]["options"] = "-c default_transaction_read_only=on"
    monkeypatch.setitem(connections.settings, replicas.REPLICA, there)
    monkeypatch.setattr(replicas, "_away_until", 0.0)
    monkeypatch.setattr(replicas, "_good_until", float("inf"))  # nobody looks how far behind it is
    settings.DATABASE_ROUTERS = ["common.replicas.Router"]
    wrapper = connections[replicas.REPLICA]

    def ensure_connection() -> None:
        with wrapper.wrap_database_errors:
            wrapper.connection or wrapper.connect()

    # Django's test case knows of no replica, and lets nobody connect to it.
    monkeypatch.setattr(wrapper, "ensure_connection", ensure_connection)
    with CaptureQueriesContext(wrapper) as asked:
        yield asked
    wrapper.close()
    del connections[replicas.REPLICA]


PUBLIC = ["courses", "courses/{}", "courses/{}/reviews", "courses/{}/reviews/summary"]


class TestReading:
    @pytest.mark.parametrize("path", PUBLIC)
    def test_without_credentials_is_the_replicas_work_alone(self, path: str, replica: CaptureQueriesContext) -> None:
        path = path.format(crs(an_open_course()))
        with CaptureQueriesContext(connection) as primary:
            assert client_of().get(path).status_code == 200
        assert (len(replica) > 0, len(primary)) == (True, 0)

    @pytest.mark.parametrize("path", PUBLIC)
    def test_with_credentials_is_the_primarys_who_has_what_they_wrote(
        self, path: str, replica: CaptureQueriesContext
    ) -> None:
        assert client_of(a_person()).get(path.format(crs(an_open_course()))).status_code == 200
        assert len(replica) == 0

    def test_what_is_one_s_own_is_the_primarys(self, replica: CaptureQueriesContext) -> None:
        assert client_of(a_person()).get("enrollments").status_code == 200
        refused(client_of().get("enrollments"), 401, "unauthenticated")
        assert len(replica) == 0

    def test_in_a_transaction_belongs_to_it(self, replica: CaptureQueriesContext) -> None:
        person = a_person()

        def read() -> tuple[int, bool]:
            with transaction.atomic():
                changed = db.execute("UPDATE common_user SET display_name = 'Ada' WHERE id = %s", [person.pk])
                return changed, User.objects.filter(display_name="Ada").exists()

        assert replicas.read_publicly(read) == (1, True)
        assert len(replica) == 0

    def test_goes_there_by_djangos_own_queries_too_and_writing_does_not(self, replica: CaptureQueriesContext) -> None:
        person = a_person()
        found = replicas.read_publicly(lambda: User.objects.get(pk=person.pk))
        assert len(replica) == 1
        found.save()
        assert len(replica) == 1


class TestReplicaAway:
    def test_is_no_reason_not_to_answer_and_it_is_left_alone_for_a_while(
        self, replica: CaptureQueriesContext, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        an_open_course()
        connections[replicas.REPLICA].close()
        monkeypatch.setattr(connections[replicas.REPLICA], "get_connection_params", lambda: {"host": "/nowhere"})
        for _ in range(3):
            assert len(client_of().get("courses").json()["data"]) == 1
        assert [line.levelno for line in caplog.records if line.name == "common.replicas"] == [logging.WARNING]

    def test_in_the_middle_is_no_reason_either(self, replica: CaptureQueriesContext) -> None:
        cut = []

        def read() -> str:
            if not cut:
                cut.append(db.fetch_one("SELECT 1"))
                db.fetch_one("SELECT pg_terminate_backend(pg_backend_pid())")
            return db.alias_for_reads()

        assert replicas.read_publicly(read) == db.PRIMARY

    def test_hides_no_fault_of_ours(self, replica: CaptureQueriesContext) -> None:
        asked = []

        def read() -> None:
            asked.append(db.alias_for_reads())
            db.fetch_one("SELECT nonsense")

        with pytest.raises(Exception, match="nonsense"):
            replicas.read_publicly(read)
        assert asked == [replicas.REPLICA]


class Positions:
    """How far primary and replica are in the log, and how often the primary was asked. `later` moves the clock on."""

    def __init__(self) -> None:
        self.primary: int | None = 0
        self.replica = 0
        self.asked = 0
        self.now = 1_000.0
        self.meanwhile: Callable[[], object] = list

    def tell(self) -> int:
        """In place of what a server says of itself."""
        if db.alias_for_reads() == replicas.REPLICA:
            return self.replica
        self.asked += 1
        self.meanwhile()
        if self.primary is None:
            raise OperationalError("the connection is closed")
        return self.primary

    def later(self, seconds: float) -> None:
        """So many seconds go by."""
        self.now += seconds


class TestReplicaThatIsBehind:
    @pytest.fixture
    def positions(self, replica: CaptureQueriesContext, monkeypatch: pytest.MonkeyPatch) -> Positions:
        """Of a process that has just started, while all is well."""
        positions = Positions()
        monkeypatch.setattr(replicas, "_position", positions.tell)
        monkeypatch.setattr(replicas, "_good_until", 0.0)
        monkeypatch.setattr(replicas, "_marks", ())
        monkeypatch.setattr(replicas, "monotonic", lambda: positions.now)
        assert self.read() == replicas.REPLICA
        return positions

    def read(self) -> str:
        """Where somebody without credentials reads from."""
        return replicas.read_publicly(db.alias_for_reads)

    def who_reads(self, positions: Positions, *, seconds: int) -> list[str]:
        """Where somebody reads from in each second, while the primary goes on and the replica does not."""
        found = []
        for _ in range(seconds):
            positions.later(1)
            positions.primary = (positions.primary or 0) + 1
            found.append(self.read())
        return found

    def test_is_read_from_for_as_long_as_it_may_be_behind(self, positions: Positions) -> None:
        found = self.who_reads(positions, seconds=30)
        assert set(found[:8]) == {replicas.REPLICA}
        assert set(found[10:]) == {db.PRIMARY}

    def test_is_read_from_again_once_it_is_near_enough(self, positions: Positions) -> None:
        self.who_reads(positions, seconds=30)
        positions.replica = (positions.primary or 0) - 5
        positions.later(2)
        assert self.read() == replicas.REPLICA

    def test_is_not_told_by_its_silence(self, positions: Positions) -> None:
        """Where nobody writes, it has all that there is."""
        positions.later(3_600)
        assert self.read() == replicas.REPLICA

    def test_is_looked_for_every_other_second_whoever_asks(self, positions: Positions) -> None:
        for _ in range(100):
            positions.later(0.1)
            self.read()
        assert positions.asked == 6

    def test_is_better_than_nothing_where_the_primary_is_away(self, positions: Positions) -> None:
        self.who_reads(positions, seconds=30)
        positions.primary = None
        positions.later(2)
        assert self.read() == replicas.REPLICA

    @pytest.mark.parametrize(("seconds", "where"), [(2, replicas.REPLICA), (30, db.PRIMARY)])
    def test_keeps_nobody_waiting_but_who_looks(self, seconds: int, where: str, positions: Positions) -> None:
        self.who_reads(positions, seconds=seconds)
        positions.later(2)
        found: list[str] = []
        positions.meanwhile = lambda: found.append(self.read())
        self.read()
        assert found == [where]

    def test_is_told_of_once(self, positions: Positions, caplog: pytest.LogCaptureFixture) -> None:
        self.who_reads(positions, seconds=60)
        assert [line.levelno for line in caplog.records if line.name == "common.replicas"] == [logging.WARNING]


def test_a_server_says_how_far_it_is_in_the_log() -> None:
    before = replicas._position()
    with transaction.atomic():
        db.execute("SET LOCAL synchronous_commit = on")
        a_person()
    assert replicas._position() > before
