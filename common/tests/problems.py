"""What a client relies on in every refusal."""

import re
from typing import Any

from django.http import HttpResponse

MEMBERS = {"type", "title", "status", "detail", "instance", "code", "request_id"}
INNARDS = re.compile(
    r"Traceback|psycopg|SELECT |INSERT |django|rest_framework|lectern_|\.py\b|<class|object at 0x|sys\."
)


def refused(response: HttpResponse, status: int, code: str) -> dict[str, Any]:
    """The problem that the answer must be, once it is seen to keep the promises of every problem."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert set(body) >= MEMBERS
    assert (body["status"], body["code"]) == (status, code), body
    assert body["type"] == f"/problems/{code.replace('_', '-')}"
    assert body["request_id"] == response["X-Request-ID"]
    assert body["title"]
    assert body["detail"]
    assert not INNARDS.search(response.content.decode()), body
    assert ("WWW-Authenticate" in response) == (status == 401)
    assert "Allow" in response or status != 405
    assert ("Retry-After" in response) == (status in {429, 503} or code == "idempotency_key_in_flight")
    if code == "invalid_request":
        assert body["errors"]
        assert all(set(entry) == {"pointer", "parameter", "code", "detail"} for entry in body["errors"])
    return body


def pointers(response: HttpResponse) -> set[str]:
    """The places in the body that an `invalid-request` names."""
    return {entry["pointer"] for entry in refused(response, 400, "invalid_request")["errors"]}


def parameters(response: HttpResponse) -> set[str]:
    """The query parameters and headers that an `invalid-request` names."""
    return {entry["parameter"] for entry in refused(response, 400, "invalid_request")["errors"]}
