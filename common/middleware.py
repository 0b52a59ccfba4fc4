"""Around every request: its identity (X-Request-ID, W3C Trace Context), its line in the log, and the
Content-Security-Policy.
"""

import re
from collections.abc import Callable
from time import perf_counter

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse

from common import ids, metrics, tracing
from common.context import RequestContext, entered, is_request_id
from common.models import User
from common.principals import PartnerPrincipal
from common.problems import database_problem

Handler = Callable[[HttpRequest], HttpResponse]

log = structlog.get_logger()

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


class RequestContextMiddleware:
    """Every response carries an X-Request-ID: the client's if it is well formed, else a new one.

    What it was and what it cost is one line of the log, and a part of the metrics. Of an answer that is made while it
    is sent, only what came before its first byte is known here.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        offered = request.META.get("HTTP_X_REQUEST_ID", "")
        trace = _TRACEPARENT.match(request.META.get("HTTP_TRACEPARENT", ""))
        context = RequestContext(
            request_id=offered if is_request_id(offered) else ids.encode("req", ids.new_uuid()),
            traceparent=trace.group() if trace else "",
        )
        # For what Django logs of the answer once it has left this middleware.
        request.lectern_context = context  # type: ignore[attr-defined]
        started = perf_counter()
        with entered(context), tracing.continued("request", kind="SERVER", request_id=context.request_id):
            response = self.get_response(request)
            _tell(request, response, context, perf_counter() - started)
        response["X-Request-ID"] = context.request_id
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


def _tell(request: HttpRequest, response: HttpResponse, context: RequestContext, seconds: float) -> None:
    route = request.resolver_match.route if request.resolver_match else "none"
    # Anybody can make up methods.
    method = request.method if request.method in _METHODS else "other"
    status = response.status_code
    duration, database, queries = metrics.requests(str(method), route, f"{status // 100}xx")
    duration.observe(seconds)
    database.inc(context.database_seconds)
    queries.inc(context.queries)
    log.info(
        "request",
        request_id=context.request_id,
        trace_id=context.trace_id,
        method=method,
        route=route,
        status=status,
        caller=_caller(request),
        ms=round(seconds * 1000, 2),
        queries=context.queries,
        database_ms=round(context.database_seconds * 1000, 2),
        release=settings.RELEASE,
    )
    tracing.annotate(
        f"{method} {route}",
        failed=status >= 500,
        **{"http.request.method": method, "http.route": route, "http.response.status_code": status},
    )


def _caller(request: HttpRequest) -> str:
    """The public id of the person or partner who is known to have asked. Nobody is looked up for it."""
    known = vars(request)
    # Of a page it may not be known who asks; of the API, DRF says so in the same place.
    caller = known.get("_cached_user") or known.get("user")
    if type(caller) is User:
        return ids.encode(ids.USER, caller.pk)
    return ids.encode(ids.PARTNER, caller.pk) if type(caller) is PartnerPrincipal else ""


class ContentSecurityPolicyMiddleware:
    """Sends SECURE_CSP, in the shape that Django 6 gives this setting; goes when Django's own takes over."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self.policy = "; ".join(f"{name} {' '.join(sources)}" for name, sources in settings.SECURE_CSP.items())

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Content-Security-Policy", self.policy)
        return response
