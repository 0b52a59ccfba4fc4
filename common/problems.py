"""The edge where every error becomes `application/problem+json` (RFC 9457)."""

import json
import logging
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.conf import settings
from django.core.exceptions import (
    BadRequest,
    DisallowedHost,
    PermissionDenied,
    RequestDataTooBig,
    TooManyFieldsSent,
)
from django.db import DatabaseError, InterfaceError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import RawPostDataException, UnreadablePostError
from django.utils.encoding import escape_uri_path
from rest_framework import exceptions as drf
from rest_framework.settings import api_settings

from common import db
from common.context import current_request
from common.errors import DomainError, InvalidInput
from common.problem_types import CATALOGUE

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = "1"
# A body of a megabyte can hold a hundred thousand wrong fields.
_MOST_ERRORS = 100
_NAMED_ERRORS = 3

_FRAMEWORK_CODES: dict[type[Exception], str] = {
    drf.NotAuthenticated: "unauthenticated",
    drf.AuthenticationFailed: "unauthenticated",
    drf.PermissionDenied: "permission_denied",
    drf.NotFound: "not_found",
    drf.MethodNotAllowed: "method_not_allowed",
    drf.NotAcceptable: "not_acceptable",
    drf.UnsupportedMediaType: "unsupported_media_type",
    drf.Throttled: "rate_limited",
    drf.ParseError: "invalid_request",
    Http404: "not_found",
    PermissionDenied: "permission_denied",
    RequestDataTooBig: "payload_too_large",
    BadRequest: "invalid_request",
    TooManyFieldsSent: "invalid_request",
    UnreadablePostError: "invalid_request",
    RawPostDataException: "invalid_request",
}


def problem(
    request: HttpRequest, code: str, detail: str, *, headers: dict[str, str] | None = None, **extensions: Any
) -> HttpResponse:
    """The answer for the problem `code`, with `extensions` as further members of its body."""
    kind = CATALOGUE[code]
    body = {
        "type": kind.uri,
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "instance": escape_uri_path(request.path),
        "code": code,
        "request_id": current_request().request_id,
        **extensions,
    }
    if kind.status in {429, 503} or code == "idempotency_key_in_flight":
        headers = {"Retry-After": RETRY_AFTER_SECONDS, **(headers or {})}
    return HttpResponse(json.dumps(body), status=kind.status, content_type=CONTENT_TYPE, headers=headers)


