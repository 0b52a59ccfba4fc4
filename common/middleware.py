"""Around every request: its identity (X-Request-ID, W3C Trace Context) and the Content-Security-Policy."""

import logging
import re
from collections.abc import Callable
from time import perf_counter

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse

from common import ids
from common.context import RequestContext, current_request, entered
from common.metrics import REQUEST_SECONDS
from common.problems import database_problem

Handler = Callable[[HttpRequest], HttpResponse]

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}\Z")
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


class RequestContextMiddleware:
    """Every response carries an X-Request-ID: the client's if it is well formed, else a new one."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        offered = request.META.get("HTTP_X_REQUEST_ID", "")
        trace = _TRACEPARENT.match(request.META.get("HTTP_TRACEPARENT", ""))
        context = RequestContext(
            request_id=offered if _REQUEST_ID.match(offered) else ids.encode("req", ids.new_uuid()),
            trace_id=trace.group(1) if trace else "",
        )
        # For what Django logs of the answer once it has left this middleware.
        request.lectern_context = context  # type: ignore[attr-defined]
        started = perf_counter()
        with entered(context):
            response = self.get_response(request)
        response["X-Request-ID"] = context.request_id
        _observe(request, response, perf_counter() - started)
        if request.method == "HEAD":
            _take_body_away(response)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A database that is away is a 503 on every page, not only on those of the API."""
        return database_problem(request, exception) if isinstance(exception, DatabaseError | InterfaceError) else None


def _take_body_away(response: HttpResponse) -> None:
    """The length of the body has been noted in Content-Length, unless it is made while it is sent."""
    if response.streaming:
        response.streaming_content = iter(())  # type: ignore[attr-defined]
    else:
        response.content = b""


def _observe(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    route = request.resolver_match.route if request.resolver_match else "none"
    # Anybody can make up methods, and each label is kept for ever.
    method = request.method if request.method in _METHODS else "other"
    REQUEST_SECONDS.labels(method, route, response.status_code).observe(seconds)


class RequestLogFilter(logging.Filter):
    """Puts the request's id, and its trace id if it has one, on each log line."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        context = getattr(request, "lectern_context", None) or current_request()
        record.request_id = f"{context.request_id} {context.trace_id}".strip() or "-"
        return True


class ContentSecurityPolicyMiddleware:
    """Sends SECURE_CSP, in the shape that Django 6 gives this setting; goes when Django's own takes over."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self.policy = "; ".join(f"{name} {' '.join(sources)}" for name, sources in settings.SECURE_CSP.items())

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Content-Security-Policy", self.policy)
        return response
