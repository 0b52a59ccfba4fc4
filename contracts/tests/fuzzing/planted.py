"""Changes behind the document's back, one at a time: what must be found, and with what the document says it may be."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from typing import Any

from django.http import HttpResponse

from common import openapi
from common.problem_types import CATALOGUE
from contracts.tests.fuzzing.service import Ask, Environ, parameters_of, with_query

Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """An operation that answers otherwise. `caught`: as which kind of fault; `declared`: makes the document say so."""

    operation: str
    answering: Callable[[Ask], Ask]
    caught: str = ""
    declared: Callable[[Document], None] | None = None


def changed(change: Callable[[HttpResponse], None], *, status: int = 200) -> Callable[[Ask], Ask]:
    """Answers with this status are sent with a change."""

    def answering(ask: Ask) -> Ask:
        def spoilt(environ: Environ) -> HttpResponse:
            answer = ask(environ)
            if answer.status_code == status:
                change(answer)
            return answer

        return spoilt

    return answering


def changed_body(change: Callable[[Document], Any], *, status: int = 200) -> Callable[[Ask], Ask]:
    """Answers with this status are sent with a change in what they say."""

    def rewrite(answer: HttpResponse) -> None:
        body = json.loads(answer.content)
        change(body)
        answer.content = json.dumps(body).encode()

    return changed(rewrite, status=status)


def with_status(sent: int, *, status: int = 200) -> Callable[[Ask], Ask]:
    """Answers with the one status are sent with the other."""

    def change(answer: HttpResponse) -> None:
        answer.status_code = sent

    return changed(change, status=status)


def as_if_done(*, status: int) -> Callable[[Ask], Ask]:
    """In place of this refusal, the account that the document shows."""

    def change(answer: HttpResponse) -> None:
        shown = openapi.document()["paths"]["/api/v1/users/me"]["get"]["responses"]["200"]["content"]
        answer.status_code = 200
        answer.content = json.dumps(shown["application/json"]["examples"]["example"]["value"]).encode()
        answer.headers["Content-Type"] = "application/json"
        answer.headers["ETag"] = '"1"'

    return changed(change, status=status)


def refused(answer: HttpResponse) -> None:
    """The answer becomes a refusal of the request as a whole."""
    answer.status_code = HTTPStatus.BAD_REQUEST
    answer.content = json.dumps(CATALOGUE["invalid_request"].example("/api/v1/users/me")).encode()
    answer.headers["Content-Type"] = "application/problem+json"
    del answer.headers["ETag"]


def header(name: str, value: str | None) -> Callable[[HttpResponse], None]:
    """The answer has this header; None takes it away."""

    def change(answer: HttpResponse) -> None:
        answer.headers.pop(name, None)
        if value is not None:
            answer.headers[name] = value

    return change


def without_member(name: str) -> Callable[[Ask], Ask]:
    """What a request says under this name is not looked at."""

    def answering(ask: Ask) -> Ask:
        def spoilt(environ: Environ) -> HttpResponse:
            sent = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            body = json.loads(sent) if sent[:1] == b"{" else None
            if body is not None:
                body.pop(name, None)
                sent = json.dumps(body).encode()
            return ask({**environ, "wsgi.input": BytesIO(sent), "CONTENT_LENGTH": str(len(sent))})

        return spoilt

    return answering


def without_parameter(name: str) -> Callable[[Ask], Ask]:
    """What a query says under this name is not looked at."""

    def answering(ask: Ask) -> Ask:
        return lambda environ: ask(with_query(environ, [each for each in parameters_of(environ) if each[0] != name]))

    return answering


def member(schema: str, name: str, described: Document, *, is_required: bool) -> Callable[[Document], None]:
    """The document has one member more."""

    def declare(document: Document) -> None:
        shape = document["components"]["schemas"][schema]
        shape["properties"][name] = described
        if is_required:
            shape["required"].append(name)

    return declare


def another_success(document: Document) -> None:
    """The document has one status more for reading a course."""
    answers = document["paths"]["/api/v1/courses/{course_id}"]["get"]["responses"]
    answers["203"] = answers["200"]


def another_parameter(document: Document) -> None:
    """The document has one parameter more for the catalogue."""
    schema = {"type": "string"}
    document["paths"]["/api/v1/courses"]["get"]["parameters"].append(
        {"in": "query", "name": "language", "schema": schema}
    )


ME, COURSE, RENAME = "accounts.me", "courses.get", "accounts.update"
BREAKAGES = {
    "a member is gone": Planted(
        operation=ME, answering=changed_body(lambda body: body.pop("email")), caught="Response violates schema"
    ),
    "a member is of another type": Planted(
        operation=COURSE,
        answering=changed_body(lambda body: body.update(waitlist_length="2")),
        caught="Response violates schema",
    ),
    "a member is null": Planted(
        operation=COURSE,
        answering=changed_body(lambda body: body.update(title=None)),
        caught="Response violates schema",
    ),
    "an enum has grown": Planted(
        operation=COURSE,
        answering=changed_body(lambda body: body.update(status="paused")),
        caught="Response violates schema",
    ),
    "a problem lacks its type": Planted(
        operation=COURSE,
        answering=changed_body(lambda body: body.pop("type"), status=404),
        caught="Response violates schema",
    ),
    "it fails": Planted(operation=COURSE, answering=with_status(500), caught="Server error"),
    "a status is not declared": Planted(
        operation=COURSE, answering=with_status(206), caught="Undocumented status code"
    ),
    "the media type is another": Planted(
        operation=ME, answering=changed(header("Content-Type", "text/html")), caught="Undocumented Content-Type"
    ),
    "a header is gone": Planted(
        operation=ME, answering=changed(header("ETag", None)), caught="Missing required response headers"
    ),
    "a header is of another form": Planted(
        operation=ME,
        answering=changed(header("X-Request-ID", "a b")),
        caught="Response header does not conform to the schema",
    ),
    "nobody has to sign in": Planted(
        operation=ME, answering=as_if_done(status=401), caught="API accepts requests without authentication"
    ),
    "what is wrong is taken": Planted(
        operation=RENAME, answering=as_if_done(status=400), caught="Schema-violating request accepted"
    ),
    "what is legal is called wrong": Planted(
        operation=RENAME, answering=changed(refused), caught="A legal request was called wrong"
    ),
    "a method is there that is not declared": Planted(
        operation=ME, answering=as_if_done(status=405), caught="Wrong response to undeclared method"
    ),
}
TEXT = {"type": "string"}
ADDITIONS = {
    "a member more in an answer": Planted(
        operation=ME,
        answering=changed_body(lambda body: body.update(locale="fr")),
        declared=member("User", "locale", TEXT, is_required=True),
    ),
    "a member more in a request": Planted(
        operation=RENAME,
        answering=without_member("locale"),
        declared=member("ProfileRequest", "locale", {}, is_required=False),
    ),
    "a parameter more": Planted(
        operation="courses.list", answering=without_parameter("language"), declared=another_parameter
    ),
    "another success": Planted(operation=COURSE, answering=with_status(203), declared=another_success),
    "a header more": Planted(operation=ME, answering=changed(header("X-Served-By", "a7"))),
}
