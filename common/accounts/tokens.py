"""Whose tokens are good: our own, and those of an identity provider (`common.accounts.external`) where one is set.

The only module that knows simplejwt, which issues our own.
"""

from contextlib import suppress
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed, TokenError
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken
from rest_framework_simplejwt.utils import datetime_from_epoch

from common.accounts import external
from common.accounts.errors import Unauthenticated
from common.accounts.types import TokenPair
from common.compiled import Slot, Statement
from common.models import ExternalIdentity, User


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

    def authenticate(self, request: Any) -> tuple[Any, Any] | None:
        """The person whose token was sent, None if none was.

        Raises:
            AuthenticationFailed: it is not a good one.
        """
        if settings.AUTH_JWKS_URL:
            header = self.get_header(request)
            token = None if header is None else self.get_raw_token(header)
            if token is not None and external.is_external(token):
                return _external_person(token), None
        return super().authenticate(request)

    def get_user(self, validated_token: Any) -> User:
        row = _active_person().row(id=validated_token["sub"])
        if row is None:
            raise AuthenticationFailed
        return User.from_db(None, _COLUMNS, row)


class BareBearerAuthentication(BearerAuthentication):
    """As `BearerAuthentication`, but of the person only the id is known: whether the account is active is looked up by
    whoever declares `Operation.checks_account`.
    """

    def get_user(self, validated_token: Any) -> User:
        return User.from_db(None, ["id"], [UUID(validated_token["sub"])])


def check_account(person: User) -> None:
    """The account is there, and active.

    Raises:
        AuthenticationFailed: it is not.
    """
    if _active_person().row(id=person.pk) is None:
        raise AuthenticationFailed


# A token stands for the password, which stays in the database.
_COLUMNS = tuple(column.attname for column in User._meta.concrete_fields if column.attname != "password")


@cache
def _active_person() -> Statement:
    return Statement(User.objects.filter(pk=Slot("id"), is_active=True).values_list(*_COLUMNS))


@cache
def _identified_person() -> Statement:
    identities = ExternalIdentity.objects.filter(issuer=Slot("issuer"), subject=Slot("subject"))
    return Statement(identities.values_list(*(f"person__{column}" for column in _COLUMNS)))


def _external_person(token: bytes) -> User:
    claims = external.read(token)
    if claims is None:
        raise AuthenticationFailed
    row = _identified_person().row(issuer=claims.issuer, subject=claims.subject)
    if row is None:
        person_id = _meet(claims)
        row = _active_person().row(id=person_id) if person_id else None
    person = User.from_db(None, _COLUMNS, row) if row else None
    if person is None or not person.is_active:
        raise AuthenticationFailed
    return person


@transaction.atomic
def _meet(claims: external.Claims) -> UUID | None:
    met = external.meet(claims)
    if met is None:
        return None
    if met.was_local:
        for token in OutstandingToken.objects.filter(user_id=met.person_id):
            BlacklistedToken.objects.get_or_create(token=token)
    return met.person_id


def issue(person: User) -> TokenPair:
    """A new pair for `person`."""
    return _pair(_RefreshToken.for_user(person))


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


class _RefreshToken(RefreshToken):
    """A refresh token that the database knows by its id alone: who can read rows cannot sign in with them."""

    @classmethod
    def for_user(cls, user: Any) -> "_RefreshToken":
        """A new one, good until it is spent."""
        token = cls()
        token["sub"] = str(user.pk)
        ends_at = datetime_from_epoch(token["exp"])
        OutstandingToken.objects.create(
            user=user, jti=token["jti"], token="", created_at=token.current_time, expires_at=ends_at
        )
        return token


def _spend(refresh: str) -> RefreshToken:
    try:
        token = _RefreshToken(refresh)  # type: ignore[arg-type]
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
