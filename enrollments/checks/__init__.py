"""The invariants of enrollments, a file for each: see `common.ops.kinds.Check`."""

from collections.abc import Sequence
from typing import ClassVar

from common import ids
from common.ops.kinds import Check
from common.ops.types import Item, Result, Work
from enrollments import services


class CheckOfRows(Check):
    """A check whose findings are rows of enrollments, called `row` in its query. Taking one back restores the row."""

    prefix: ClassVar[str] = ids.ENROLLMENT

    def lock(self, items: Sequence[Item]) -> None:
        """The items' courses are locked."""
        services.lock_courses(course_ids={item.course_id for item in items if item.course_id is not None})

    def revert(self, items: Sequence[Item], work: Work) -> list[Result]:
        """The rows are as they were, whatever is wrong with that: it was so before."""
        self.lock(items)
        return services.restore_rows(items=items, actor=work.actor)
