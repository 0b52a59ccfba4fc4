"""What operators and newcomers look at: health, metrics, the problem pages, the API's document, the start page."""

import json
from collections.abc import Callable
from functools import wraps
from hashlib import blake2b
from itertools import groupby
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import etag

from common import examples, metrics, openapi
from common.problem_types import CATALOGUE, ProblemType
from common.problems import problem
from common.site import health

NO_STORE = {"Cache-Control": "no-store"}
_EXAMPLE_PATH = f"/api/v1/courses/{examples.COURSE}/enrollments"
_STATUS_WORDS = {
    400: "The request is wrong",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not there",
    405: "Wrong method",
    406: "Wrong Accept header",
    409: "The state says no",
    412: "Changed meanwhile",
    413: "Too large",
    415: "Wrong Content-Type",
    422: "Key used twice",
    429: "Too fast",
    500: "A fault on our side",
    503: "Try again soon",
}

Page = Callable[..., HttpResponse]


def reading(page: Page) -> Page:
    """A page that is only read: any other method is a problem."""

    # There is nothing to forge, and the answer to a POST is that there is no POST.
    @csrf_exempt
    @wraps(page)
    def run(request: HttpRequest, **path: str) -> HttpResponse:
        if request.method not in {"GET", "HEAD"}:
            kind = CATALOGUE["method_not_allowed"]
            return problem(request, kind.code, kind.when, headers={"Allow": "GET, HEAD"})
        return page(request, **path)

    return run


# -- for operators ------------------------------------------------------------------------------


@reading
def live(_request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": health.OK}, headers=NO_STORE)


@reading
def ready(request: HttpRequest) -> HttpResponse:
    """The process can do its work: the database is reachable and every migration is applied."""
    checks = health.checks()
    if set(checks.values()) == {health.OK}:
        return JsonResponse({"status": health.OK, "checks": checks}, headers=NO_STORE)
    wrong = ", ".join(f"{name} {state}" for name, state in checks.items() if state != health.OK)
    return problem(request, "dependency_unavailable", f"Not ready: {wrong}.", headers=NO_STORE, checks=checks)


@reading
def prometheus(_request: HttpRequest) -> HttpResponse:
    """The counters of all web processes of this machine, for Prometheus."""
    content, content_type = metrics.exposition()
    return HttpResponse(content, content_type=content_type, headers=NO_STORE)


# -- for people who build on the API ------------------------------------------------------------


@reading
def home(request: HttpRequest) -> HttpResponse:
    """Where everything is."""
    return render(request, "site/home.html", {"base_url": request.build_absolute_uri("/").rstrip("/")})


@reading
def problem_index(request: HttpRequest) -> HttpResponse:
    """Every type of problem, by status."""
    kinds = sorted(CATALOGUE.values(), key=lambda kind: (kind.status, kind.slug))
    groups = [
        {"status": status, "words": _STATUS_WORDS[status], "problems": [_told(kind) for kind in same]}
        for status, same in groupby(kinds, key=lambda kind: kind.status)
    ]
    return render(request, "site/problems.html", {"groups": groups})


@reading
def problem_page(request: HttpRequest, slug: str) -> HttpResponse:
    """One type of problem: when it occurs, what to do, who answers it."""
    kind = CATALOGUE.get(slug.replace("-", "_"))
    if kind is None or kind.slug != slug:
        raise Http404
    told = {
        **_told(kind),
        "example": json.dumps(_example(kind), indent=2, ensure_ascii=False),
        "operations": _answered_by(kind),
    }
    return render(request, "site/problem.html", {"problem": told})


@reading
def docs(request: HttpRequest) -> HttpResponse:
    """The API's description as pages to try it on, without any request to another host."""
    return render(request, "site/docs.html")


def _etag(_request: HttpRequest) -> str:
    return f'"{blake2b(openapi.as_json(), digest_size=8).hexdigest()}"'


@reading
@etag(_etag)
def openapi_json(_request: HttpRequest) -> HttpResponse:
    """The API's description, as JSON."""
    return HttpResponse(openapi.as_json(), content_type="application/json", headers={"Cache-Control": "no-cache"})


@reading
@etag(_etag)
def openapi_yaml(_request: HttpRequest) -> HttpResponse:
    """The API's description, as YAML (RFC 9512)."""
    return HttpResponse(openapi.as_yaml(), content_type="application/yaml", headers={"Cache-Control": "no-cache"})


def _told(kind: ProblemType) -> dict[str, Any]:
    return {
        "code": kind.code,
        "slug": kind.slug,
        "uri": kind.uri,
        "status": kind.status,
        "title": kind.title,
        "when": _in_html(kind.when),
        "advice": _in_html(kind.advice),
    }


def _in_html(text: str) -> SafeString:
    """`text` with what stands between backticks as code."""
    pieces = enumerate(text.split("`"))
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", each) if odd % 2 else each,) for odd, each in pieces)
    )


def _example(kind: ProblemType) -> dict[str, Any]:
    """A body as the document shows it, or one made up where no operation answers such a problem."""
    shown: dict[str, Any] = openapi.document()["components"]["examples"].get(kind.slug, {})
    body: dict[str, Any] = shown.get("value") or kind.example(_EXAMPLE_PATH)
    return body


def _answered_by(kind: ProblemType) -> list[dict[str, str]]:
    return [
        {"method": method.upper(), "path": path, "id": entry["operationId"], "tag": entry["tags"][0]}
        for path, methods in openapi.document()["paths"].items()
        for method, entry in methods.items()
        if kind.uri in entry["responses"].get(str(kind.status), {}).get("x-problem-types", ())
    ]
