"""What docs/webhooks.md tells partners to run does what it says."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings

from common.outgoing import PAUSES
from common.tests.receiver import Received, receiving
from common.tests.webhooks import OWNER, TYPES, deliver, happen
from common.webhooks import secrets
from common.webhooks import services as webhooks

pytestmark = pytest.mark.django_db

GUIDE = (settings.BASE_DIR / "docs" / "webhooks.md").read_text()


@pytest.fixture
def shown() -> dict[str, Callable[..., Any]]:
    """The functions of the page, by name."""
    namespace: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL):
        exec(block, namespace)
    return namespace


@pytest.fixture
def delivered(settings: Any) -> Iterator[tuple[str, Received]]:
    """A secret, and what was sent with it."""
    settings.WEBHOOK_ALLOW_PRIVATE_ADDRESSES = True
    with receiving() as receiver:
        made = webhooks.register(owner=OWNER, url=receiver.url, event_types=TYPES)
        happen(name="Zoë ✓")
        deliver()
        yield made.secret, receiver.received[0]


def test_the_library_takes_what_was_sent_and_nothing_else(
    shown: dict[str, Callable[..., Any]], delivered: tuple[str, Received]
) -> None:
    secret, request = delivered
    assert shown["receive"](secret=secret, headers=request.headers, body=request.body)["data"] == {"name": "Zoë ✓"}
    assert shown["receive"](secret=secrets.make(), headers=request.headers, body=request.body) is None
    assert shown["receive"](secret=secret, headers=request.headers, body=request.body + b" ") is None


def test_the_recipe_takes_what_was_sent_and_nothing_else(
    shown: dict[str, Callable[..., Any]], delivered: tuple[str, Received]
) -> None:
    secret, request = delivered
    late = {**request.headers, "webhook-timestamp": str(int(time.time()) - 301)}
    assert shown["is_from_lectern"](secret=secret, headers=request.headers, body=request.body)
    assert not shown["is_from_lectern"](secret=secrets.make(), headers=request.headers, body=request.body)
    assert not shown["is_from_lectern"](secret=secret, headers=request.headers, body=request.body + b" ")
    assert not shown["is_from_lectern"](secret=secret, headers=late, body=request.body)


def test_the_recipe_takes_either_signature_while_a_secret_is_changed(
    shown: dict[str, Callable[..., Any]], settings: Any
) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE_ADDRESSES = True
    with receiving() as receiver:
        made = webhooks.register(owner=OWNER, url=receiver.url, event_types=TYPES)
        changed = webhooks.rotate_secret(owner=OWNER, webhook_id=made.webhook.id)
        happen()
        deliver()
    (request,) = receiver.received
    for secret in (made.secret, changed.secret):
        assert shown["is_from_lectern"](secret=secret, headers=request.headers, body=request.body)


def test_the_pauses_are_those_of_the_page() -> None:
    units = {"s": 1, "min": 60, "h": 3600}
    (line,) = [line for line in GUIDE.splitlines() if "give or take" in line]
    told = [float(number) * units[unit] for number, unit in re.findall(r"(\d+) (s|min|h)\b", line)]
    assert told[: len(PAUSES)] == list(PAUSES)
