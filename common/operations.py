"""One declaration for each operation of the API: who may call it, what goes in, what comes out, what can go wrong.

The declaration is what runs (permission, strict query, idempotency) and what the OpenAPI document says, so that the
two cannot differ.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import wraps
from typing import Any, cast

from django.db import DatabaseError, InterfaceError
from django.http import HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from common import idempotency, replicas
from common.accounts.tokens import check_account
from common.deprecation import Departure, Leaving, members_of, told_in
from common.errors import DomainError
from common.problem_types import CATALOGUE, ProblemType
from common.uploads import Upload
from common.wire import Body, EmptyBody, PageQuery, Query, View

_READS = {"GET", "HEAD"}

Handler = Callable[..., HttpResponseBase]


class Access(Enum):
    """Who may call an operation, where no single permission says it."""

    ANYONE = "anyone"
    SIGNED_IN = "any signed-in person"
    # By API key and in no other way; a key is good for nothing else.
    PARTNER = "a partner's system"
    # For signing in: a token that ran out, sent out of habit, must not stand in the way.
    WITHOUT_CREDENTIALS = "anyone; credentials are not looked at"


@dataclass(frozen=True, slots=True)
class Tag:
    """A group of operations, as readers of the document see it."""

    name: str
    description: str


@dataclass(frozen=True, slots=True)
class PageOf:
    """A list of `view`, in the envelope of every list."""

    view: type[View]


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A CSV file, sent row by row, in words and by example."""

    description: str
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What an operation promises, as a decorator for the method of a view that keeps it.

    `access` is an `Access` or the name of a permission. A list without a `query` of its own takes `limit` and `cursor`.
    `upload`: it takes such files, or in their place `body` as JSON, and reads both from `view.upload()`.
    `idempotent`: it takes an Idempotency-Key. `conditional`: it honours If-Match. `tagged`: its answer has an ETag.
    `located`: its answer has a Location. `secrets`: members of its answer that are null when it is replayed.
    `leaving`: see `common.deprecation`.
    `checks_account`: with what it writes, the use case makes sure that the caller's account is active. So that is not
    looked up before, which would be a round trip more, and leave time for it to change.
    """

    id: str
    tag: Tag
    summary: str
    access: Access | str
    answers: dict[int, type[View] | PageOf | CsvFile | None]
    description: str = ""
    query: type[Query] | None = None
    body: type[Body] | None = None
    upload: Upload | None = None
    errors: Sequence[type[DomainError]] = ()
    idempotent: bool = False
    conditional: bool = False
    tagged: bool = False
    located: bool = False
    leaving: Leaving | None = None
    secrets: Sequence[str] = ()
    checks_account: bool = False

    def __call__(self, handler: Handler) -> Handler:
        """The method runs with `view.query` holding the validated query string, and at most once for a key."""
        run = self._checking_account(handler) if self.checks_account else self._running(handler)
        run.operation = self  # type: ignore[attr-defined]
        return run

    def _checking_account(self, handler: Handler) -> Handler:
        """As `_running`. Whatever is not an answer of the use case's own counts only if the account is active."""
        answer = self._running(handler)

        @wraps(handler)
        def run(view: Any, request: Request, **path: str) -> HttpResponseBase:
            try:
                response = answer(view, request, **path)
            except (DatabaseError, InterfaceError):
                raise  # there is nobody to look it up
            except Exception:
                check_account(view.person())
                raise
            if idempotency.is_replay(response):
                check_account(view.person())
            return response

        return run

    def _running(self, handler: Handler) -> Handler:
        shape = self.query_shape

        @wraps(handler)
        def run(view: Any, request: Request, **path: str) -> HttpResponseBase:
            text = request.META.get("QUERY_STRING", "").encode("latin-1")  # as WSGI hands it on: PEP 3333
            view.query = shape.parse(text)
            if members_of(shape):
                view.uses(shape, QueryDict(text))
            if self.idempotent and "HTTP_IDEMPOTENCY_KEY" in request.META:
                return idempotency.once(
                    request=request,
                    caller=view.actor().name,
                    content=view.upload().digest if self.upload else None,
                    run=lambda: cast("HttpResponse", handler(view, request, **path)),
                    secrets=self.secrets,
                )
            if self.access is Access.ANYONE and request.method in _READS and not request.user.is_authenticated:
                return replicas.read_publicly(lambda: handler(view, request, **path))
            return handler(view, request, **path)

        return run

    @property
    def media_type(self) -> str:
        """What its successful answers are."""
        is_file = any(isinstance(answer, CsvFile) for answer in self.answers.values())
        return "text/csv" if is_file else "application/json"

    @property
    def query_shape(self) -> type[Query]:
        """What the query string may hold."""
        lists = any(isinstance(answer, PageOf) for answer in self.answers.values())
        return self.query or (PageQuery if lists else Query)

    @property
    def departures(self) -> list[Departure]:
        """What is on its way out for every caller: the operation itself, or something in its answers."""
        own = [Departure(self.id, self.leaving)] if self.leaving is not None else []
        shapes = (answer.view if isinstance(answer, PageOf) else answer for answer in self.answers.values())
        return own + [departure for shape in shapes if isinstance(shape, type) for departure in told_in(shape)]

    @property
    def problems(self) -> list[ProblemType]:
        """Every problem that the operation can answer, its own and those of the edge."""
        codes = {
            "invalid_request",
            "not_acceptable",
            "rate_limited",
            "internal_error",
            "dependency_unavailable",
            "overloaded",
        }
        codes |= {error.code for error in self.errors}
        if self.access is not Access.WITHOUT_CREDENTIALS:
            codes.add("unauthenticated")
        if isinstance(self.access, str):
            codes.add("permission_denied")
        if {"cursor", "after"} & set(self.query_shape().fields):
            codes.add("invalid_cursor")
        if self.body is not None or self.upload is not None:
            codes |= {"payload_too_large", "unsupported_media_type"}
        if self.idempotent:
            codes |= {"idempotency_key_in_flight", "idempotency_key_reused"}
        if self.conditional:
            codes.add("precondition_failed")
        return sorted((CATALOGUE[code] for code in codes), key=lambda problem: (problem.status, problem.code))


# Reads better above a method: @operation(id="enroll", …).
operation = Operation

__all__ = ["Access", "CsvFile", "EmptyBody", "Operation", "PageOf", "Tag", "Upload", "operation"]
