"""How often a request asks the database: on the wire, as production does, and by statement, however long the list."""

import json
from collections.abc import Callable, Iterator
from io import BytesIO
from uuid import UUID

import pytest
from django.db import connection, connections
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from benchmarks.round_trips import Relay, relay
from common.models import User
from common.tests.factories import a_learner, a_person, client_of, staff_member
from common.wsgi import Application
from courses.tests.factories import an_open_course, crs
from enrollments.tests.factories import an_enrollment, enroll

MOST_ROUND_TRIPS = 7
MOST_OF_A_REVIEW = 2


@pytest.fixture
def wire(transactional_db: None) -> Iterator[Relay]:
    """The database connection goes through a relay that counts."""
    database = connections["default"]
    database.ensure_connection()
    found = database.connection.info
    with relay(found.host, str(found.port)) as counting, pytest.MonkeyPatch.context() as patch:
        detour = {**database.get_connection_params(), "host": "127.0.0.1", "port": counting.port}
        database.close()
        patch.setattr(database, "get_connection_params", lambda: detour)
        yield counting
        database.close()


@pytest.fixture
def serve(wire: Relay) -> Callable[..., int]:
    """Answers a request as a server does, which Django's test client does not: with the check of the connection that
    comes first. Gives the number of round trips."""
    application = Application()

    def answer(method: str, path: str, person: User | None = None, body: dict[str, object] | None = None) -> int:
        content = b"" if body is None else json.dumps(body).encode()
        request = RequestFactory(**client_of(person).defaults).generic(method, path, content, "application/json")
        environ = {**request.environ, "wsgi.input": BytesIO(content)}
        before = wire.round_trips
        response = application(environ, lambda *_: None)
        response.close()
        assert response.status_code in {200, 201, 202}, response.content
        return wire.round_trips - before

    return answer


@pytest.fixture
def warm(serve: Callable[..., int]) -> None:
    """Statements are planned after a few runs, once for each connection; this connection has done so."""
    path = f"/api/v1/courses/{crs(an_open_course())}/enrollments"
    for _ in range(8):
        serve("POST", path, a_person())


class TestRoundTripsOfEnrolling:
    @pytest.mark.parametrize("capacity", [None, 0])
    def test_are_few_begin_and_commit_included(
        self, warm: None, serve: Callable[..., int], capacity: int | None
    ) -> None:
        path = f"/api/v1/courses/{crs(an_open_course(capacity=capacity, waitlist_enabled=True))}/enrollments"
        assert serve("POST", path, a_person()) <= MOST_ROUND_TRIPS

    def test_do_not_grow_with_the_number_of_learners(self, warm: None, serve: Callable[..., int]) -> None:
        course_id = an_open_course()
        path = f"/api/v1/courses/{crs(course_id)}/enrollments"
        first = serve("POST", path, a_person())
        for _ in range(30):
            enroll(course_id)
        assert serve("POST", path, a_person()) == first

    def test_are_really_counted(self, serve: Callable[..., int], wire: Relay) -> None:
        connection.ensure_connection()
        before = wire.round_trips
        with connection.cursor() as cursor:
            for number in range(5):
                cursor.execute("SELECT %s", [number])
        assert wire.round_trips - before == 5


class TestRoundTripsOfWritingAReview:
    @pytest.fixture
    def write(self, serve: Callable[..., int]) -> Callable[[str], int]:
        """Somebody writes the first review of a course. Gives the number of round trips."""

        def written(comment: str) -> int:
            course_id, author = an_open_course(), a_person()
            an_enrollment(course_id, author.pk)
            path = f"/api/v1/courses/{crs(course_id)}/reviews"
            return serve("POST", path, author, {"rating": 4, "comment": comment})

        return written

    @pytest.mark.parametrize(
        "comment", ["It was fine.", "All of it is on https://example.com/", "Long and winding. " * 9]
    )
    def test_are_the_look_and_the_writing(self, write: Callable[[str], int], comment: str) -> None:
        for number in range(8):
            write(f"{comment} {number}")
        assert write(comment) <= MOST_OF_A_REVIEW


LISTS = {
    "/api/v1/courses": 1,
    "/api/v1/enrollments": 3,
    "/api/v1/courses/{course}/enrollments": 4,
    "/api/v1/courses/{course}/waitlist": 5,
}


@pytest.fixture
def a_world_of(db: None) -> Callable[[int], tuple[UUID, UUID]]:
    """So many courses of one learner, so many learners in one of them, and as many in its line."""

    def build(rows: int) -> tuple[UUID, UUID]:
        learner = a_learner()
        course_id = an_open_course(capacity=rows, waitlist_enabled=True)
        for _ in range(rows - 1):
            enroll(an_open_course(), learner)
            enroll(course_id)
        enroll(course_id, learner)
        for _ in range(rows):
            enroll(course_id)
        return course_id, learner

    return build


class TestQueriesOfLists:
    @pytest.mark.parametrize("rows", [1, 50])
    @pytest.mark.parametrize("path", LISTS)
    def test_are_the_same_for_one_row_and_for_fifty(
        self, a_world_of: Callable[[int], tuple[UUID, UUID]], path: str, rows: int
    ) -> None:
        course_id, learner = a_world_of(rows)
        reader = staff_member() if "{course}" in path else User.objects.get(pk=learner)
        client = client_of(reader if path != "/api/v1/courses" else None)
        with CaptureQueriesContext(connection) as queries:
            response = client.get(f"{path.format(course=crs(course_id))}?limit=100")
        assert len(response.json()["data"]) == rows
        assert len(queries) == LISTS[path], [query["sql"] for query in queries]
