"""Every import comes to its end."""

from collections.abc import Sequence

from common import ids
from common.jobs import LIVE_KEYS_IN_SQL
from common.ops.kinds import Check
from common.ops.types import Item, Outcome, Result, Work
from enrollments import services

_UNDER_WAY = Result(
    outcome=Outcome.REFUSED,
    code="cannot_be_undone",
    detail="The import has gone on since. Cancel it, if it should not.",
)


class StuckImports(Check):
    """A job each minute looks after imports without a job, but leaves alone those whose job has failed for good."""

    name = "stuck-imports"
    sentence = "Every import that is queued or running has a job that will go on with it."
    prefix = ids.IMPORT
    order = 80
    sql = f"""
        SELECT NULL::uuid AS course_id, id AS key,
            jsonb_build_object('status', status, 'done_through', done_through) AS before,
            jsonb_build_object('job', 'waiting') AS after
        FROM enrollments_import AS import
        WHERE status IN ('queued', 'running') AND {{scope}}
            AND 'import:' || public_id('imp', id) NOT IN {LIVE_KEYS_IN_SQL}
        ORDER BY id
    """
    scopes = {"partner": "import.partner_id = %(partner)s", "again": "import.id = ANY(%(keys)s)"}

    def lock(self, items: Sequence[Item]) -> None:
        """The imports are locked."""
        services.lock_imports(import_ids=[item.key for item in items if item.key is not None])

    def mend(self, items: Sequence[Item], work: Work) -> list[Result]:
        """Each has a job."""
        return services.wake_imports(items=items, actor=work.actor)

    def revert(self, items: Sequence[Item], work: Work) -> list[Result]:
        """It cannot be: the jobs may have run."""
        return [_UNDER_WAY for _ in items]
