"""One POST to somebody else's server, trusting it with nothing: neither where it is, nor how long, nor how much.

The name is resolved once, and the connection made to the very address that was looked at. There are no proxies and no
redirects, and one deadline for all of it, which a server that sends a byte now and then cannot move.
"""

import io
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import Any, cast

from common import clock
from common.webhooks import rules
from common.webhooks.targets import AddressRefused, NameUnknown, Target, allows, resolve
from common.webhooks.types import Answer, Fault

# What more there is of an answer is left unread: nobody looks at it.
MOST_READ = 65_536
_BLOCK = 8_192
_CONNECT_SECONDS = 5.0


class _NotConnected(Exception):
    """None of the addresses took a connection."""


class _CutOff(Exception):
    """The answer ended before it was whole."""


class _Deadline:
    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def left(self) -> float:
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class _Stream(io.RawIOBase):
    """A connection as http.client reads it: so much and no more, and until the deadline.

    Limits of a single read would not do: a server can send a byte now and then, or a chunk of length -1, which
    http.client takes for all that there is.
    """

    def __init__(self, line: socket.socket, deadline: _Deadline) -> None:
        self._line = line
        self._deadline = deadline
        self._left = MOST_READ
        self.is_closed_by_server = False

    @property
    def is_full(self) -> bool:
        return self._left <= 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self.is_full:
            return 0
        self._line.settimeout(self._deadline.left())
        count = self._line.recv_into(buffer, min(len(buffer), self._left))
        self._left -= count
        self.is_closed_by_server = count == 0
        return count

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)


def post(*, target: Target, headers: Mapping[str, str], body: bytes, seconds: float) -> Answer:
    """Send once, and say what came of it. Takes at most so many `seconds`; raises nothing of what a server may do."""
    started = time.monotonic()
    try:
        status, retry_after = _post(target, headers, body, _Deadline(seconds))
    except _TROUBLE as trouble:
        return Answer(fault=_fault(trouble), seconds=time.monotonic() - started)
    return Answer(status=status, retry_after=retry_after, seconds=time.monotonic() - started)


def _post(target: Target, headers: Mapping[str, str], body: bytes, deadline: _Deadline) -> tuple[int, float | None]:
    with _connected(target, deadline) as line:
        _send(line, _head(target, headers, len(body)) + body, deadline)
        response = _read(_Stream(line, deadline))
    return response.status, rules.retry_after(header=response.getheader("Retry-After"), now=clock.now())


def _head(target: Target, headers: Mapping[str, str], length: int) -> bytes:
    lines = {"Host": target.authority, "Connection": "close", "Content-Length": str(length), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {target.path} HTTP/1.1\r\n{head}\r\n".encode("ascii")


@contextmanager
def _connected(target: Target, deadline: _Deadline) -> Iterator[socket.socket]:
    found = resolve(target, seconds=deadline.left())
    with _connect(found, target.port, deadline) as line:
        if not allows(target, line.getpeername()[0]):
            raise AddressRefused
        if not target.is_tls:
            yield line
            return
        line.settimeout(deadline.left())
        with tls_context().wrap_socket(line, server_hostname=target.host) as secured:
            yield secured


def _connect(found: list[str], port: int, deadline: _Deadline) -> socket.socket:
    """A connection to the first of the addresses that takes one."""
    trouble: OSError | None = None
    for address in found:
        try:
            # The address is one already: nothing is looked up a second time.
            return socket.create_connection((address, port), timeout=min(deadline.left(), _CONNECT_SECONDS))
        except OSError as one:
            trouble = one
    if isinstance(trouble, TimeoutError):
        raise trouble
    raise _NotConnected from trouble


def _send(line: socket.socket, message: bytes, deadline: _Deadline) -> None:
    rest = memoryview(message)
    while rest:
        line.settimeout(deadline.left())
        rest = rest[line.send(rest) :]


def _read(stream: _Stream) -> HTTPResponse:
    """An answer that is whole, as far as anybody reads."""
    response = HTTPResponse(cast("socket.socket", stream), method="POST")
    response.begin()
    if stream.is_closed_by_server:  # http.client takes this for the end of the headers
        raise _CutOff
    if stream.is_full:
        raise HTTPException("The headers never end.")
    try:
        while response.read(_BLOCK):
            pass
    except IncompleteRead:
        if not stream.is_full:
            raise
    if response.length and not stream.is_full:
        raise _CutOff
    return response


_TROUBLE = (OSError, HTTPException, ValueError, NameUnknown, AddressRefused, _NotConnected, _CutOff)
# The first that fits: TimeoutError and the errors of ssl are kinds of OSError.
_FAULTS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Fault], ...] = (
    (AddressRefused, Fault.ADDRESS_REFUSED),
    (NameUnknown, Fault.NAME_UNKNOWN),
    (TimeoutError, Fault.TIMED_OUT),
    (_NotConnected, Fault.NOT_CONNECTED),
    (ssl.SSLEOFError, Fault.CUT_OFF),
    (ssl.SSLError, Fault.NOT_TRUSTED),
    ((_CutOff, IncompleteRead, OSError), Fault.CUT_OFF),
)


def _fault(trouble: Exception) -> Fault:
    return next((fault for kind, fault in _FAULTS if isinstance(trouble, kind)), Fault.NOT_HTTP)


@cache
def tls_context() -> ssl.SSLContext:
    """Trusts whom the system trusts, and nobody without a certificate for the very name."""
    return ssl.create_default_context()
