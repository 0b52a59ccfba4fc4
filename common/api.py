"""The base of every API view: permit, parse, one call, render."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from django.utils.module_loading import import_string
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from common import cursors, deprecation, ids, throttling, tracing, uploads
from common.accounts.tokens import BareBearerAuthentication
from common.context import current_request
from common.deprecation import Departure
from common.models import User
from common.negotiation import Negotiation
from common.operations import Access, Operation
from common.parsers import StrictJSONParser
from common.principals import PartnerPrincipal
from common.types import Actor, Page, PageRequest
from common.uploads import Sent
from common.wire import EmptyBody, View

JSON = "application/json"
_NOTHING = b"{}"


class DeclaredAccess(BasePermission):
    """Lets in whom the operation's declaration names."""

    def has_permission(self, request: Request, view: Any) -> bool:
        declared = view.declared()
        if declared is None or declared.access in {Access.ANYONE, Access.WITHOUT_CREDENTIALS}:
            return True
        if declared.access is Access.PARTNER:
            return isinstance(request.user, PartnerPrincipal)
        if not isinstance(request.user, User):
            return False
        return declared.access is Access.SIGNED_IN or request.user.has_perm(declared.access)


class _CsvRenderer(BaseRenderer):
    media_type = "text/csv"
    format = "csv"


