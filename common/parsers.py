"""How request bodies are read."""

import json
from typing import Any

from django.http import HttpRequest
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import JSONParser

from common.strict_json import NotStrict, read


class StrictJSONParser(JSONParser):
    """RFC 8259 and no more: UTF-8, no NaN, no lone surrogates, no name twice, a bounded size and depth."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        request: HttpRequest = parser_context["request"]._request
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise UnsupportedMediaType(media_type)
        try:
            return _read(request.body.decode())
        except UnicodeError as fault:
            raise ParseError("The body is not valid UTF-8 text.") from fault
        except json.JSONDecodeError as fault:
            raise ParseError(f"The body is not JSON: {fault}.") from fault
        except NotStrict as fault:
            raise ParseError(str(fault)) from fault


def _read(text: str) -> Any:
    if text.startswith("\N{BYTE ORDER MARK}"):
        raise ParseError("The body begins with a byte order mark, which JSON does not have.")
    value = read(text)
    if "\\u" in text:
        # Only an escape can smuggle a lone surrogate past the decoding.
        json.dumps(value, ensure_ascii=False).encode()
    return value
