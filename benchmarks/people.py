"""Access tokens, signed in bulk, so that no sign-in is measured."""

import time
from collections.abc import Iterable
from uuid import uuid4

import jwt
from django.conf import settings

from benchmarks.world import person


def access_tokens(numbers: Iterable[int]) -> list[str]:
    """A token for each of these people, such as common.accounts.tokens issues."""
    key, now = settings.SIMPLE_JWT["SIGNING_KEY"], int(time.time())
    lifetime = int(settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"].total_seconds())
    claims = {"token_type": "access", "iat": now, "exp": now + lifetime}
    return [
        jwt.encode({**claims, "jti": uuid4().hex, "sub": str(person(number))}, key, algorithm="HS256")
        for number in numbers
    ]
