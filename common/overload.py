"""What a request is answered that comes while more are waiting than can be answered in time.

Refusing must cost next to nothing, or it is what the service is busy with. So this works on the bytes of the request,
before anything is made of them.
"""

import json
import re
from dataclasses import dataclass
from enum import Enum

from common import ids
from common.metrics import REFUSED_FOR_OVERLOAD
from common.problem_types import CATALOGUE
from common.problems import CONTENT_TYPE, RETRY_AFTER_SECONDS

_KIND = CATALOGUE["overloaded"]
_REQUEST_LINE = re.compile(rb"[A-Z]+ (/[!-~]*?)(?:\?[!-~]*)? HTTP/1\.([01])\r\n")
# What tells operators how things are must not stop telling.
_EXEMPT = (b"/health/", b"/metrics")
_REQUEST_ID = re.compile(rb"\r\nx-request-id:[ \t]*([A-Za-z0-9._-]{1,128})[ \t]*\r\n", re.IGNORECASE)
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*\r\n", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection:[ \t]*close[ \t]*\r\n", re.IGNORECASE)
# Where the request ends is not so easily told with these.
_INTRICATE = re.compile(rb"\r\n(?:transfer-encoding|expect|upgrade)[ \t]*:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A whole answer, and whether its connection may be used again."""

    content: bytes
    keeps_connection: bool


class Way(Enum):
    """What else can become of a request."""

    USUAL = "it is exempt, or no plain one"
    INCOMPLETE = "the rest of it is still to come"


def refusal(request: bytes) -> Refusal | Way:
    """The answer to `request`, if it can be refused."""
    head, end, body = request.partition(b"\r\n\r\n")
    if not end:
        return Way.INCOMPLETE
    head += b"\r\n"
    line, length = _REQUEST_LINE.match(head), _LENGTH.search(head)
    missing = (int(length[1]) if length else 0) - len(body)
    if line is None or line[1].startswith(_EXEMPT) or _INTRICATE.search(head) or missing < 0:
        return Way.USUAL
    if missing:
        return Way.INCOMPLETE
    REFUSED_FOR_OVERLOAD.inc()
    offered = _REQUEST_ID.search(head)
    request_id = offered[1].decode() if offered else ids.encode("req", ids.new_uuid())
    keeps = line[2] == b"1" and not _CLOSE.search(head)
    problem = json.dumps({**_KIND.example(line[1].decode()), "request_id": request_id}).encode()
    return Refusal(
        _head(request_id, len(problem), keeps=keeps) + (b"" if head.startswith(b"HEAD ") else problem), keeps
    )


def _head(request_id: str, length: int, *, keeps: bool) -> bytes:
    return (
        f"HTTP/1.1 503 Service Unavailable\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {length}\r\n"
        f"Retry-After: {RETRY_AFTER_SECONDS}\r\nX-Request-ID: {request_id}\r\n"
        f"Connection: {'keep-alive' if keeps else 'close'}\r\n\r\n"
    ).encode()
