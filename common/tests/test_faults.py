"""When something breaks: 503 and nothing half done, back as soon as the database is, and retries that are safe."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import psycopg
import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.backends.db import SessionStore
from django.db import OperationalError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpResponse
from django.test import Client, RequestFactory
from rest_framework_simplejwt.tokens import AccessToken

from common import db, idempotency
from common.accounts import services as accounts
from common.api import ApiView
from common.models import IdempotencyRecord, User
from common.problem_types import CATALOGUE
from common.tests.factories import PASSWORD, ApiClient, a_person, client_of, staff_member
from common.tests.patience import PATIENCE_SECONDS
from common.tests.problems import refused
from common.tests.races import holding
from common.tests.sessions import of_a_session
from common.tests.unchanged import nothing_changed
from common.tests.workers import wait_until
from common.wsgi import Application
from courses.tests.factories import a_draft, an_open_course, crs, seats_and_line
from enrollments.tests.factories import a_full_course, an_enrollment, counters_equal_rows, enr

UNAVAILABLE = "08006 08001 53300 53100 57P01 57P02 57014 25P03 25006 40001 40P01 55P03"
OUR_FAULT = "23505 42P01 22001 42601 P0001"

Call = tuple[ApiClient, str, str, str]


class Server:
    """The service as one thread of a real server runs it, with a database connection that it keeps."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._application = Application()

    def ask(self, method: str, path: str, person: User | None = None, **headers: str) -> HttpResponse:
        if person is not None:
            headers["Authorization"] = f"Bearer {AccessToken.for_user(person)}"
        request = RequestFactory(headers={name.replace("_", "-"): value for name, value in headers.items()})
        environ = {**request.generic(method, path).environ, "wsgi.input": BytesIO()}
        return self._thread.submit(self._answer, environ).result(PATIENCE_SECONDS)

    def _answer(self, environ: dict[str, Any]) -> HttpResponse:
        response = self._application(environ, lambda *_: None)
        content = b"".join(response)
        response.close()
        response.json = lambda: json.loads(content)
        return response

    def stop(self) -> None:
        self._thread.submit(connections.close_all).result(PATIENCE_SECONDS)
        self._thread.shutdown()


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    yield one
    one.stop()


