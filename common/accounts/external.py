"""Tokens of a company's own identity provider, and whose they are. Only `common.accounts.tokens` uses this."""

import json
import logging
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import blake2b
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings
from django.contrib.auth.hashers import is_password_usable, make_password

from common import db, ids, texts
from common.accounts.issuer_keys import ALGORITHMS, IssuerKeys
from common.accounts.people import ensure_accounts, unmake_accounts
from common.accounts.types import Newcomer
from common.models import ExternalIdentity, User

logger = logging.getLogger(__name__)

_LEEWAY_SECONDS = 30
_LONGEST_SUBJECT = 255
_LONGEST_NAME = 100
_NAMELESS = "Learner"
_LINK = """
    INSERT INTO common_externalidentity (issuer, subject, person_id) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What the provider says of a person. `email` is empty unless the provider has verified it."""

    issuer: str
    subject: str
    email: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """Whose token it is. `was_local`: the account was there, and signed in with a password that is good no longer."""

    person_id: UUID
    was_local: bool


def is_external(token: bytes) -> bool:
    """Whether the token wants to be one of the provider's: our own are signed with a secret."""
    return _header(token.partition(b".")[0]).get("alg") in ALGORITHMS


def read(token: bytes) -> Claims | None:
    """What the token says, None if it is not a good one of the provider's.

    Raises:
        ProviderAway: that cannot be told.
    """
    key = _keys(settings.AUTH_JWKS_URL).find(str(_header(token.partition(b".")[0]).get("kid")))
    if key is None:
        return None
    try:
        said = jwt.decode(
            token,
            key,
            algorithms=ALGORITHMS,
            issuer=settings.AUTH_ISSUER,
            audience=settings.AUTH_AUDIENCE,
            leeway=_LEEWAY_SECONDS,
            options={"require": ["iss", "aud", "exp", "sub"], "enforce_minimum_key_length": True},
        )
    except jwt.PyJWTError:
        return None
    subject = said["sub"]
    if not 0 < len(subject) <= _LONGEST_SUBJECT or not subject.isprintable():
        return None
    return Claims(issuer=said["iss"], subject=subject, email=_email(said), name=_name(said))


@lru_cache(maxsize=64)
def _header(text: bytes) -> dict[str, Any]:
    """The header of a token; there are as many as there are keys, and for each token one is looked at."""
    try:
        header = json.loads(urlsafe_b64decode(text + b"=="))
    except (ValueError, RecursionError):
        return {}
    return header if isinstance(header, dict) else {}


@cache
def _keys(url: str) -> IssuerKeys:
    return IssuerKeys(url)


def _email(said: dict[str, Any]) -> str:
    email = said.get("email")
    is_good = said.get("email_verified") is True and isinstance(email, str) and texts.fault_of_email(email) is None
    return str(email) if is_good else ""


def _name(said: dict[str, Any]) -> str:
    name = said.get("name")
    return name if isinstance(name, str) and texts.fault_of_line(name, max_length=_LONGEST_NAME) is None else _NAMELESS


@db.step
def meet(claims: Claims) -> Met | None:
    """Somebody whom the provider has not sent before has an account. None: there is one, and it is not for them.

    Whoever has an email that the provider has verified gets the account with this email, unless that is deactivated or
    somebody else of the provider's has it already. Here emails are not verified: somebody else may have registered this
    one, so a password set here is good no longer. Of staff it is: their accounts are made by people who know them.
    """
    ensured = ensure_accounts(people=[Newcomer(email=claims.email or _stand_in(claims), display_name=claims.name)])
    [person_id] = ensured.ids
    person = User.objects.select_for_update(no_key=True).get(pk=person_id)
    if not person.is_active:
        return None
    db.execute(_LINK, [claims.issuer, claims.subject, person_id])
    identities = ExternalIdentity.objects.filter(issuer=claims.issuer, subject=claims.subject)
    linked_id = identities.values_list("person_id", flat=True).first()
    if linked_id == person_id:
        return Met(person_id=person_id, was_local=_end_password(person))
    if ensured.made:
        unmake_accounts(person_ids=[person_id])
    if linked_id is not None:  # by a rival, with a token that says something else
        return Met(person_id=linked_id, was_local=False)
    logger.warning("Somebody new at the identity provider has the email of %s.", ids.encode(ids.USER, person_id))
    return None


def _end_password(person: User) -> bool:
    if person.is_staff or person.is_superuser or not is_password_usable(person.password):
        return False
    User.objects.filter(pk=person.pk).update(password=make_password(None))
    logger.info("%s signs in with the identity provider from now on.", ids.encode(ids.USER, person.pk))
    return True


def _stand_in(claims: Claims) -> str:
    """In place of an email: the same for each token of the person, and nobody can register it first."""
    named = f"{claims.issuer}\0{claims.subject}".encode()
    digest = blake2b(named, key=settings.SECRET_KEY.encode()[:64], digest_size=16).hexdigest()
    return f"{digest}@{texts.NO_MAIL_DOMAIN}"
