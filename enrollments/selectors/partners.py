"""Reads of partners and their keys."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

from django.db.models import Q, QuerySet

from common.compiled import Slot, Statement
from enrollments.models import Partner as PartnerRow
from enrollments.models import PartnerKey
from enrollments.types import Partner


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveKey:
    """What is needed to recognize a key."""

    id: UUID
    partner_id: UUID
    digest: bytes
    last_used_at: datetime | None


def live_keys(*, now: datetime | Slot) -> QuerySet[PartnerKey]:
    """The keys that are good at `now`."""
    return PartnerKey.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)


def find_live_key(*, prefix: str, now: datetime) -> LiveKey | None:
    """The live key with this prefix, in one query."""
    row = _live_key().row(prefix=prefix, now=now)
    if row is None:
        return None
    key_id, partner_id, digest, last_used_at = row
    return LiveKey(id=key_id, partner_id=partner_id, digest=bytes(digest), last_used_at=last_used_at)


@cache
def _live_key() -> Statement:
    keys = live_keys(now=Slot("now")).filter(prefix=Slot("prefix"))
    return Statement(keys.values_list("id", "partner_id", "digest", "last_used_at"))


def to_partner(row: PartnerRow) -> Partner:
    """A partner's row as a value."""
    return Partner(id=row.pk, name=row.name, created_at=row.created_at)
