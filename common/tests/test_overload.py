"""Behind a real server with one thread, for which nobody may wait: all but one are refused at once."""

import http.client
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from common.overload import Refusal, Way, refusal
from common.tests.patience import PATIENCE_SECONDS
from common.tests.serving import Answer, Gunicorn, answer_of, ask, gunicorn
from common.tests.workers import wait_until

PATH = "/problems/overloaded"  # needs no database
NO_DATABASE = "postgres://nobody@127.0.0.1:1/nothing"
BEGUN = (
    b"POST /api/v1/auth/register HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gunicorn]:
    log = tmp_path_factory.mktemp("gunicorn") / "log"
    with gunicorn(log, DATABASE_URL=NO_DATABASE, WEB_CONCURRENCY="1", WEB_THREADS="1", WEB_QUEUE="0") as one:
        yield one


@pytest.fixture
def port(server: Gunicorn) -> int:
    return server.port


@contextmanager
def full(port: int) -> Iterator[None]:
    """One request has the only thread until the block ends, and nobody may wait for it."""
    with socket.create_connection(("127.0.0.1", port), 20) as working:
        working.sendall(BEGUN)
        wait_until(lambda: ask(port, "GET", PATH).status == 503)
        yield
        working.sendall(b"0\r\n\r\n")
        assert working.recv(12) == b"HTTP/1.1 400"


@contextmanager
def kept(port: int) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    try:
        yield connection
    finally:
        connection.close()


def refused(answer: Answer) -> None:
    assert (answer.status, answer.problem()["code"]) == (503, "overloaded")
    assert int(answer.headers["retry-after"]) >= 1


def raw(port: int, request: bytes) -> bytes:
    """Everything that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(request)
        answer = b""
        while block := connection.recv(65_536):
            answer += block
        return answer


class TestWithoutRoom:
    def test_a_request_is_refused_under_its_own_id(self, port: int) -> None:
        with full(port):
            answer = ask(port, "GET", f"{PATH}?q=1", X_Request_ID="mine")
        refused(answer)
        assert (answer.problem()["request_id"], answer.problem()["instance"]) == ("mine", PATH)

    def test_it_is_refused_with_its_body_and_the_connection_goes_on(self, port: int) -> None:
        with kept(port) as connection:
            with full(port):
                for path in ("/api/v1/auth/register", PATH):
                    connection.request("POST", path, b'{"email": "ada@lectern.example"}')
                    refused(answer_of(connection.getresponse()))
                first = connection.sock
            wait_until(lambda: ask(port, "GET", PATH).status == 200)
            connection.request("GET", "/health/live")
            assert (connection.getresponse().status, connection.sock is first) == (200, True)

    @pytest.mark.parametrize("form", ["1.1\r\nConnection: close", "1.0"])
    def test_a_connection_that_is_not_kept_is_closed_after_the_answer(self, form: str, port: int) -> None:
        with full(port):
            answer = raw(port, f"GET {PATH} HTTP/{form}\r\nHost: 127.0.0.1\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"Connection: close" in answer

    def test_a_head_request_gets_no_body(self, port: int) -> None:
        with full(port):
            answer = raw(port, f"HEAD {PATH} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
        assert answer.endswith(b"\r\n\r\n")

    @pytest.mark.parametrize("path", ["/health/live", "/metrics"])
    def test_operators_are_answered_in_their_turn(self, path: str, port: int) -> None:
        with kept(port) as connection:
            with full(port):
                connection.request("GET", path)
            assert connection.getresponse().status == 200

    def test_refusals_are_counted(self, port: int) -> None:
        def counted() -> float:
            metrics = ask(port, "GET", "/metrics").body.decode()
            found = re.search(r"^requests_refused_for_overload_total (\S+)", metrics, re.MULTILINE)
            return float(found[1]) if found else 0

        before = counted()
        with full(port):
            pass
        assert counted() > before


class TestRequest:
    def test_is_refused_as_soon_as_it_is_all_there(self) -> None:
        whole = b"POST /api/v1/courses HTTP/1.1\r\nHost: x\r\ncontent-length: 2\r\n\r\n{}"
        assert {refusal(whole[:end]) for end in range(len(whole))} == {Way.INCOMPLETE}
        assert isinstance(refusal(whole), Refusal)

    @pytest.mark.parametrize(
        "request_head",
        [
            "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked",
            "POST /x HTTP/1.1\r\nContent-Length: 9\r\nExpect: 100-continue",
            "GET /x HTTP/1.1\r\nUpgrade: h2c",
            "GET /x HTTP/1.1\r\n\r\nGET /y HTTP/1.1",
            "GET /health/ready HTTP/1.1",
            "GET http://127.0.0.1/x HTTP/1.1",
            "nonsense",
        ],
    )
    def test_goes_the_usual_way_where_it_is_exempt_or_not_plain(self, request_head: str) -> None:
        assert refusal(f"{request_head}\r\n\r\n".encode()) is Way.USUAL
