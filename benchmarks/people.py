"""Access tokens, signed in bulk, and sessions, so that no sign-in is measured."""

import time
from collections.abc import Iterable
from datetime import timedelta
from uuid import uuid4

import jwt
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.utils.crypto import salted_hmac

from benchmarks.database import Database
from benchmarks.world import person
from common import clock


def access_tokens(numbers: Iterable[int]) -> list[str]:
    """A token for each of these people, such as common.accounts.tokens issues."""
    key, now = settings.SIMPLE_JWT["SIGNING_KEY"], int(time.time())
    lifetime = int(settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"].total_seconds())
    claims = {"token_type": "access", "iat": now, "exp": now + lifetime}
    return [
        jwt.encode({**claims, "jti": uuid4().hex, "sub": str(person(number))}, key, algorithm="HS256")
        for number in numbers
    ]


def session_of(database: Database, number: int) -> str:
    """The cookie of a new session of this person's, as signing in to the admin makes it."""
    key, owner = uuid4().hex, str(person(number))
    with database.connect() as connection:
        password = connection.execute("SELECT password FROM common_user WHERE id = %s", [owner]).fetchone()
        assert password is not None
        salt = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"
        content = {
            "_auth_user_id": owner,
            "_auth_user_backend": "common.accounts.permissions.Backend",
            "_auth_user_hash": salted_hmac(salt, password[0], algorithm="sha256").hexdigest(),
        }
        connection.execute(
            "INSERT INTO django_session (session_key, session_data, expire_date) VALUES (%s, %s, %s)",
            [key, SessionStore().encode(content), clock.now() + timedelta(days=1)],
        )
    return f"sessionid={key}"
