"""Accounts that are made on somebody's behalf: without a password, for who has none yet."""

from collections.abc import Collection, Sequence
from secrets import token_urlsafe
from uuid import UUID

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX

from common import db, ids
from common.accounts.types import Ensured, Newcomer

_FIND = """
    SELECT wanted.number, person.id
    FROM unnest(%s::text[]) WITH ORDINALITY AS wanted(email, number)
    JOIN common_user person ON upper(person.email) = upper(wanted.email)
"""
# By email, so that two transactions which make the same people wait for one another in one direction only.
_MAKE = """
    INSERT INTO common_user (id, email, display_name, password, is_active, is_staff, is_superuser, version)
    SELECT id, email, display_name, password, true, false, false, 1
    FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[]) AS newcomer(id, email, display_name, password)
    ORDER BY upper(email)
    ON CONFLICT DO NOTHING
    RETURNING id
"""


@db.step
def ensure_accounts(*, people: Sequence[Newcomer]) -> Ensured:
    """There is an account for each email.

    One that was there stays as it is; a new one has no password. Two transactions that see the same person for the
    first time make one account: the second waits for the first.
    """
    emails = [person.email for person in people]
    found = _find(emails)
    missing = [number for number, _ in enumerate(people) if number not in found]
    made: set[UUID] = set()
    if missing:
        new_ids = [ids.new_uuid() for _ in missing]
        values = (
            new_ids,
            [people[number].email for number in missing],
            [people[number].display_name for number in missing],
            [f"{UNUSABLE_PASSWORD_PREFIX}{token_urlsafe(30)}" for _ in missing],
        )
        made = {person_id for (person_id,) in db.fetch_all(_MAKE, values)}
        # A statement of its own sees what a rival has committed while the one before waited for it.
        found |= dict(zip(missing, new_ids, strict=True)) if len(made) == len(missing) else _find(emails)
    return Ensured(ids=[found[number] for number, _ in enumerate(people)], made=frozenset(made))


@db.step
def unmake_accounts(*, person_ids: Sequence[UUID]) -> None:
    """The accounts are gone, which the same transaction has made and nothing refers to."""
    db.execute("DELETE FROM common_user WHERE id = ANY(%s)", [list(person_ids)])


def find_people(*, emails: Sequence[str]) -> dict[str, UUID]:
    """Whose account has which of these emails, without regard to case; emails of nobody are left out."""
    return {emails[number]: person_id for number, person_id in _find(list(emails)).items()}


def known_people(*, person_ids: Collection[UUID]) -> set[UUID]:
    """Those of these ids that somebody has."""
    rows = db.fetch_all("SELECT id FROM common_user WHERE id = ANY(%s)", [list(person_ids)])
    return {person_id for (person_id,) in rows}


def _find(emails: list[str]) -> dict[int, UUID]:
    return {number - 1: person_id for number, person_id in db.fetch_set(_FIND, [emails])}
