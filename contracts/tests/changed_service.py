"""The running service, with its answers changed on their way out: as a later version of it might answer."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse

from common.middleware import RequestContextMiddleware

Change = Callable[[Any], None]


def change_answers(monkeypatch: pytest.MonkeyPatch, change: Change) -> None:
    """Every JSON object in every answer goes through `change`, the innermost first."""
    genuine = RequestContextMiddleware.__call__

    def answer(middleware: RequestContextMiddleware, request: HttpRequest) -> HttpResponse:
        response = genuine(middleware, request)
        if response.headers.get("Content-Type", "").endswith("json"):
            body = json.loads(response.content)
            _each_object(body, change)
            response.content = json.dumps(body).encode()
            response["Content-Length"] = len(response.content)
        return response

    monkeypatch.setattr(RequestContextMiddleware, "__call__", answer)


def _each_object(value: Any, change: Change) -> None:
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _each_object(inner, change)
    if isinstance(value, dict):
        change(value)
