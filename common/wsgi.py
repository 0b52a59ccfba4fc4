"""Django behind a real server: bodies as servers deliver them, text in UTF-8."""

from collections.abc import Callable
from contextlib import suppress
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http.response import HttpResponseBase

from common.failpoints import failpoint

_BLOCK = 65_536
# A client that still sends does not read. What it sends beyond this, it sends in vain: the connection is closed.
_DRAINED_BYTES = 64 * 1_048_576


class Utf8Request(WSGIRequest):
    """A request whose text is UTF-8, whatever charset its Content-Type claims.

    Django would decode the query string by that charset; one such as `hex` breaks it before any error handling.
    """

    @property
    def encoding(self) -> str:
        return "utf-8"

    @encoding.setter
    def encoding(self, _charset: str) -> None:
        """Not heard."""


class Application(WSGIHandler):
    """The WSGI application.

    A chunked body counts as any other, which Django takes for none. A body that nobody read is taken off the wire
    before the answer goes out, so that a client which is still sending gets to see the answer.
    """

    request_class = Utf8Request

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> HttpResponseBase:
        source = environ["wsgi.input"]
        if environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked":
            with SpooledTemporaryFile(max_size=settings.MAX_BODY_BYTES) as body:
                environ["CONTENT_LENGTH"] = str(_copy(source, body))
                environ["wsgi.input"] = body
                response = super().__call__(environ, start_response)
        else:
            response = super().__call__(environ, start_response)
        failpoint("request.before_answer")
        # The answer is made: a client that broke off must not spoil it.
        with suppress(OSError):
            _drain(source)
        return response


def _copy(source: Any, body: IO[bytes]) -> int:
    """Copy what is sent, as far as any operation would read it. Returns how much that is."""
    left = settings.LARGEST_BODY_BYTES + 1
    while left > 0 and (block := source.read(min(_BLOCK, left))):
        body.write(block)
        left -= len(block)
    body.seek(0)
    return settings.LARGEST_BODY_BYTES + 1 - left


def _drain(source: Any) -> None:
    left = _DRAINED_BYTES
    while left > 0 and (block := source.read(_BLOCK)):
        left -= len(block)