class ApiView(APIView):
    """One class for each path; its methods are declared with `common.operations.operation`."""

    http_method_names = ["get", "post", "patch", "delete", "head"]
    parser_classes = [StrictJSONParser]
    content_negotiation_class = Negotiation
    permission_classes = [DeclaredAccess]
    query: dict[str, Any]
    _used: Sequence[Departure] = ()
    _sent: Sent | None = None
    cursor_parameter = "cursor"
    cursor_lifetime: timedelta | None = settings.CURSOR_LIFETIME

    def get_authenticators(self) -> list[BaseAuthentication]:
        """How the caller may sign in, which is not at all where credentials are not looked at."""
        declared = self.declared()
        if declared is not None and declared.access is Access.WITHOUT_CREDENTIALS:
            return []
        if declared is not None and declared.access is Access.PARTNER:
            return [import_string(settings.PARTNER_AUTHENTICATION_CLASS)()]
        if declared is not None and declared.checks_account:
            return [BareBearerAuthentication()]
        return super().get_authenticators()

    def perform_authentication(self, request: Request) -> None:
        """DRF's: who calls is known, or refused."""
        with tracing.span("authenticate"):
            super().perform_authentication(request)

    def get_renderers(self) -> list[BaseRenderer]:
        """What the client must accept; answers are written without DRF's renderers."""
        declared = self.declared()
        if declared is not None and declared.media_type == _CsvRenderer.media_type:
            return [_CsvRenderer()]
        return super().get_renderers()

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """DRF's; what was sent has been read. Every answer, a refusal too, says what of it is on its way out."""
        if self._sent is not None:
            self._sent.file.close()
        response = super().finalize_response(request, response, *args, **kwargs)
        declared = self.declared()
        if declared is not None and (departures := [*declared.departures, *self._used]):
            deprecation.announce(response, departures, page=f"/api/docs#/{declared.tag.name}/{declared.id}")
            deprecation.count(departures, request)
        return response

    def check_throttles(self, request: Request) -> None:
        """DRF's, by the limits of `common.throttling`."""
        throttling.check_caller(request)

    def declared(self) -> Operation | None:
        """The operation of the method at hand, None for a method that the view does not have."""
        method = str(self.request.method).lower()
        handler = getattr(self, "get" if method == "head" else method, None)
        return getattr(handler, "operation", None)

    def uses(self, shape: type[Serializer], members: Iterable[str]) -> None:
        """Notes what of these members of `shape`, sent by the client, is on its way out."""
        self._used = [*self._used, *deprecation.sent_in(shape, members)]

    def body(self) -> dict[str, Any]:
        """The validated body of the request at hand."""
        declared = self.declared()
        if declared is None or declared.body is None:
            raise TypeError(f"{type(self).__name__} declares no body for {self.request.method}.")
        meta = self.request.META
        is_usual = meta.get("CONTENT_TYPE") == JSON and "HTTP_CONTENT_ENCODING" not in meta
        with tracing.span("validate"):
            if declared.body is EmptyBody and is_usual and self._sent_nothing():
                return {}  # most requests that change something say no more than that
            values = declared.body.parse(self.request.data)
        self.uses(declared.body, self.request.data)
        return values

    def upload(self) -> Sent:
        """The file in the body of the request at hand, or the JSON in its place. Read once; to be looked at again."""
        if self._sent is None:
            declared = self.declared()
            if declared is None or declared.upload is None:
                raise TypeError(f"{type(self).__name__} declares no upload for {self.request.method}.")
            self._sent = uploads.take(self.request._request, declared.upload)
        return self._sent

    def refuse_body(self) -> None:
        """Nothing was sent where nothing is read; `{}` is nothing.

        Raises:
            ValidationError: something was.
        """
        if not self._sent_nothing():
            raise ValidationError([ErrorDetail("This takes no body.", code="unknown")])

    def _sent_nothing(self) -> bool:
        length = int(self.request.META.get("CONTENT_LENGTH") or 0)
        return not length or (length == len(_NOTHING) and self.request._request.body == _NOTHING)

    def person(self) -> User:
        """The signed-in person."""
        person = self.request.user
        assert isinstance(person, User)
        return person

    def partner_id(self) -> UUID:
        """The partner whose system calls."""
        partner: object = self.request.user
        assert isinstance(partner, PartnerPrincipal)
        return partner.pk

    def actor(self) -> Actor:
        """The signed-in person or the partner, as the cause of a change."""
        caller: object = self.request.user
        is_partner = isinstance(caller, PartnerPrincipal)
        name = ids.encode(ids.PARTNER, self.partner_id()) if is_partner else ids.encode(ids.USER, self.person().pk)
        return Actor(name=name, request_id=current_request().request_id)

    def page_request(self) -> PageRequest:
        """Which page the query string asks for."""
        cursor = self.query.get(self.cursor_parameter)
        after = None
        if cursor is not None:
            after = cursors.read(cursor=cursor, binding=self._binding(), max_age=self.cursor_lifetime)
        return PageRequest(limit=self.query["limit"], after=after)

    def page(self, page: Page[Any], view: type[View]) -> HttpResponse:
        """A page of a list in the envelope of every list."""
        next_cursor = None
        if page.next_after is not None:
            next_cursor = cursors.make(key=page.next_after, binding=self._binding())
        envelope = {"limit": self.query["limit"], "next_cursor": next_cursor, "has_more": page.has_more}
        with tracing.span("render"):
            data = [view.render(row) for row in page.rows]
        return answer({"data": data, "page": envelope})

    def _binding(self) -> tuple[object, ...]:
        """What a cursor is good for: this list, these filters, this sort, and this caller if the list is private."""
        declared = self.declared()
        public = declared is not None and declared.access is Access.ANYONE
        caller = "" if public else self.actor().name
        paging = {"limit", self.cursor_parameter}
        filters = sorted((name, value) for name, value in self.query.items() if name not in paging)
        return (self.request.path, caller, *filters)


def csv_file(lines: Iterator[str], *, name: str) -> StreamingHttpResponse:
    """A CSV file that is made while it is sent, to be kept under this name."""
    response = StreamingHttpResponse((line.encode() for line in lines), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def answer(body: dict[str, Any] | None, *, status: int = 200, location: str | None = None) -> HttpResponse:
    """A successful answer; None for one without a body."""
    response = HttpResponse(to_json(body) if body is not None else b"", status=status, content_type=JSON)
    if body is None:
        del response["Content-Type"]
    if location is not None:
        response["Location"] = location
    return response


def to_json(body: dict[str, Any]) -> bytes:
    """`body` as compact UTF-8, its UTC times in the contract's form, with `Z`."""
    with tracing.span("render"):
        return orjson.dumps(body, option=orjson.OPT_UTC_Z)
