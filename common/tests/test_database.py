"""The database engine: dead connections are noticed, statements are planned once, and what is asked is counted."""

import os
import socket
from collections.abc import Callable, Iterator

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from common import db
from common.context import RequestContext, current_request, entered
from common.database.base import DatabaseWrapper
from common.tests.factories import a_learner
from common.tests.line import Line
from common.tests.sessions import of_a_session

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def next_request() -> Callable[[], int]:
    """What Django does when a request begins; gives the process that serves the database connection afterwards."""

    def begin() -> int:
        connection.health_check_enabled = True
        connection.close_if_unusable_or_obsolete()
        return backend()

    return begin


def backend() -> int:
    row = db.fetch_one("SELECT pg_backend_pid()", [])
    assert row is not None
    return int(row[0])


def terminate(pid: int) -> None:
    parameters = {**connection.get_connection_params(), "cursor_factory": psycopg.Cursor}
    with psycopg.connect(**parameters, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


class TestHealthCheck:
    @of_a_session
    def test_a_connection_that_the_server_ended_is_replaced(self, next_request: Callable[[], int]) -> None:
        before = next_request()
        terminate(before)
        assert next_request() != before

    @of_a_session
    def test_a_healthy_connection_is_kept(self, next_request: Callable[[], int]) -> None:
        assert next_request() == next_request()

    def test_a_healthy_connection_is_not_asked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        connection.ensure_connection()
        asked: list[object] = []
        monkeypatch.setattr(DatabaseWrapper.__mro__[1], "is_usable", asked.append)
        assert connection.is_usable()
        assert asked == []

    def test_where_something_arrived_the_server_is_asked(self) -> None:
        connection.ensure_connection()
        connection.connection.pgconn.send_query(b"SELECT 1")
        connection.connection.pgconn.flush()
        while connection._nothing_arrived():
            pass
        connection.connection.pgconn.get_result()
        connection.connection.pgconn.get_result()
        assert connection.is_usable()


class TestServerThatVanished:
    """Its machine or address is gone, and nobody says so."""

    @pytest.fixture
    def option(self) -> Iterator[Callable[[int, int], int]]:
        """What the kernel goes by on a connection over a network."""
        line = Line()
        over_it = {**connection.get_connection_params(), "host": "127.0.0.1", "port": line.port}
        with psycopg.connect(**over_it) as other, socket.socket(fileno=os.dup(other.fileno())) as ours:
            yield ours.getsockopt
        line.cut()

    def test_is_noticed_where_something_was_sent(self, option: Callable[[int, int], int]) -> None:
        assert 0 < option(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) <= 30_000

    def test_is_noticed_where_an_answer_is_waited_for(self, option: Callable[[int, int], int]) -> None:
        assert option(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        idle, interval, count = (
            option(socket.IPPROTO_TCP, name) for name in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        )
        assert idle + interval * count <= 30


class TestPlannedStatements:
    @of_a_session
    def test_are_planned_once(self) -> None:
        connection.close()
        for number in range(10):
            assert db.fetch_one("SELECT %s::int + 1", [number]) == (number + 1,)
        (row,) = db.fetch_all("SELECT generic_plans + custom_plans FROM pg_prepared_statements", [])
        assert row[0] >= 4

    def test_are_seen_by_wrappers(self) -> None:
        seen: list[str] = []

        def note(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
            seen.append(sql)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(note):
            db.fetch_one("SELECT 1", [])
        assert seen == ["SELECT 1"]

    def test_fail_with_the_errors_of_django(self) -> None:
        person = a_learner()
        with pytest.raises(IntegrityError), transaction.atomic():
            db.execute("UPDATE common_user SET version = -1 WHERE id = %s", [person])


class TestCounting:
    def test_of_what_is_at_hand_takes_in_every_statement_and_the_time_of_the_commit(self) -> None:
        at_hand = RequestContext()
        with entered(at_hand):
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SELECT 1")
                    cursor.executemany("SELECT %s", [[1], [2]])
                with connection.planned_cursor() as cursor:
                    cursor.execute("SELECT 1")
                before_commit = at_hand.database_seconds
                assert (at_hand.queries, before_commit > 0) == (3, True)
            assert at_hand.database_seconds > before_commit
        assert at_hand.queries == 3

    def test_goes_on_where_queries_are_remembered(self) -> None:
        at_hand = RequestContext()
        with entered(at_hand), CaptureQueriesContext(connection), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        assert at_hand.queries == 1

    def test_is_of_nothing_outside_of_requests_and_jobs(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        assert current_request() == RequestContext()
