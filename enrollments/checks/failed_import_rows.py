"""No row of an import stays undone for a fault that is over."""

from collections.abc import Sequence

from common import ids
from common.ops.kinds import Check
from common.ops.types import Item, Outcome, Result, Work
from enrollments import services

_UNDER_WAY = Result(
    outcome=Outcome.REFUSED,
    code="cannot_be_undone",
    detail="The rows have been tried again since. Undo what came of it.",
)


class FailedImportRows(Check):
    """A row fails by a fault, not by a rule. So it is worth another try, once the fault is found and gone."""

    name = "failed-import-rows"
    sentence = "No completed import has rows that failed."
    prefix = ids.IMPORT
    order = 90
    sql = """
        SELECT NULL::uuid AS course_id, id AS key, jsonb_build_object('status', status, 'failed', failed) AS before,
            jsonb_build_object('status', 'queued', 'failed', 0) AS after
        FROM enrollments_import AS import
        WHERE status = 'completed' AND failed > 0 AND {scope}
        ORDER BY id
    """
    scopes = {"partner": "import.partner_id = %(partner)s", "again": "import.id = ANY(%(keys)s)"}

    def lock(self, items: Sequence[Item]) -> None:
        """The imports are locked."""
        services.lock_imports(import_ids=[item.key for item in items if item.key is not None])

    def mend(self, items: Sequence[Item], work: Work) -> list[Result]:
        """The rows that failed are tried again soon."""
        return services.retry_imports(items=items, actor=work.actor, now=work.now)

    def revert(self, items: Sequence[Item], work: Work) -> list[Result]:
        """It cannot be: the rows may have their results."""
        return [_UNDER_WAY for _ in items]
