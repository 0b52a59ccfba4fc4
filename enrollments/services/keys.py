"""Partners and their API keys: made, shown once, rotated, revoked, and recognized."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Least, Now

from common.outcomes import use_case
from enrollments import rules, selectors
from enrollments.errors import KeyNotFound, PartnerNotFound
from enrollments.models import Partner as PartnerRow
from enrollments.models import PartnerKey
from enrollments.types import NewKey, Partner

# What a key begins with, so that scanners for leaked secrets know one when they see it.
_BRAND = "lectern"
_SECRET_BYTES = 32
_NO_DIGEST = bytes(32)
# Last use is for people, to whom a minute is no difference, and not worth a write for each request.
_USE_NOTED_EVERY = timedelta(minutes=1)


@use_case
@transaction.atomic
def create_partner(*, name: str, now: datetime) -> Partner:
    """There is a partner of this name, without a key."""
    return selectors.to_partner(PartnerRow.objects.create(name=name))


@use_case
@transaction.atomic
def create_key(*, partner_id: UUID, expires_at: datetime | None, now: datetime) -> NewKey:
    """The partner has a new key, good until `expires_at`, or for good.

    Raises:
        PartnerNotFound: there is no such partner.
        TooManyKeys: it has two live keys.
    """
    _lock(partner_id)
    return _new_key(partner_id, expires_at, now)


@use_case
@transaction.atomic
def rotate_key(*, partner_id: UUID, old_ends_at: datetime, now: datetime) -> NewKey:
    """The partner has a new key, and the one before is good until `old_ends_at`, unless it ends earlier by itself.

    Raises:
        PartnerNotFound: there is no such partner.
        TooManyKeys: it has two live keys.
    """
    _lock(partner_id)
    key = _new_key(partner_id, None, now)
    earlier = selectors.live_keys(now=now).filter(partner_id=partner_id).exclude(prefix=key.prefix)
    # LEAST leaves nulls out: a key without an end gets one.
    earlier.update(expires_at=Least("expires_at", old_ends_at))
    return key


@use_case
@transaction.atomic
def revoke_key(*, partner_id: UUID, prefix: str, now: datetime) -> None:
    """The key is good for nothing from now on.

    Raises:
        PartnerNotFound: there is no such partner.
        KeyNotFound: the partner has no live key with this prefix.
    """
    _lock(partner_id)
    live = selectors.live_keys(now=now).filter(partner_id=partner_id, prefix=prefix)
    if not live.update(revoked_at=Now()):
        raise KeyNotFound


def authenticate(*, key: str, now: datetime) -> UUID | None:
    """The partner whose live key this is, None if it is nobody's. A wrong secret takes as long as a right one."""
    brand, _, rest = key.partition("_")
    prefix, _, secret = rest.partition("_")
    found = selectors.find_live_key(prefix=prefix, now=now)
    is_right = compare_digest(_digest(secret), found.digest if found else _NO_DIGEST)
    if found is None or not is_right or brand != _BRAND:
        return None
    if found.last_used_at is None or found.last_used_at < now - _USE_NOTED_EVERY:
        _note_use(found.id, now)
    return found.partner_id


@transaction.atomic
def _note_use(key_id: UUID, now: datetime) -> None:
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - _USE_NOTED_EVERY)
    PartnerKey.objects.filter(stale, pk=key_id).update(last_used_at=now)


def _lock(partner_id: UUID) -> None:
    """Nobody else changes the partner's keys until the commit."""
    rows = PartnerRow.objects.select_for_update(of=("self",), no_key=True)
    if rows.filter(pk=partner_id).first() is None:
        raise PartnerNotFound


def _new_key(partner_id: UUID, expires_at: datetime | None, now: datetime) -> NewKey:
    live = selectors.live_keys(now=now).filter(partner_id=partner_id).count()
    rules.check_may_have_another_key(live=live)
    prefix, secret = secrets.token_hex(4), secrets.token_urlsafe(_SECRET_BYTES)
    PartnerKey.objects.create(partner_id=partner_id, prefix=prefix, digest=_digest(secret), expires_at=expires_at)
    return NewKey(prefix=prefix, key=f"{_BRAND}_{prefix}_{secret}", expires_at=expires_at)


def _digest(secret: str) -> bytes:
    # No slow hash: there is nothing to guess in 32 random bytes.
    return sha256(secret.encode()).digest()
