"""What is on its way out: said to clients on every answer (RFC 9745, RFC 8594) and in the document, counted by client.

The contract's gate lets go of a thing once its date has come, and fails as long as it is then still there
(`contracts.gate.departures`).
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, TypeVar

from django.http import HttpResponse
from django.utils.http import http_date
from rest_framework import serializers
from rest_framework.request import Request

from common import ids
from common.metrics import DEPRECATED_USES
from common.principals import PartnerPrincipal

NOTICE = timedelta(days=180)
HEADERS = ("Deprecation", "Sunset", "Link")

# Each name is kept for ever, and anybody can make up a User-Agent.
_MOST_CLIENTS = 100
_PRODUCT = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,40}(/[A-Za-z0-9!#$%&'*+.^_`|~-]{1,20})?")
_clients: set[str] = set()

Marked = TypeVar("Marked", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """Marks what is on its way out, as a decorator: above `@operation`, or above a shape with the name of a `member`.

    It is deprecated from `since` on and may be gone from `sunset` on, NOTICE later or more. `instead` says to people
    what to use.
    """

    since: date
    sunset: date
    instead: str
    member: str = ""

    def __post_init__(self) -> None:
        if self.sunset - self.since < NOTICE:
            raise ValueError(f"Clients need {NOTICE.days} days of notice.")

    def __call__(self, marked: Marked) -> Marked:
        """`marked`, with the mark that answers, document and metrics go by.

        Raises:
            ValueError: a shape has no such member.
        """
        if isinstance(marked, type):
            _mark_member(marked, self)
        else:
            vars(marked)["operation"] = replace(vars(marked)["operation"], leaving=self)
        return marked

    @property
    def words(self) -> str:
        """A sentence for the document."""
        return f"On its way out since {self.since}, gone from {self.sunset} on. Instead: {self.instead}."


# Reads better above a method: @leaving(since=…, sunset=…, instead=…).
leaving = Leaving


@dataclass(frozen=True, slots=True)
class Departure:
    """One thing that is on its way out, under the name that the metrics have for it."""

    what: str
    leaving: Leaving


def members_of(shape: type[serializers.Serializer]) -> dict[str, Leaving]:
    """The members of a shape that are on their way out."""
    return getattr(shape, "leaving_members", {})


@cache
def told_in(shape: type[serializers.Serializer]) -> tuple[Departure, ...]:
    """What answers of this shape hold that is on its way out, however deep."""
    own = [Departure(f"{_name(shape)}.{member}", mark) for member, mark in members_of(shape).items()]
    deeper = (departure for inner in _shapes_in(shape) for departure in told_in(inner))
    return (*own, *deeper)


def sent_in(shape: type[serializers.Serializer], members: Iterable[str]) -> list[Departure]:
    """What a request with these members of `shape` makes use of that is on its way out."""
    marks = members_of(shape)
    return [Departure(f"{_name(shape)}.{member}", marks[member]) for member in members if member in marks]


def announce(response: HttpResponse, departures: list[Departure], *, page: str) -> None:
    """Says in the headers since when, until when, and where to read more: at the address `page`."""
    since = min(departure.leaving.since for departure in departures)
    sunset = min(departure.leaving.sunset for departure in departures)
    response["Deprecation"] = f"@{_seconds(since)}"
    response["Sunset"] = http_date(_seconds(sunset))
    response["Link"] = f'<{page}>; rel="deprecation"; type="text/html"'


def count(departures: list[Departure], request: Request) -> None:
    """Counts each use under the client's name, so that it is known whom a removal would hurt."""
    client = _client(request)
    for departure in departures:
        DEPRECATED_USES.labels(departure.what, client).inc()


def _mark_member(shape: type, mark: Leaving) -> None:
    if mark.member not in shape._declared_fields:  # type: ignore[attr-defined]
        raise ValueError(f"{shape.__name__} has no member {mark.member!r}.")
    shape.leaving_members = {**getattr(shape, "leaving_members", {}), mark.member: mark}  # type: ignore[attr-defined]


def _shapes_in(shape: type[serializers.Serializer]) -> Iterator[type[serializers.Serializer]]:
    for field in shape._declared_fields.values():
        inner = getattr(field, "child", field)
        if isinstance(inner, serializers.Serializer):
            yield type(inner)


def _name(shape: type) -> str:
    """As the document calls it."""
    name = shape.__name__.removesuffix("View")
    return f"{name.removesuffix('Body')}Request" if name.endswith("Body") else name


def _seconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _client(request: Request) -> str:
    """The partner, or else the product that the User-Agent names first."""
    caller: object = request.user
    if isinstance(caller, PartnerPrincipal):
        return ids.encode(ids.PARTNER, caller.pk)
    product = _PRODUCT.match(request.META.get("HTTP_USER_AGENT", ""))
    name = product.group() if product else "unnamed"
    if name not in _clients and len(_clients) >= _MOST_CLIENTS:
        return "others"
    _clients.add(name)
    return name