def answer_exception(exception: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """DRF's exception handler. None leaves the exception to Django, which logs it and answers with `server_error`."""
    request = context["request"]
    if isinstance(exception, DomainError):
        return problem(
            request, exception.code, str(exception), headers=_challenge(exception.code, context), **exception.details
        )
    if isinstance(exception, InvalidInput):
        return _invalid_input(request, exception)
    if isinstance(exception, drf.ValidationError):
        entries = _entries(exception.get_full_details(), parameter=getattr(exception, "parameter", False))
        return _invalid_request(request, list(islice(entries, _MOST_ERRORS)))
    if isinstance(exception, DatabaseError | InterfaceError):
        return database_problem(request, exception)
    for kind, code in _FRAMEWORK_CODES.items():
        if isinstance(exception, kind):
            return _framework_problem(request, exception, code, context)
    return None


def database_problem(request: HttpRequest, exception: Exception) -> HttpResponse | None:
    """503 for a database that is away or too slow, None for a fault of ours."""
    if not db.is_unavailable(exception):
        return None
    logger.warning("The database cannot answer: %s", exception)
    return problem(
        request,
        "dependency_unavailable",
        "The database cannot answer now. Send the request again; with the same Idempotency-Key nothing is done twice.",
    )


def _framework_problem(request: HttpRequest, exception: Exception, code: str, context: dict[str, Any]) -> HttpResponse:
    headers = _challenge(code, context, sent=isinstance(exception, drf.AuthenticationFailed)) or {}
    detail = CATALOGUE[code].when
    if code == "invalid_request":
        return _unreadable(request, str(exception))
    if isinstance(exception, drf.MethodNotAllowed):
        headers["Allow"] = ", ".join(context["view"].allowed_methods)
        detail = f"This address takes {headers['Allow']}."
    if isinstance(exception, drf.NotAuthenticated):
        detail = _authenticator(context).when_missing
    if isinstance(exception, drf.AuthenticationFailed):
        detail = _authenticator(context).when_wrong
    if isinstance(exception, RequestDataTooBig):
        detail = _too_large()
    wait = getattr(exception, "wait", None)
    if isinstance(exception, drf.Throttled) and wait:
        headers["Retry-After"] = str(wait)
    return problem(request, code, detail, headers=headers)


def _too_large() -> str:
    return f"A body may have at most {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes."


def _unreadable(request: HttpRequest, detail: str) -> HttpResponse:
    detail = detail or "The body could not be read."
    return _invalid_request(request, [{"pointer": "", "parameter": None, "code": "unreadable", "detail": detail}])


def _invalid_input(request: HttpRequest, exception: InvalidInput) -> HttpResponse:
    place = {
        "pointer": f"/{exception.field}" if exception.field else "",
        "parameter": None,
        "code": exception.reason_code,
    }
    return _invalid_request(request, [{**place, "detail": reason} for reason in exception.reasons])


def _invalid_request(request: HttpRequest, errors: list[dict[str, str | None]]) -> HttpResponse:
    return problem(request, "invalid_request", _summary(errors), errors=errors)


def _challenge(code: str, context: dict[str, Any], *, sent: bool = False) -> dict[str, str] | None:
    """How to sign in (RFC 9110, section 11.6.1). `sent`: credentials were, but are no good (RFC 6750, section 3)."""
    if CATALOGUE[code].status != 401:
        return None
    challenge = _authenticator(context).authenticate_header(context["request"])
    return {"WWW-Authenticate": f'{challenge}, error="invalid_token"' if sent else challenge}


def _authenticator(context: dict[str, Any]) -> Any:
    """How callers of the operation sign in; where none need to, how people do."""
    own = context["view"].get_authenticators()
    return own[0] if own else api_settings.DEFAULT_AUTHENTICATION_CLASSES[0]()  # type: ignore[operator]


def _entries(details: Any, *, parameter: bool, path: tuple[str, ...] = ()) -> Iterator[dict[str, str | None]]:
    """Flatten DRF's nested error details to one entry for each place."""
    if isinstance(details, list):
        for inner in details:
            yield from _entries(inner, parameter=parameter, path=path)
    elif isinstance(details.get("message"), str):
        yield {
            "pointer": None if parameter else _pointer(path),
            "parameter": ".".join(path) if parameter else None,
            "code": str(details["code"]),
            "detail": str(details["message"]),
        }
    else:
        # A field may be called `message` as well; then a list stands there.
        for name, inner in details.items():
            yield from _entries(inner, parameter=parameter, path=(*path, str(name)))


def _pointer(path: tuple[str, ...]) -> str:
    """RFC 6901; empty for the whole body."""
    return "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in path)


def _summary(errors: list[dict[str, str | None]]) -> str:
    """The first few errors in one line, for people."""
    named = []
    for entry in errors[:_NAMED_ERRORS]:
        place = entry["pointer"] if entry["parameter"] is None else entry["parameter"]
        named.append(f"{place}: {entry['detail']}" if place else str(entry["detail"]))
    if len(errors) > _NAMED_ERRORS:
        named.append("See `errors` for more.")
    return " ".join(named)


# -- what Django answers outside of DRF ---------------------------------------------------------


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400."""
    if isinstance(exception, RequestDataTooBig):
        return problem(request, "payload_too_large", _too_large())
    host = isinstance(exception, DisallowedHost)
    detail = "This service does not go by that name." if host else "The request could not be read."
    parameter = "Host" if host else None
    return _invalid_request(request, [{"pointer": None, "parameter": parameter, "code": "refused", "detail": detail}])


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    return problem(request, "permission_denied", CATALOGUE["permission_denied"].when)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404."""
    return problem(request, "not_found", CATALOGUE["not_found"].when)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500. Called while the exception is handled; one in a middleware has not been looked at yet."""
    exception = sys.exc_info()[1]
    if isinstance(exception, DatabaseError | InterfaceError) and (answer := database_problem(request, exception)):
        return answer
    return problem(request, "internal_error", CATALOGUE["internal_error"].when)
