"""Accounts: registering, signing in, one's own profile."""

from uuid import UUID

from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F

from common import db
from common.accounts import tokens
from common.accounts.errors import EmailAlreadyRegistered, InvalidCredentials, Unauthenticated
from common.accounts.types import Account, TokenPair
from common.errors import InvalidInput, PreconditionFailed
from common.models import User
from common.outcomes import use_case


@use_case
def register(*, email: str, password: str, display_name: str) -> Account:
    """There is an account with this email, and it signs in with this password.

    Raises:
        InvalidInput: the password validators refuse the password.
        EmailAlreadyRegistered: there is one already, whatever its case.
    """
    person = User(email=email, display_name=display_name)
    try:
        validate_password(password, person)
    except ValidationError as fault:
        raise InvalidInput(field="password", reasons=fault.messages, reason_code="weak_password") from fault
    person.set_password(password)
    with db.refusing({"user_one_email": EmailAlreadyRegistered}):
        person.save(force_insert=True)
    return to_account(person)


def activity(*, person_id: UUID) -> db.Part:
    """A query, as a part of a larger statement, that finds a row if the account is there and active."""
    return db.Part(
        "account", "SELECT FROM common_user WHERE id = %(account_id)s AND is_active", {"account_id": person_id}
    )


def check_active(*, person_id: UUID) -> None:
    """The account is there, and active.

    Raises:
        Unauthenticated: it is not.
    """
    if not User.objects.filter(pk=person_id, is_active=True).exists():
        raise Unauthenticated


@use_case
def sign_in(*, email: str, password: str) -> TokenPair:
    """A token pair for the account. Takes as long for an unknown email as for a wrong password.

    Raises:
        InvalidCredentials: they are not those of an active account.
    """
    person = authenticate(username=email, password=password)
    if not isinstance(person, User):
        raise InvalidCredentials
    return tokens.issue(person)


@use_case
def refresh_tokens(*, refresh: str) -> TokenPair:
    """A new pair; `refresh` is dead.

    Raises:
        Unauthenticated: `refresh` is malformed, expired or used up, or its account is not active.
    """
    return tokens.rotate(refresh)


@use_case
def sign_out(*, refresh: str) -> None:
    """`refresh` is dead; one that never lived or is spent stays so (RFC 7009, section 2.2)."""
    tokens.revoke(refresh)


@use_case
@transaction.atomic
def rename(*, person_id: UUID, display_name: str, expected_version: int | None) -> Account:
    """The person goes by `display_name`.

    Raises:
        PreconditionFailed: the profile is no longer at `expected_version`.
    """
    people = User.objects.filter(pk=person_id)
    if expected_version is not None:
        people = people.filter(version=expected_version)
    if not people.update(display_name=display_name, version=F("version") + 1):
        raise PreconditionFailed
    return to_account(User.objects.get(pk=person_id))


def to_account(person: User) -> Account:
    """A person's row as a value."""
    return Account(
        id=person.pk,
        email=person.email,
        display_name=person.display_name,
        created_at=person.created_at,
        version=person.version,
    )


__all__ = [
    "Account",
    "EmailAlreadyRegistered",
    "InvalidCredentials",
    "TokenPair",
    "Unauthenticated",
    "refresh_tokens",
    "register",
    "rename",
    "sign_in",
    "sign_out",
    "to_account",
]
