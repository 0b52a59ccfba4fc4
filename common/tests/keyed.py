"""A request under an idempotency key, without a view: its effect is a person."""

from collections.abc import Callable

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from common import idempotency
from common.models import User

CALLER = "usr_01h455vb4pex5vsknk084sn02q"


def make_person() -> HttpResponse:
    """There is one person more."""
    User(email=f"person-{User.objects.count()}@example.org", display_name="Ada").save(force_insert=True)
    return HttpResponse(b'{"made":"Ada"}', status=201, content_type="application/json")


def once(
    run: Callable[[], HttpResponse] = make_person,
    *,
    key: str = "key-1",
    caller: str = CALLER,
    body: bytes = b"{}",
    path: str = "/api/v1/people",
) -> HttpResponse:
    """What the request comes to."""
    request = APIRequestFactory().post(path, body, content_type="application/json", headers={"Idempotency-Key": key})
    return idempotency.once(request=Request(request), caller=caller, run=run)
