"""The service, as those who make up requests reach it: each request finds the same world."""

import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.db import transaction
from django.http import HttpResponse

from common.tests.factories import ApiClient
from contracts.tests.fuzzing.document import NEXT_PAGE

Environ = dict[str, Any]
Ask = Callable[[Environ], HttpResponse]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


def ask(environ: Environ) -> HttpResponse:
    """The answer, which `ApiClient` looks at too; for NEXT_PAGE that of the next page, or of the first if it is all."""
    query = parameters_of(environ)
    if all(value != NEXT_PAGE for _, value in query):
        return ApiClient().request(**environ)
    first = with_query(environ, [(name, value) for name, value in query if value != NEXT_PAGE])
    answer = ApiClient().request(**first)
    cursor = json.loads(answer.content)["page"]["next_cursor"] if answer.status_code == 200 else None
    if cursor is None:
        return answer
    following = [(name, cursor if value == NEXT_PAGE else value) for name, value in query]
    return ApiClient().request(**with_query(environ, following))


def service(answering: Ask = ask) -> Wsgi:
    """A WSGI application that answers so. What a request changes is undone after its answer."""

    def application(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        with transaction.atomic():
            answer = answering(environ)
            content = answer.getvalue()
            transaction.set_rollback(True)
        start_response(f"{answer.status_code} {HTTPStatus(answer.status_code).phrase}", list(answer.headers.items()))
        return [content]

    return application


def parameters_of(environ: Environ) -> list[tuple[str, str]]:
    """The query string."""
    return parse_qsl(environ["QUERY_STRING"], keep_blank_values=True)


def with_query(environ: Environ, query: list[tuple[str, str]]) -> Environ:
    """The same request with another query string."""
    return {**environ, "QUERY_STRING": urlencode(query)}
