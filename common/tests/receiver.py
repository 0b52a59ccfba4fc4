"""A server that is told of events, and does with them whatever a test wants: real sockets, real TLS, no network."""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Behaviour = Callable[[socket.socket], None]


@dataclass(frozen=True, kw_only=True)
class Received:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Answers each request as the next of `behaviours` says, the last one from then on."""

    def __init__(self, *behaviours: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self.received: list[Received] = []
        self.connections = 0
        self._behaviours = list(behaviours) or [status(204)]
        self._tls = tls
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks?from=lectern"

    def then(self, *behaviours: Behaviour) -> None:
        """From now on it behaves like this."""
        self._behaviours = list(behaviours)

    def close(self) -> None:
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self._listener.accept()
                self.connections += 1
                self._open.append(line)
                threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        # Whoever comes with something else than HTTP is not received.
        with suppress(OSError, ValueError, KeyError), line:
            if self._tls is not None:
                line = self._tls.wrap_socket(line, server_side=True)
                self._open.append(line)
            self.received.append(_read(line))
            behaviour = self._behaviours.pop(0) if len(self._behaviours) > 1 else self._behaviours[0]
            behaviour(line)


def _read(line: socket.socket) -> Received:
    with line.makefile("rb") as stream:
        method, path, _ = stream.readline().decode().split(" ")
        headers = {}
        while text := stream.readline().decode().strip():
            name, _, value = text.partition(":")
            headers[name.lower()] = value.strip()
        body = stream.read(int(headers["content-length"]))
    return Received(method=method, path=path, headers=headers, body=body)


@contextmanager
def receiving(*behaviours: Behaviour, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver that is gone after the block."""
    one = Receiver(*behaviours, tls=tls)
    try:
        yield one
    finally:
        one.close()


# -- what it may do ------------------------------------------------------------------------------


def says(text: str) -> Behaviour:
    """Exactly this, and then it hangs up."""
    return lambda line: line.sendall(text.encode())


def status(code: int, **headers: str) -> Behaviour:
    """An answer without a body."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return says(f"HTTP/1.1 {code} Whatever\r\nContent-Length: 0\r\n{lines}\r\n")


def hang(line: socket.socket) -> None:
    """It keeps the line and says nothing, until the other side hangs up."""
    line.recv(1)


def hang_up(line: socket.socket) -> None:
    """It has read the request, and says nothing."""


def without_end(start: str, piece: str, *, pause: float = 0) -> Behaviour:
    """First `start`, then the same piece over and over."""

    def behave(line: socket.socket) -> None:
        line.sendall(start.encode())
        waiting = threading.Event()
        while True:
            line.sendall(piece.encode())
            if pause:
                waiting.wait(pause)

    return behave


# -- certificates --------------------------------------------------------------------------------


def certificate(folder: Path, *, name: str = "localhost", days: int = 1) -> Path:
    """A file with a key and a certificate for the name (and for 127.0.0.1), which vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


def tls_of(file: Path) -> ssl.SSLContext:
    """A server that shows the certificate in this file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context
