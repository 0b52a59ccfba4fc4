"""Where a webhook's address leads: its parts, and what its name stands for right now."""

import re
import socket
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from common.webhooks import addresses

LONGEST_URL = 2000
_PRINTABLE = re.compile(r"[!-~]+", re.ASCII)
# Below are the ports of services that speak something else.
_LOWEST_FREE_PORT = 1024
_PORTS = {"https": 443, "http": 80}


class BadAddress(Exception):
    """This can be no webhook's address; `code` and the text say why."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class NameUnknown(Exception):
    """Nobody knows the host's name, or nobody said so in time."""


class AddressRefused(Exception):
    """The host's name stands for an address that is not public."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The parts of a webhook's address, and whether it may be one that is not public."""

    may_be_private: bool
    is_tls: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS["https" if self.is_tls else "http"] else f"{host}:{self.port}"


def parse(url: str, *, allow_private: bool) -> Target:
    """The parts of the address. Without TLS only if it may be private.

    Raises:
        BadAddress: it is no address that could be sent to.
    """
    if len(url) > LONGEST_URL or not _PRINTABLE.fullmatch(url) or "\\" in url:
        raise BadAddress("invalid", f"Must be a URL of at most {LONGEST_URL} printable ASCII characters.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as fault:
        raise BadAddress("invalid", "Must be a URL.") from fault
    schemes = ("https", "http") if allow_private else ("https",)
    if parts.scheme not in schemes:
        raise BadAddress("scheme", f"Must begin with {' or '.join(f'{each}://' for each in schemes)}.")
    if not host or "%" in host:
        raise BadAddress("invalid", "Must name a host.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise BadAddress("invalid", "Must have no user name, password or fragment.")
    if port is None:
        port = _PORTS[parts.scheme]
    elif port not in _PORTS.values() and port < _LOWEST_FREE_PORT:
        raise BadAddress("port", f"The port must be 443, or {_LOWEST_FREE_PORT} and above.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(may_be_private=allow_private, is_tls=parts.scheme == "https", host=host, port=port, path=path)


def resolve(target: Target, *, seconds: float) -> list[str]:
    """The addresses that the host's name stands for now, each of which may be sent to.

    Raises:
        NameUnknown: there are none, or none within the time.
        AddressRefused: one of them is not public, and the others are not better.
    """
    found = list(dict.fromkeys(str(entry[4][0]) for entry in _look_up(target, seconds)))
    if not all(allows(target, each) for each in found):
        raise AddressRefused
    return found


def allows(target: Target, address: str) -> bool:
    """Whether this target may be looked for at this address."""
    return target.may_be_private or addresses.is_public(address)


def _look_up(target: Target, seconds: float) -> list[Any]:
    """What the system's resolver says. It knows no time limit, so it runs in a thread that can be left behind."""
    answers: SimpleQueue[list[Any] | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as fault:  # a label that is too long is a UnicodeError
            answers.put(fault)

    Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except Empty:
        raise NameUnknown from None
    if isinstance(answer, Exception) or not answer:
        raise NameUnknown
    return answer
