"""Whom a partner means: by its own id, else by email, else somebody new."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from common import db
from common.accounts.people import ensure_accounts, unmake_accounts
from common.accounts.types import Newcomer
from enrollments.types import LearnerOfPartner

_KNOWN = """
    SELECT external_id, learner_id FROM enrollments_partnerlearner WHERE partner_id = %s AND external_id = ANY(%s)
"""
# In one order for all, as with accounts.
_LINK = """
    INSERT INTO enrollments_partnerlearner (partner_id, external_id, learner_id)
    SELECT %s, external_id, learner_id FROM unnest(%s::text[], %s::uuid[]) AS link(external_id, learner_id)
    ORDER BY external_id
    ON CONFLICT DO NOTHING
    RETURNING external_id
"""
_UNLINK = "DELETE FROM enrollments_partnerlearner WHERE partner_id = %s AND external_id = ANY(%s)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognized:
    """Who each external id is. `linked` and `made` are the ids and the accounts that are new with this transaction."""

    people: dict[str, UUID]
    linked: frozenset[str] = frozenset()
    made: frozenset[UUID] = frozenset()


@db.step
def recognize(*, partner_id: UUID, learners: Sequence[LearnerOfPartner]) -> Recognized:
    """Who each external id is from now on, of this partner.

    One that the partner has used before stands for the same person, whatever email comes with it now. A new one stands
    for who has its email, else for a new account without a password. Of several with one new external id, the first
    counts. Safe against the same first sight elsewhere: the second waits for the first, and finds what it made.

    Locks accounts and ids, in their orders, before any course: no transaction that holds a course's places waits here.
    """
    known = _known(partner_id, [learner.external_id for learner in learners])
    new: dict[str, LearnerOfPartner] = {}
    for learner in learners:
        if learner.external_id not in known:
            new.setdefault(learner.external_id, learner)
    if not new:
        return Recognized(people=known)
    ensured = ensure_accounts(
        people=[Newcomer(email=learner.email, display_name=learner.name) for learner in new.values()]
    )
    linked = db.fetch_all(_LINK, [partner_id, list(new), ensured.ids])
    people = known | dict(zip(new, ensured.ids, strict=True))
    if len(linked) < len(new):
        # Somebody else's link was there first; then the account made for it is for nobody.
        people |= _known(partner_id, list(new))
    if superfluous := ensured.made - set(people.values()):
        unmake_accounts(person_ids=[*superfluous])
    return Recognized(
        people=people,
        linked=frozenset(external_id for (external_id,) in linked),
        made=ensured.made - superfluous,
    )


@db.step
def forget(*, partner_id: UUID, recognized: Recognized, learners: Sequence[LearnerOfPartner]) -> None:
    """What is new with this transaction about these learners, who were refused, is gone, as if nobody had asked."""
    unlinked = recognized.linked & {learner.external_id for learner in learners}
    if not unlinked:
        return
    db.execute(_UNLINK, [partner_id, list(unlinked)])
    meant = {recognized.people[external_id] for external_id in unlinked}
    still = {recognized.people[external_id] for external_id in recognized.linked - unlinked}
    unmake_accounts(person_ids=[*(meant & recognized.made - still)])


def _known(partner_id: UUID, external_ids: list[str]) -> dict[str, UUID]:
    return dict(db.fetch_set(_KNOWN, [partner_id, external_ids]))
