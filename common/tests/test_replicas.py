"""Who reads where, with a replica: here a second, read-only way to the same database."""

import logging
from collections.abc import Iterator
from copy import deepcopy

import pytest
from django.db import connection, connections, transaction
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
