"""Nobody waits in vain."""

from collections.abc import Sequence

from common.ops.types import Item, Result, Work
from enrollments import services
from enrollments.checks import CheckOfRows


class OrphanedWaiting(CheckOfRows):
    """Archiving ends the waiting by a job; this finds what that job has left."""

    name = "orphaned-waiting"
    sentence = "Nobody is in line for a course that is archived."
    order = 20
    sql = f"""
        SELECT row.course_id, row.id AS key, {services.STATE_IN_SQL} AS before,
            jsonb_build_object('status', 'expired') AS after
        FROM enrollments_enrollment AS row JOIN {services.PLACES_IN_SQL} AS places USING (course_id)
        WHERE places.is_archived AND row.status = 'waiting' AND {{scope}}
        ORDER BY row.course_id, row.queue_number
    """
    scopes = {
        "course": "row.course_id = ANY(%(courses)s)",
        "partner": "row.partner_id = %(partner)s",
        "again": "row.id = ANY(%(keys)s)",
    }

    def mend(self, items: Sequence[Item], work: Work) -> list[Result]:
        """They wait no longer."""
        return services.expire_waiting(items=items, actor=work.actor)
