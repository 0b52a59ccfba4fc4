"""Clients who come at a fixed rate whether the service keeps up or not, as people do; wrk's wait for their answers."""

import select
import socket
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

GOOD_SECONDS = 1.0
# After the last request has been sent. Who is not answered by then never was.
_GRACE_SECONDS = 3.0
_CONNECTIONS = 8_000


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of the requests of one run."""

    rate: float
    seconds: float
    statuses: dict[str, int]
    waits_ms: list[float]  # of those answered with 2xx, sorted; from the moment at which each was due
    refusals_ms: list[float] = field(default_factory=list)

    @property
    def goodput(self) -> float:
        """Answers of 2xx within a second, for each second."""
        return sum(wait <= GOOD_SECONDS * 1000 for wait in self.waits_ms) / self.seconds

    @property
    def share(self) -> float:
        """Of all requests, those answered with 2xx within a second."""
        return self.goodput / self.rate


@dataclass(slots=True)
class _Connection:
    socket: socket.socket
    due: float = 0.0
    answer: bytes = b""


class _Clients:
    """Each request goes out on a connection that is idle, or on a new one."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._poll = select.epoll()
        self._all: dict[int, _Connection] = {}
        self._idle: deque[_Connection] = deque()
        self.busy = 0
        self.statuses: Counter[str] = Counter()
        self.waits: dict[bool, list[float]] = {True: [], False: []}

    def send(self, request: bytes, due: float) -> None:
        try:
            connection = self._idle.pop() if self._idle else self._connect()
            connection.due, connection.answer = due, b""
            connection.socket.send(request)
            self.busy += 1
        except OSError as fault:
            self.statuses[type(fault).__name__] += 1

    def _connect(self) -> _Connection:
        if len(self._all) >= _CONNECTIONS:
            raise ConnectionError
        connection = _Connection(socket.create_connection(("127.0.0.1", self._port), 5))
        connection.socket.setblocking(False)  # noqa: FBT003 -- the standard library
        self._all[connection.socket.fileno()] = connection
        self._poll.register(connection.socket, select.EPOLLIN)
        return connection

    def read(self, seconds: float) -> None:
        for descriptor, _ in self._poll.poll(max(0.0, seconds)):
            connection = self._all[descriptor]
            try:
                block = connection.socket.recv(65_536)
            except OSError:
                block = b""
            connection.answer += block
            head, end, body = connection.answer.partition(b"\r\n\r\n")
            if not block:
                self._lose(connection)
            elif end and len(body) >= _length(head):
                self._take(connection, head)

    def _take(self, connection: _Connection, head: bytes) -> None:
        status = head[9:12].decode()
        self.busy -= 1
        self.statuses[status] += 1
        self.waits[status.startswith("2")].append((time.monotonic() - connection.due) * 1000)
        connection.due = 0.0
        if b"Connection: close" in head:
            self._close(connection)
        else:
            self._idle.append(connection)

    def _lose(self, connection: _Connection) -> None:
        if connection.due:
            self.busy -= 1
            self.statuses["broken"] += 1
        else:
            self._idle.remove(connection)
        self._close(connection)

    def _close(self, connection: _Connection) -> None:
        del self._all[connection.socket.fileno()]
        connection.socket.close()

    def close(self) -> None:
        for connection in list(self._all.values()):
            self._close(connection)
        self._poll.close()
        if self.busy:
            self.statuses["unanswered"] += self.busy


def _length(head: bytes) -> int:
    _, _, rest = head.partition(b"Content-Length: ")
    return int(rest.partition(b"\r")[0] or 0)


def run(port: int, requests: Sequence[bytes], *, rate: float) -> Outcome:
    """Each request is sent when it is due, one by one at this rate, and waits for an answer."""
    clients = _Clients(port)
    started, sent = time.monotonic(), 0
    while sent < len(requests):
        due = started + sent / rate
        now = time.monotonic()
        if due > now:
            clients.read(due - now)
            continue
        clients.send(requests[sent], due)
        sent += 1
        if not sent % 8:
            clients.read(0)
    end = time.monotonic() + _GRACE_SECONDS
    while clients.busy and (left := end - time.monotonic()) > 0:
        clients.read(left)
    clients.close()
    return Outcome(
        rate=rate,
        seconds=len(requests) / rate,
        statuses=dict(clients.statuses),
        waits_ms=sorted(clients.waits[True]),
        refusals_ms=sorted(clients.waits[False]),
    )
