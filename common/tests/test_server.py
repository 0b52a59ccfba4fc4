"""Behind the real server: bodies as servers deliver them, and a database that is not there."""

import http.client
import json
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from common.tests.patience import PATIENCE_SECONDS
from common.tests.serving import ask, gunicorn

MEGABYTE = 1_048_576
REGISTER = "/api/v1/auth/register"
REGISTER_HEAD = b"POST " + REGISTER.encode() + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
CHUNKED = REGISTER_HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What gunicorn and the service write."""
    return tmp_path_factory.mktemp("gunicorn") / "log"


@pytest.fixture(scope="module")
def port(log: Path) -> Iterator[int]:
    """Where gunicorn serves, with the configuration of production and without a database."""
    environment = {
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
        "WEB_CONCURRENCY": "1",
        "WEB_THREADS": "2",
        "WEB_STALL_SECONDS": "1",
    }
    with gunicorn(log, **environment) as server:
        yield server.port


def raw(port: int, request: bytes) -> bytes:
    """Everything that comes back for these bytes."""
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(request)
        answer = b""
        while block := connection.recv(65_536):
            answer += block
        return answer


def pieces(count: int, size: int) -> Iterable[bytes]:
    return (b"x" * size for _ in range(count))


class TestBodies:
    def test_may_be_chunked(self, port: int) -> None:
        answer = ask(port, "POST", REGISTER, iter([b'{"nick', b'name": 1}']))
        assert answer.status == 400
        assert "/nickname" in {entry["pointer"] for entry in answer.problem()["errors"]}

    def test_that_are_chunked_are_empty_only_if_nothing_is_in_them(self, port: int) -> None:
        answer = ask(port, "POST", REGISTER, iter([]))
        assert {entry["pointer"] for entry in answer.problem()["errors"]} == {"/email", "/password", "/display_name"}

    def test_that_are_chunked_may_not_exceed_the_limit_either(self, port: int) -> None:
        answer = ask(port, "POST", REGISTER, pieces(10, MEGABYTE))
        assert (answer.status, answer.problem()["code"]) == (413, "payload_too_large")

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("POST", REGISTER, 413),
            ("POST", "/api/v1/nope", 404),
            ("PUT", "/api/v1/courses", 405),
            ("POST", "/api/v1/courses", 401),
            ("GET", "/health/live", 200),
        ],
    )
    def test_of_10_megabytes_do_not_keep_the_client_from_the_answer(
        self, port: int, method: str, path: str, status: int
    ) -> None:
        assert ask(port, method, path, b"x" * (10 * MEGABYTE)).status == status

    def test_that_nobody_reads_do_not_spoil_the_next_request_on_the_connection(self, port: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        connection.request("POST", "/api/v1/nope", b"x" * MEGABYTE)
        assert connection.getresponse().read()
        kept = connection.sock
        connection.request("GET", "/health/live")
        assert connection.getresponse().read() == b'{"status": "ok"}'
        assert connection.sock is kept
        connection.close()

    def test_with_two_lengths_are_refused(self, port: int) -> None:
        both = REGISTER_HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
        assert raw(port, both).startswith(b"HTTP/1.1 400")


class TestStalling:
    @pytest.mark.parametrize(
        "start",
        [b"GET /health/live HTTP/1.1\r\nHost: 127", REGISTER_HEAD + b"Content-Length: 9\r\n\r\n{", CHUNKED + b"9\r\n{"],
        ids=["in the head", "in the body", "in a chunk"],
    )
    def test_clients_do_not_keep_others_out_for_long(self, port: int, start: bytes) -> None:
        stalling = [socket.create_connection(("127.0.0.1", port), 20) for _ in range(4)]
        try:
            for connection in stalling:
                connection.sendall(start)
            assert ask(port, "GET", "/health/live").status == 200
        finally:
            for connection in stalling:
                connection.close()

    def test_in_the_body_is_a_problem(self, port: int) -> None:
        answer = raw(port, REGISTER_HEAD + b"Connection: close\r\nContent-Length: 9\r\n\r\n{")
        assert answer.startswith(b"HTTP/1.1 400")
        assert b'"code": "invalid_request"' in answer


class TestText:
    @pytest.mark.parametrize(
        "charset", ["hex", "undefined", "punycode", "rot13", "utf-16", "base64", "cp037", "nonsense"]
    )
    def test_is_utf_8_whatever_the_content_type_says(self, port: int, charset: str) -> None:
        answer = ask(port, "GET", "/api/v1/nope?search=%ff%fe&x=1", Content_Type=f"text/plain; charset={charset}")
        assert (answer.status, answer.problem()["code"]) == (404, "not_found")

    @pytest.mark.parametrize(
        "path", ["/api/v1/%00", "/api/v1/%ff%fe", "/api/v1/" + "x" * 3000, "/%2e%2e/etc/passwd", "//x"]
    )
    def test_of_a_path_may_be_anything(self, port: int, path: str) -> None:
        assert ask(port, "GET", path).problem()["code"] == "not_found"

    def test_of_a_head_request_is_none(self, port: int, log: Path) -> None:
        answer = raw(port, b"HEAD /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        head, _, body = answer.partition(b"\r\n\r\n")
        assert (b"Content-Length: 16" in head, body) == (True, b"")
        said = [json.loads(line)["event"] for line in log.read_text().splitlines()]
        assert not [event for event in said if "HEAD" in event], "gunicorn had to drop a body"


class TestWithoutDatabase:
    @pytest.mark.parametrize(
        "path", ["/api/v1/courses", "/api/v1/courses/crs_01h455vb4pex5vsknk084sn02q", "/health/ready"]
    )
    def test_everything_that_needs_one_is_503(self, port: int, path: str) -> None:
        answer = ask(port, "GET", path)
        assert (answer.status, answer.problem()["code"]) == (503, "dependency_unavailable")
        assert int(answer.headers["retry-after"]) >= 1

    @pytest.mark.parametrize("path", ["/", "/health/live", "/metrics", "/problems", "/api/openapi.json", "/api/docs"])
    def test_everything_else_is_there(self, port: int, path: str) -> None:
        assert ask(port, "GET", path).status == 200
