"""What becomes of one POST, whatever the server does. The servers are real, and on this machine."""

import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.tests.patience import PATIENCE_SECONDS
from common.tests.receiver import (
    Behaviour,
    certificate,
    hang,
    hang_up,
    receiving,
    says,
    status,
    tls_of,
    without_end,
)
from common.webhooks import sending, targets
from common.webhooks.types import Answer, Fault

SHORT_SECONDS = 0.5
# By so much a slow machine may be late.
GRACE_SECONDS = 10.0
OK = "HTTP/1.1 200 OK\r\n"


def post(url: str, *, body: bytes = b"{}", allow_private: bool = True, seconds: float = PATIENCE_SECONDS) -> Answer:
    target = targets.parse(url, allow_private=allow_private)
    return sending.post(target=target, headers={"Webhook-Id": "evt_1"}, body=body, seconds=seconds)


class TestRequest:
    def test_is_a_post_of_the_body_with_the_headers(self) -> None:
        with receiving() as receiver:
            answer = post(receiver.url, body=b'{"a": 1}')

        (request,) = receiver.received
        assert (request.method, request.path, request.body) == ("POST", "/hooks?from=lectern", b'{"a": 1}')
        assert request.headers == {
            "host": f"127.0.0.1:{receiver.port}",
            "connection": "close",
            "content-length": "8",
            "webhook-id": "evt_1",
        }
        assert (answer.status, answer.fault, answer.retry_after) == (204, None, None)

    def test_takes_no_notice_of_proxies_in_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with receiving() as proxy, receiving() as receiver:
            for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            answer = post(receiver.url)

        assert answer.is_success
        assert proxy.connections == 0

    def test_may_be_long(self) -> None:
        body = b"x" * 3_000_000
        with receiving() as receiver:
            answer = post(receiver.url, body=body)

        assert answer.is_success
        assert receiver.received[0].body == body


