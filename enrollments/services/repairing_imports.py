"""Getting imports going again: the services of the checks of imports."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from common import db
from common.ops.types import Item, Outcome, Result
from common.types import Actor
from enrollments import selectors
from enrollments.services.import_runs import go_on_later
from enrollments.services.importing import lock_import, retry_import

_WOKEN = Result(outcome=Outcome.DONE, code="job_deferred")
_RETRIED = Result(outcome=Outcome.DONE, code="rows_queued")


@db.step
def lock_imports(*, import_ids: Collection[UUID]) -> None:
    """Nobody else changes these imports until the transaction ends."""
    for import_id in sorted(import_ids):
        lock_import(import_id=import_id)


@db.step
def wake_imports(*, items: Sequence[Item], actor: Actor) -> list[Result]:
    """A job will go on with each of these imports."""
    for item in items:
        assert item.key is not None
        go_on_later(import_id=item.key, request_id=actor.request_id)
    return [_WOKEN for _ in items]


@db.step
def retry_imports(*, items: Sequence[Item], actor: Actor, now: datetime) -> list[Result]:
    """The rows of these imports that failed will be done again."""
    for item in items:
        assert item.key is not None
        partner_id = selectors.partner_of_import(import_id=item.key)
        retry_import(partner_id=partner_id, import_id=item.key, actor=actor, now=now)
    return [_RETRIED for _ in items]
