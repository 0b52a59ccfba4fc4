"""How request bodies are read."""

import json
from collections import Counter
from typing import Any

from django.http import HttpRequest
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import JSONParser


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
        except RecursionError as fault:
            raise ParseError("The JSON is nested too deeply.") from fault
        except json.JSONDecodeError as fault:
            raise ParseError(f"The body is not JSON: {fault}.") from fault
        except ValueError as fault:
            # Python's own limit, at 4300 digits.
            raise ParseError("A number in the body has too many digits.") from fault


def _read(text: str) -> Any:
    if text.startswith("\N{BYTE ORDER MARK}"):
        raise ParseError("The body begins with a byte order mark, which JSON does not have.")
    value = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_object)
    if "\\u" in text:
        # Only an escape can smuggle a lone surrogate past the decoding.
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(members)
    if len(value) != len(members):
        name, _ = Counter(name for name, _ in members).most_common(1)[0]
        raise ParseError(f"{json.dumps(name)} occurs twice in one object.")
    return value


def _refuse_constant(name: str) -> None:
    raise ParseError(f"The body is not JSON: {name} is no JSON number.")
