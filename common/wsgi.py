"""Django behind a real server: bodies as servers deliver them, text in UTF-8."""

from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http.response import HttpResponseBase

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
            body = source.read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
            environ["wsgi.input"] = BytesIO(body)
            environ["CONTENT_LENGTH"] = str(len(body))
        response = super().__call__(environ, start_response)
        # The answer is made: a client that broke off must not spoil it.
        with suppress(OSError):
            _drain(source)
        return response


def _drain(source: Any) -> None:
    left = _DRAINED_BYTES
    while left > 0 and (block := source.read(_BLOCK)):
        left -= len(block)
