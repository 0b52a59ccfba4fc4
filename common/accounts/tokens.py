"""The local token issuer. The only module that knows simplejwt, so that another issuer can take its place."""

from contextlib import suppress
from datetime import timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.db import transaction
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed, TokenError
from rest_framework_simplejwt.tokens import RefreshToken

from common.accounts.errors import Unauthenticated
from common.accounts.types import TokenPair
from common.compiled import Slot, Statement
from common.models import User


class BearerAuthentication(JWTAuthentication):
    """`Authorization: Bearer <access token>`. The account is read anew, so a deactivated one is refused at once."""

    when_missing = "This needs somebody who is signed in: send `Authorization: Bearer <access token>`."
    when_wrong = "The access token is malformed or expired, or its account is no longer active. Get a new one."

    def authenticate_header(self, request: Any) -> str:
        return 'Bearer realm="api"'

    def get_raw_token(self, header: bytes) -> bytes | None:
        scheme, blank, rest = header.partition(b" ")
        # The name of a scheme is without case (RFC 9110, section 11.1).
        raw: bytes | None = super().get_raw_token(scheme.capitalize() + blank + rest)
        return raw

    def get_user(self, validated_token: Any) -> User:
        row = _active_person().row(id=validated_token["sub"])
        if row is None:
            raise AuthenticationFailed
        return User.from_db(None, _COLUMNS, row)


# A token stands for the password, which stays in the database.
_COLUMNS = tuple(column.attname for column in User._meta.concrete_fields if column.attname != "password")


@cache
def _active_person() -> Statement:
    return Statement(User.objects.filter(pk=Slot("id"), is_active=True).values_list(*_COLUMNS))


def issue(person: User) -> TokenPair:
    """A new pair for `person`."""
    return _pair(RefreshToken.for_user(person))


@transaction.atomic
def rotate(refresh: str) -> TokenPair:
    """A new pair in exchange for `refresh`, which is dead afterwards, also for a rival that shows it at this instant.

    Raises:
        Unauthenticated: the token is malformed, expired or used up, or its account is not active.
    """
    spent = _spend(refresh)
    person = User.objects.filter(pk=spent["sub"], is_active=True).first()
    if person is None:
        raise Unauthenticated
    return issue(person)


@transaction.atomic
def revoke(refresh: str) -> None:
    """`refresh` is dead; one that is no live token of ours stays dead (RFC 7009, section 2.2)."""
    with suppress(Unauthenticated):
        _spend(refresh)


def _spend(refresh: str) -> RefreshToken:
    try:
        token = RefreshToken(refresh)  # type: ignore[arg-type]
        # The unique row decides between rivals; reading the list, as RefreshToken() does, cannot.
        _, was_live = token.blacklist()
    except TokenError as fault:
        raise Unauthenticated from fault
    if not was_live:
        raise Unauthenticated
    return token


def _pair(refresh: RefreshToken) -> TokenPair:
    lifetime: timedelta = settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"]
    return TokenPair(access=str(refresh.access_token), refresh=str(refresh), expires_in=int(lifetime.total_seconds()))