# What the server does · the answer's status, or the fault · what it asks for.
ANSWERS: list[tuple[str, Behaviour, int | Fault, float | None]] = [
    ("says yes", status(200), 200, None),
    ("says yes at length", says(f"{OK}Content-Length: 5\r\n\r\nhello"), 200, None),
    ("says yes in chunks", says(f"{OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), 200, None),
    ("says yes after a while", says(f"HTTP/1.1 100 Continue\r\n\r\n{OK}Content-Length: 0\r\n\r\n"), 200, None),
    ("says yes until it hangs up", says(f"{OK}\r\nhello"), 200, None),
    ("answers 500", status(500), 500, None),
    ("redirects", status(302, Location="http://127.0.0.1:1/"), 302, None),
    ("is gone", status(410), 410, None),
    ("wants time", status(429, Retry_After="120"), 429, 120),
    ("wants time, badly said", status(503, Retry_After="tomorrow"), 503, None),
    ("hangs", hang, Fault.TIMED_OUT, None),
    ("hangs after the status", without_end(OK, "", pause=60), Fault.TIMED_OUT, None),
    (
        "sends a byte now and then",
        without_end(f"{OK}Content-Length: 999\r\n\r\n", "x", pause=0.1),
        Fault.TIMED_OUT,
        None,
    ),
    ("begins its headers and never ends", without_end(f"{OK}X: ", "x"), Fault.NOT_HTTP, None),
    ("sends one header after the other", without_end(OK, "X: y\r\n"), Fault.NOT_HTTP, None),
    ("never comes past 'continue'", without_end("", "HTTP/1.1 100 Continue\r\n\r\n"), Fault.NOT_HTTP, None),
    ("sends a body without an end", without_end(f"{OK}\r\n", "x" * 9999), 200, None),
    ("sends chunks without an end", without_end(f"{OK}Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"), 200, None),
    (
        "sends one chunk of negative length",
        without_end(f"{OK}Transfer-Encoding: chunked\r\n\r\n-1\r\n", "x" * 9999),
        200,
        None,
    ),
    ("promises more than it sends", says(f"{OK}Content-Length: 99\r\n\r\nhello"), Fault.CUT_OFF, None),
    ("drops the line in its headers", says(f"{OK}Content-Le"), Fault.CUT_OFF, None),
    ("drops the line in a chunk", says(f"{OK}Transfer-Encoding: chunked\r\n\r\n99\r\nhello"), Fault.CUT_OFF, None),
    ("hangs up without a word", hang_up, Fault.CUT_OFF, None),
    ("speaks something else", says("220 mail.example.org ESMTP\r\n"), Fault.NOT_HTTP, None),
    ("has a strange status", says("HTTP/1.1 abc OK\r\n\r\n"), Fault.NOT_HTTP, None),
]


class TestAnswer:
    @pytest.mark.parametrize(
        ("does", "expected", "wants"), [each[1:] for each in ANSWERS], ids=[each[0] for each in ANSWERS]
    )
    def test_of_a_server_that(self, does: Behaviour, expected: int | Fault, wants: float | None) -> None:
        with receiving(does) as receiver:
            answer = post(receiver.url, seconds=SHORT_SECONDS if expected is Fault.TIMED_OUT else PATIENCE_SECONDS)

        assert (answer.fault or answer.status, answer.retry_after) == (expected, wants)
        assert 0 < answer.seconds < SHORT_SECONDS + GRACE_SECONDS
        assert receiver.connections == 1

    def test_of_nobody(self) -> None:
        with receiving() as receiver:
            url = receiver.url
        assert post(url).fault is Fault.NOT_CONNECTED

    def test_does_not_grow_with_what_the_server_sends(self, monkeypatch: pytest.MonkeyPatch) -> None:
        taken = []
        receive = socket.socket.recv_into

        def count(line: socket.socket, *arguments: Any) -> int:
            received = receive(line, *arguments)
            if line.getpeername()[1] == receiver.port:
                taken.append(received)
            return received

        monkeypatch.setattr(socket.socket, "recv_into", count, raising=False)
        with receiving(without_end(f"{OK}\r\n", "x" * 100_000)) as receiver:
            assert post(receiver.url).is_success

        assert sum(taken) == sending.MOST_READ


class TestTls:
    @pytest.fixture(autouse=True)
    def trust(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
        """The system trusts one certificate, for localhost."""
        file = certificate(tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        sending.tls_context.cache_clear()
        yield file
        sending.tls_context.cache_clear()

    def test_is_used(self, trust: Path) -> None:
        with receiving(tls=tls_of(trust)) as receiver:
            assert post(f"https://localhost:{receiver.port}/").status == 204
            assert post(f"https://127.0.0.1:{receiver.port}/").status == 204
        assert receiver.received[0].headers["host"] == f"localhost:{receiver.port}"

    def test_names_the_host_to_the_server(self, trust: Path) -> None:
        named = []
        context = tls_of(trust)
        context.sni_callback = lambda _line, name, _context: named.append(name)
        with receiving(tls=context) as receiver:
            post(f"https://localhost:{receiver.port}/")

        assert named == ["localhost"]

    @pytest.mark.parametrize(("name", "days"), [("elsewhere.example", 1), ("localhost", -1)])
    def test_trusts_nobody_else(self, name: str, days: int, tmp_path: Path) -> None:
        (tmp_path / "other").mkdir()
        other = certificate(tmp_path / "other", name=name, days=days)
        with receiving(tls=tls_of(other)) as receiver:
            answer = post(f"https://localhost:{receiver.port}/")

        assert answer.fault is Fault.NOT_TRUSTED
        assert receiver.received == []

    def test_must_be_spoken_by_the_server(self) -> None:
        with receiving() as receiver:
            assert post(f"https://localhost:{receiver.port}/", seconds=SHORT_SECONDS).fault in {
                Fault.NOT_TRUSTED,
                Fault.CUT_OFF,
                Fault.TIMED_OUT,
            }

    def test_ends_at_the_deadline_too(self, trust: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            started = time.monotonic()
            answer = post(f"https://localhost:{silent.getsockname()[1]}/", seconds=SHORT_SECONDS)
        assert answer.fault is Fault.TIMED_OUT
        assert time.monotonic() - started < SHORT_SECONDS + GRACE_SECONDS

    def test_is_no_older_than_one_may_trust(self) -> None:
        assert sending.tls_context().minimum_version >= ssl.TLSVersion.TLSv1_2
        assert sending.tls_context().verify_mode is ssl.CERT_REQUIRED


class Resolver:
    """What the names of the network stand for; may say something else each time it is asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
        self.asked: list[str] = []
        self._answers = list(answers)
        self._real = socket.getaddrinfo
        monkeypatch.setattr(targets.socket, "getaddrinfo", self._answer)

    def _answer(self, host: str, port: int, *arguments: Any, **keywords: Any) -> Any:
        if host[0].isdigit():
            return self._real(host, port, *arguments, **keywords)
        self.asked.append(host)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answer, port))]


class TestRebinding:
    """A name that stands for a public address when it is looked at, and for one of ours when it is used."""

    def test_is_refused_when_the_name_has_come_to_mean_a_private_address(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with receiving() as ours:
            resolver = Resolver(monkeypatch, "127.0.0.1")
            answer = post(f"https://rebinding.example:{ours.port}/", allow_private=False)

        assert answer.fault is Fault.ADDRESS_REFUSED
        assert resolver.asked == ["rebinding.example"]
        assert ours.connections == 0

    def test_gains_nothing_since_the_name_is_looked_up_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with receiving() as ours:
            resolver = Resolver(monkeypatch, "192.88.98.1", "127.0.0.1")
            tried = []

            def refuse(address: Any, *_: Any, **__: Any) -> Any:
                tried.append(address)
                raise ConnectionRefusedError

            monkeypatch.setattr(sending.socket, "create_connection", refuse)
            answer = post(f"https://rebinding.example:{ours.port}/", allow_private=False)

        assert answer.fault is Fault.NOT_CONNECTED
        assert resolver.asked == ["rebinding.example"]
        assert tried == [("192.88.98.1", ours.port)]

    def test_is_refused_when_the_connection_leads_to_a_private_address_after_all(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connect = socket.create_connection
        with receiving() as ours:
            Resolver(monkeypatch, "1.1.1.1")
            monkeypatch.setattr(
                sending.socket, "create_connection", lambda _, **options: connect(("127.0.0.1", ours.port), **options)
            )
            answer = post(f"https://rebinding.example:{ours.port}/", allow_private=False)

        assert answer.fault is Fault.ADDRESS_REFUSED
        assert ours.received == []


def test_the_next_address_is_tried_when_one_takes_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as receiver:
        entries = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 0)) for each in ("127.0.0.2", "127.0.0.1")]
        real = socket.getaddrinfo
        monkeypatch.setattr(
            targets.socket,
            "getaddrinfo",
            lambda host, *rest, **more: entries if host == "two.example" else real(host, *rest, **more),
        )
        answer = post(f"http://two.example:{receiver.port}/")

    assert answer.status == 204
