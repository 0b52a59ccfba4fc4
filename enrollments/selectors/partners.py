"""Reads of partners and their keys."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from common.compiled import Slot, Statement
from common.types import Page, PageRequest, cut
from enrollments.errors import EnrollmentNotFound, PartnerNotFound
from enrollments.models import Enrollment as EnrollmentRow
from enrollments.models import Partner as PartnerRow
from enrollments.models import PartnerKey
from enrollments.rules import PARTNERS_WORDS
from enrollments.selectors.standings import positions
from enrollments.types import Partner, PartnerEnrollment, PartnerFilter, Status


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


def get_of_partner(*, partner_id: UUID, reference: UUID) -> tuple[UUID, UUID]:
    """The course and the learner of a row that came through the partner.

    Raises:
        EnrollmentNotFound: no such row did.
    """
    rows = EnrollmentRow.objects.filter(pk=reference, partner_id=partner_id)
    row = rows.values_list("course_id", "learner_id").first()
    if row is None:
        raise EnrollmentNotFound
    return row


_OF_PARTNER = ("id", "course_id", "external_id", "status", "joined_at", "enrolled_at", "ended_at")


def list_of_partner(*, partner_id: UUID, wanted: PartnerFilter, page: PageRequest) -> Page[PartnerEnrollment]:
    """What came through the partner, newest first."""
    # The condition that the partial indexes are made for is said, not only meant.
    rows = EnrollmentRow.objects.filter(partner_id=partner_id, partner__isnull=False).order_by("-id")
    if wanted.course_id is not None:
        rows = rows.filter(course_id=wanted.course_id)
    if wanted.external_id is not None:
        rows = rows.filter(external_id=wanted.external_id)
    if wanted.status is not None:
        rows = rows.filter(status=next(each for each, word in PARTNERS_WORDS.items() if word == wanted.status))
    if page.after is not None:
        rows = rows.filter(pk__lt=page.after[0])
    found = list(rows.values_list(*_OF_PARTNER)[: page.limit + 1])
    places = positions(entry_ids=[row[0] for row in found if row[3] == Status.WAITING])
    kept = [_of_partner(row, places.get(row[0])) for row in found]
    return cut(kept, limit=page.limit, key=lambda one: (one.reference,))


def _of_partner(row: tuple[Any, ...], position: int | None) -> PartnerEnrollment:
    reference, course_id, external_id, status, joined_at, enrolled_at, ended_at = row
    return PartnerEnrollment(
        reference=reference,
        course_id=course_id,
        external_id=external_id,
        status=PARTNERS_WORDS[Status(status)],
        waitlist_position=position,
        joined_at=joined_at,
        enrolled_at=enrolled_at,
        ended_at=ended_at,
    )


def get_partner(*, partner_id: UUID) -> Partner:
    """The partner.

    Raises:
        PartnerNotFound: there is none with this id.
    """
    row = PartnerRow.objects.filter(pk=partner_id).first()
    if row is None:
        raise PartnerNotFound
    return to_partner(row)


def to_partner(row: PartnerRow) -> Partner:
    """A partner's row as a value."""
    return Partner(id=row.pk, name=row.name, created_at=row.created_at)
