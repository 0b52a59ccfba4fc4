"""What crosses from accounts."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person, as the person sees themselves."""

    id: UUID
    email: str
    display_name: str
    created_at: datetime
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPair:
    """A fresh access token, good for `expires_in` seconds, and the refresh token for the next one."""

    access: str
    refresh: str
    expires_in: int
    token_type: str = "Bearer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ensured:
    """The accounts that were asked for, in that order, and which of them are new."""

    ids: list[UUID]
    made: frozenset[UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """Somebody who is to have an account, if they have none."""

    email: str
    display_name: str
