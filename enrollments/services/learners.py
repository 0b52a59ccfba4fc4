"""Whom a partner means: by its own id, else by email, else somebody new."""

from collections.abc import Sequence
from uuid import UUID

from common import db
from common.accounts.people import ensure_accounts
from common.accounts.types import Newcomer
from enrollments.types import LearnerOfPartner

_KNOWN = (
    "SELECT external_id, learner_id FROM enrollments_partnerlearner WHERE partner_id = %s AND external_id = ANY(%s)"
)
# In one order for all, as with accounts.
_LINK = """
    INSERT INTO enrollments_partnerlearner (partner_id, external_id, learner_id)
    SELECT %s, external_id, learner_id FROM unnest(%s::text[], %s::uuid[]) AS link(external_id, learner_id)
    ORDER BY external_id
    ON CONFLICT DO NOTHING
"""


@db.step
def recognize(*, partner_id: UUID, learners: Sequence[LearnerOfPartner]) -> dict[str, UUID]:
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
        return known
    people = [Newcomer(email=learner.email, display_name=learner.name) for learner in new.values()]
    db.execute(_LINK, [partner_id, list(new), ensure_accounts(people=people)])
    # Read anew, since somebody else's link may have been there first.
    return known | _known(partner_id, list(new))


def _known(partner_id: UUID, external_ids: list[str]) -> dict[str, UUID]:
    return dict(db.fetch_all(_KNOWN, [partner_id, external_ids]))
