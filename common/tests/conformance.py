"""Whether an answer of the API, and the request that it accepted, are what the OpenAPI document promises.

`ApiClient` asks this of every answer that any test gets, so that the whole suite tests the document.
"""

import json
import re
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.encoding import escape_uri_path
from jsonschema import Draft202012Validator, FormatChecker

from common import openapi
from common.problem_types import CATALOGUE

PREFIX = "/api/v1/"
PROBLEM_MEMBERS = {"type", "title", "status", "detail", "instance", "code", "request_id"}
# What may be answered before it is known which operation is meant.
OUTSIDE_OPERATIONS = {"not_found", "method_not_allowed", "invalid_request", "internal_error", "dependency_unavailable"}
# Headers that clients act on: present where declared, absent elsewhere.
CONTRACT_HEADERS = {
    *("Location", "ETag", "Idempotency-Replayed", "WWW-Authenticate", "Retry-After"),
    *("Deprecation", "Sunset", "Link"),
}

# How answers write what requests may write in more ways.
OUR_FORMATS = FormatChecker(formats=[])
OUR_FORMATS.checks("date-time")(
    lambda text: not isinstance(text, str) or bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", text))
)
OUR_FORMATS.checks("email")(lambda text: not isinstance(text, str) or bool(re.fullmatch(r"[^@\s]+@[^@\s]+", text)))


def check(response: HttpResponse, request: HttpRequest) -> None:
    """The answer keeps the promises of the operation that was asked.

    Raises:
        AssertionError: it does not; the text says which one.
    """
    entry = operation_of(request)
    told = f"{request.method} {request.get_full_path()} → {response.status_code}"
    assert response.headers.get("X-Request-ID"), f"{told}: no X-Request-ID"
    if entry is None:
        assert check_problem(response, request, told) in OUTSIDE_OPERATIONS, f"{told}: there is no such operation"
        return
    promised = entry["responses"].get(str(response.status_code))
    assert promised is not None, f"{told}: {entry['operationId']} does not declare this status: {response.content!r}"
    _check_headers(response, promised, told)
    _check_content(response, request, promised, told)
    if response.status_code < 300:
        _check_accepted(request, entry, told)


def operation_of(request: HttpRequest) -> dict[str, Any] | None:
    """The document's entry for what was asked, None if it has none."""
    if request.resolver_match is None:
        return None
    path = "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", request.resolver_match.route)
    method = str(request.method).lower()
    entry: dict[str, Any] | None = openapi.document()["paths"].get(path, {}).get("get" if method == "head" else method)
    return entry


def check_problem(response: HttpResponse, request: HttpRequest, told: str) -> str:
    """The answer is a problem of the catalogue, exactly as it is described there. Returns its code."""
    assert response.headers["Content-Type"] == "application/problem+json", f"{told}: {response.headers}"
    if request.method == "HEAD":
        return "not_found"
    body = json.loads(response.content)
    check_shape(body, {"$ref": "#/components/schemas/Problem"}, told)
    kind = CATALOGUE[body["code"]]
    assert (body["type"], body["title"], body["status"]) == (kind.uri, kind.title, kind.status), f"{told}: {body}"
    assert body["status"] == response.status_code, f"{told}: {body}"
    assert body["instance"] == escape_uri_path(request.path), f"{told}: {body}"
    assert body["request_id"] == response.headers["X-Request-ID"], f"{told}: {body}"
    assert set(body) == PROBLEM_MEMBERS | set(kind.members), f"{told}: members other than declared: {body}"
    return kind.code


def check_shape(value: Any, schema: dict[str, Any], told: str, *, formats: FormatChecker | None = OUR_FORMATS) -> None:
    """The value is what the schema says, and objects have no member that is not declared."""
    error = next(_validator(json.dumps(schema), formats).iter_errors(value), None)
    assert error is None, f"{told}: {error.json_path}: {error.message}"


@cache
def _validator(schema: str, formats: FormatChecker | None) -> Draft202012Validator:
    return Draft202012Validator(_closed(json.loads(schema)), format_checker=formats)


def _closed(schema: Any) -> Any:
    """The schema with its references filled in and its objects closed against members that are not declared."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        *_, kind, name = schema["$ref"].split("/")
        return _closed(openapi.document()["components"][kind][name])
    closed = {key: _closed(value) for key, value in schema.items()}
    if closed.get("type") == "object" and "properties" in closed:
        closed.setdefault("additionalProperties", False)
    return closed


def _check_headers(response: HttpResponse, promised: dict[str, Any], told: str) -> None:
    declared = {name: _header(schema) for name, schema in promised["headers"].items()}
    for name, header in declared.items():
        value = response.headers.get(name)
        assert value is not None or not header["required"], f"{told}: no {name}"
        if value is not None:
            check_shape(value, header["schema"], f"{told}: {name}")
    undeclared = CONTRACT_HEADERS & set(response.headers) - set(declared)
    assert not undeclared, f"{told}: {undeclared} not declared"


def _header(schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    header: dict[str, Any] = openapi.document()["components"]["headers"][name] if name else schema
    return header


def _check_content(response: HttpResponse, request: HttpRequest, promised: dict[str, Any], told: str) -> None:
    if "content" not in promised:
        assert response.content == b"", f"{told}: a body where none is declared"
        return
    media_type = response.headers["Content-Type"].partition(";")[0]
    assert media_type in promised["content"], f"{told}: {media_type} is not declared"
    if "x-problem-types" in promised:
        code = check_problem(response, request, told)
        declared = promised["x-problem-types"]
        assert request.method == "HEAD" or CATALOGUE[code].uri in declared, f"{told}: {code} is not declared"
    elif request.method != "HEAD" and media_type == "application/json":
        check_shape(json.loads(response.content), promised["content"][media_type]["schema"], told)


def _check_accepted(request: HttpRequest, entry: dict[str, Any], told: str) -> None:
    """What was accepted is what the document allows."""
    parameters = {each["name"] for each in entry.get("parameters", ()) if each["in"] == "query"}
    assert set(request.GET) <= parameters, f"{told}: accepted an undeclared parameter"
    sent = getattr(request, "_body", b"")
    if sent and "requestBody" in entry:
        media_type = str(request.content_type)
        assert media_type in entry["requestBody"]["content"], f"{told}: accepted {media_type}, which is not declared"
        schema = entry["requestBody"]["content"][media_type]["schema"]
        check_shape(json.loads(sent), schema, f"{told}: request", formats=None)
