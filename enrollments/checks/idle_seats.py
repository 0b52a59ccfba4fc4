"""No seat is free while somebody waits for it."""

from collections.abc import Sequence

from common.ops.types import Item, Result, Work
from enrollments import services
from enrollments.checks import CheckOfRows


class IdleSeats(CheckOfRows):
    """A freed seat is handed over at once, and a job sweeps each minute; this finds what both have left."""

    name = "idle-seats"
    sentence = "Nobody waits for a course that is open and has a free seat."
    order = 50
    # As many heads of the line as seats are free by the rows, whatever the counters say.
    sql = f"""
        SELECT course_id, id AS key, state AS before, jsonb_build_object('status', 'active') AS after
        FROM (
            SELECT row.course_id, row.id, {services.STATE_IN_SQL} AS state, free,
                row_number() OVER (PARTITION BY row.course_id ORDER BY row.queue_number) AS number
            FROM enrollments_enrollment AS row JOIN (
                SELECT places.course_id, capacity - count(*) FILTER (WHERE row.status <> 'waiting') AS free
                FROM {services.PLACES_IN_SQL} AS places JOIN enrollments_enrollment AS row USING (course_id)
                WHERE is_open AND row.status IN ('active', 'completed', 'waiting') AND {{scope}}
                GROUP BY places.course_id, capacity
                HAVING count(*) FILTER (WHERE row.status = 'waiting') > 0
            ) AS waited_for USING (course_id)
            WHERE row.status = 'waiting'
        ) AS line
        WHERE number <= coalesce(free, number)
        ORDER BY course_id, number
    """
    scopes = {
        "course": "row.course_id = ANY(%(courses)s)",
        "partner": "row.course_id IN (SELECT course_id FROM enrollments_enrollment WHERE partner_id = %(partner)s)",
        "again": "row.course_id = ANY(%(courses)s)",
    }

    def mend(self, items: Sequence[Item], work: Work) -> list[Result]:
        """The heads of the lines have the seats."""
        return services.seat_waiting(items=items, actor=work.actor)