@contextmanager
def impatient(timeout: str) -> Iterator[None]:
    """This thread's connection waits for nothing; a new one is made after the block."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 0; SET statement_timeout = 0")
            cursor.execute(f"SET {timeout} = '50ms'")
        yield
    finally:
        connection.close()


def elsewhere(statement: str) -> None:
    """Run a statement on another database of the same server."""
    parameters = {**connection.get_connection_params(), "dbname": "postgres", "cursor_factory": psycopg.Cursor}
    with psycopg.connect(**parameters, autocommit=True) as other:
        other.execute(statement)


def database_answers() -> bool:
    """Soon after it is back; PgBouncer takes a moment to notice."""
    try:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except OperationalError:
        connection.close()
        return False
    return True


@contextmanager
def database_away() -> Iterator[None]:
    """The database takes no connection, and those that it had are cut."""
    name = connection.settings_dict["NAME"]
    connection.close()
    elsewhere(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false')
    try:
        elsewhere(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")
        yield
    finally:
        elsewhere(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true')
        wait_until(database_answers)


@of_a_session
@pytest.mark.django_db(transaction=True)
class TestTimeouts:
    @pytest.mark.parametrize("name", ["lock_timeout", "statement_timeout"])
    def test_do_nothing_and_go_away_by_themselves(self, name: str) -> None:
        ada, course_id = a_person(), an_open_course(capacity=3)
        client, path = client_of(ada, Idempotency_Key="key-1"), f"courses/{crs(course_id)}/enrollments"
        with holding(lambda: an_enrollment(course_id)), nothing_changed(), impatient(name):
            refused(client.post(path), 503, "dependency_unavailable")
        assert client.post(path).status_code == 201
        assert seats_and_line(course_id) == (2, 0)

    def test_of_reading_are_no_different(self) -> None:
        an_open_course()
        parameters = {**connection.get_connection_params(), "cursor_factory": psycopg.Cursor}
        with psycopg.connect(**parameters) as other:
            other.execute("LOCK TABLE courses_course IN ACCESS EXCLUSIVE MODE")
            with impatient("lock_timeout"):
                refused(client_of().get("courses"), 503, "dependency_unavailable")
        assert client_of().get("courses").status_code == 200


@pytest.mark.django_db
class TestRefusalsOfTheDatabase:
    @pytest.fixture
    def failing(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ApiClient]:
        """A client whose sign-in meets this SQLSTATE."""

        def fail_with(sqlstate: str) -> ApiClient:
            def fail(**_: Any) -> None:
                with transaction.atomic():
                    db.fetch_one(
                        f"DO $$ BEGIN RAISE EXCEPTION 'SELECT secret' USING ERRCODE = '{sqlstate}'; END $$", []
                    )

            monkeypatch.setattr(accounts, "sign_in", fail)
            client = client_of()
            client.raise_request_exception = False
            return client

        return fail_with

    @pytest.mark.parametrize("sqlstate", UNAVAILABLE.split())
    def test_that_pass_are_503(self, sqlstate: str, failing: Callable[[str], ApiClient]) -> None:
        response = failing(sqlstate).post("auth/token", {"email": "a", "password": "b"})
        refused(response, 503, "dependency_unavailable")
        assert int(response["Retry-After"]) >= 1

    @pytest.mark.parametrize("sqlstate", OUR_FAULT.split())
    def test_that_are_our_fault_are_500(self, sqlstate: str, failing: Callable[[str], ApiClient]) -> None:
        response = failing(sqlstate).post("auth/token", {"email": "a", "password": "b"})
        refused(response, 500, "internal_error")


def an_enrolling() -> Call:
    path = f"courses/{crs(an_open_course(capacity=1))}/enrollments"
    return client_of(a_person(), Idempotency_Key="k"), "POST", path, ""


def a_joining() -> Call:
    return client_of(a_person(), Idempotency_Key="k"), "POST", f"courses/{crs(a_full_course()[0])}/enrollments", ""


def a_withdrawing() -> Call:
    course_id, (seated,), _ = a_full_course(waiting=2)
    return client_of(User.objects.get(pk=seated)), "DELETE", f"courses/{crs(course_id)}/enrollments/me", ""


def a_revoking() -> Call:
    course_id = an_open_course(capacity=1, waitlist_enabled=True)
    seat = an_enrollment(course_id)
    client_of(a_person()).post(f"courses/{crs(course_id)}/enrollments")
    return client_of(staff_member(), Idempotency_Key="k"), "POST", f"enrollments/{enr(seat.id)}/revoke", ""


def a_growing() -> Call:
    body = '{"capacity": 5, "title": "New"}'
    return client_of(staff_member()), "PATCH", f"courses/{crs(a_full_course(waiting=2)[0])}", body


def a_creating() -> Call:
    return client_of(staff_member(), Idempotency_Key="k"), "POST", "courses", '{"title": "Knots"}'


def an_opening() -> Call:
    return client_of(staff_member(), Idempotency_Key="k"), "POST", f"courses/{crs(a_draft())}/open", ""


def a_registering() -> Call:
    body = json.dumps({"email": "ada@example.org", "password": PASSWORD, "display_name": "Ada"})
    return client_of(), "POST", "auth/register", body


def a_refreshing() -> Call:
    client_of().post("auth/register", json.loads(a_registering()[3]), content_type="application/json")
    pair = client_of().post("auth/token", {"email": "ada@example.org", "password": PASSWORD}).json()
    return client_of(), "POST", "auth/token/refresh", json.dumps({"refresh": pair["refresh"]})


class FailingAt:
    """Lets the database fail at one statement of a request, before it or after it."""

    def __init__(self, number: int, *, after: bool) -> None:
        self.number = number
        self.after = after
        self.seen = 0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.seen += 1
        if self.seen == self.number and not self.after:
            raise OperationalError("the connection is lost")
        result = execute(sql, params, many, context)
        if self.seen == self.number:
            raise OperationalError("the connection is lost")
        return result


@pytest.mark.django_db
class TestEveryStatement:
    @pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
    @pytest.mark.parametrize(
        "prepare",
        [
            an_enrolling,
            a_joining,
            a_withdrawing,
            a_revoking,
            a_growing,
            a_creating,
            an_opening,
            a_registering,
            a_refreshing,
        ],
    )
    def test_may_fail_without_leaving_anything_half_done(self, prepare: Callable[[], Call], after: bool) -> None:
        client, method, path, body = prepare()
        number, failed = 1, 0
        while number < 100:
            with nothing_changed(), transaction.atomic():
                failing = FailingAt(number, after=after)
                with connection.execute_wrapper(failing):
                    response = client.generic(method, path, body)
                if failing.seen < number:
                    transaction.set_rollback(True)
            if failing.seen < number:
                break
            refused(response, 503, "dependency_unavailable")
            failed, number = failed + 1, number + 1
        assert failed >= 3
        assert response.status_code < 300
        assert client.generic(method, path, body).status_code < 300


@pytest.mark.django_db(transaction=True)
class TestDatabaseAway:
    def test_behind_the_view_is_503_as_well(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        save = SessionStore.save

        def fail(session: SessionStore, must_create: bool = False) -> None:
            if not must_create:  # as the view does, and the middleware behind it does not
                raise OperationalError("the connection is lost")
            save(session, must_create=True)

        monkeypatch.setattr(SessionStore, "save", fail)
        client.raise_request_exception = False
        a_person(email="ada@example.org", password=make_password(PASSWORD), is_staff=True)
        response = client.post("/admin/login/", {"username": "ada@example.org", "password": PASSWORD})
        refused(response, 503, "dependency_unavailable")

    def test_is_503_everywhere_and_over_as_soon_as_it_is_back(
        self, server: Server, caplog: pytest.LogCaptureFixture
    ) -> None:
        ada, course_id = a_person(), an_open_course(capacity=1)
        path = f"/api/v1/courses/{crs(course_id)}/enrollments"
        ready = {"status": "ok", "checks": {"database": "ok", "migrations": "ok"}}
        assert server.ask("GET", "/health/ready").json() == ready
        with database_away():
            for method, where, person in (
                ("GET", "/api/v1/courses", None),
                ("GET", "/api/v1/users/me", ada),
                ("POST", path, ada),
                ("POST", path, ada),
            ):
                refused(server.ask(method, where, person, Idempotency_Key="key-1"), 503, "dependency_unavailable")
            assert server.ask("GET", "/health/ready").status_code == 503
            assert server.ask("GET", "/health/live").status_code == 200
            assert server.ask("GET", "/problems").status_code == 200
            refused(server.ask("GET", "/admin/", Cookie="sessionid=0123456789abcdef"), 503, "dependency_unavailable")
        assert "Traceback" not in caplog.text
        assert server.ask("GET", "/health/ready").json() == ready
        assert server.ask("POST", path, ada, Idempotency_Key="key-1").status_code == 201
        assert seats_and_line(course_id) == (1, 0)

    def test_in_the_middle_of_a_request_leaves_nothing(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        ada, course_id = a_person(), an_open_course(capacity=1)
        path = f"/api/v1/courses/{crs(course_id)}/enrollments"
        keep = idempotency._keep

        def cut_the_connection(*arguments: Any) -> None:
            keep(*arguments)
            db.fetch_one("SELECT pg_terminate_backend(pg_backend_pid())", [])

        with nothing_changed(), monkeypatch.context() as fault:
            fault.setattr(idempotency, "_keep", cut_the_connection)
            refused(server.ask("POST", path, ada, Idempotency_Key="key-1"), 503, "dependency_unavailable")
        response = server.ask("POST", path, ada, Idempotency_Key="key-1")
        assert (response.status_code, "Idempotency-Replayed" in response) == (201, False)
        assert counters_equal_rows(course_id)

    def test_as_soon_as_it_has_committed_is_503_too_and_the_retry_is_told(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ada, course_id = a_person(), an_open_course(capacity=1)
        path = f"/api/v1/courses/{crs(course_id)}/enrollments"
        commit = BaseDatabaseWrapper._commit

        def lose_the_answer(wrapper: BaseDatabaseWrapper) -> None:
            commit(wrapper)
            raise OperationalError("the connection is lost")

        with monkeypatch.context() as fault:
            fault.setattr(BaseDatabaseWrapper, "_commit", lose_the_answer)
            refused(server.ask("POST", path, ada, Idempotency_Key="key-1"), 503, "dependency_unavailable")
        assert seats_and_line(course_id) == (1, 0)
        assert "Unless the connection broke" in CATALOGUE["dependency_unavailable"].when
        response = server.ask("POST", path, ada, Idempotency_Key="key-1")
        assert (response.status_code, response["Idempotency-Replayed"]) == (201, "true")
        assert counters_equal_rows(course_id)

    def test_between_two_requests_is_not_even_noticed(self, server: Server) -> None:
        ada = a_person()
        assert server.ask("GET", "/api/v1/users/me", ada).status_code == 200
        with database_away():
            pass
        assert server.ask("GET", "/api/v1/users/me", ada).status_code == 200


@pytest.mark.django_db(transaction=True)
class TestCrash:
    def test_between_commit_and_answer_is_made_good_by_the_retry(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ada, course_id = a_person(), an_open_course(capacity=5)
        client, path = client_of(ada, Idempotency_Key="key-1"), f"courses/{crs(course_id)}/enrollments"
        client.raise_request_exception = False

        def crash(*_: Any, **__: Any) -> None:
            raise SystemError("out of memory")

        with monkeypatch.context() as fault:
            fault.setattr(ApiView, "finalize_response", crash)
            refused(client.post(path), 500, "internal_error")
        assert seats_and_line(course_id) == (1, 0)
        with nothing_changed():
            again = client.post(path)
        assert (again.status_code, again["Idempotency-Replayed"]) == (201, "true")
        assert client_of(ada).get(again["Location"]).json()["enrollment"] == again.json()["enrollment"]

    def test_before_the_commit_leaves_neither_effect_nor_answer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ada, course_id = a_person(), an_open_course(capacity=5)
        client, path = client_of(ada, Idempotency_Key="key-1"), f"courses/{crs(course_id)}/enrollments"
        client.raise_request_exception = False
        keep = idempotency._keep

        def crash(*arguments: Any) -> None:
            keep(*arguments)
            raise SystemError("out of memory")

        with nothing_changed(), monkeypatch.context() as fault:
            fault.setattr(idempotency, "_keep", crash)
            refused(client.post(path), 500, "internal_error")
        again = client.post(path)
        assert (again.status_code, "Idempotency-Replayed" in again) == (201, False)
        assert IdempotencyRecord.objects.count() == 1
