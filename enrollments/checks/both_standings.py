"""Nobody is in a course twice."""

from collections.abc import Sequence

from common.ops.types import Item, Result, Work
from enrollments import services
from enrollments.checks import CheckOfRows


class BothStandings(CheckOfRows):
    """An index keeps this true. It matters where the index was missing for a while, after a restore for one."""

    name = "both-standings"
    sentence = "Nobody is enrolled in a course and in line for it at once, or either of them twice."
    order = 10
    # What stays is what the learner would miss most: completed, then enrolled, then the place furthest in front.
    sql = f"""
        SELECT course_id, id AS key, state AS before,
            jsonb_build_object('status', CASE status WHEN 'waiting' THEN 'left' ELSE 'revoked' END) AS after
        FROM (
            SELECT row.id, row.course_id, row.status, {services.STATE_IN_SQL} AS state, row_number() OVER (
                PARTITION BY row.course_id, row.learner_id
                ORDER BY row.status = 'completed' DESC, row.status = 'active' DESC, row.enrolled_at,
                    row.queue_number, row.id
            ) AS number
            FROM enrollments_enrollment AS row JOIN (
                SELECT learner_id, course_id FROM enrollments_enrollment AS row
                WHERE status IN ('active', 'completed', 'waiting') AND {{scope}} GROUP BY 1, 2 HAVING count(*) > 1
            ) AS doubled USING (learner_id, course_id)
            WHERE row.status IN ('active', 'completed', 'waiting')
        ) AS standing
        WHERE number > 1
        ORDER BY course_id, id
    """
    scopes = {
        "course": "row.course_id = ANY(%(courses)s)",
        "partner": "row.course_id IN (SELECT course_id FROM enrollments_enrollment WHERE partner_id = %(partner)s)",
        "again": "row.course_id = ANY(%(courses)s)",
    }

    def mend(self, items: Sequence[Item], work: Work) -> list[Result]:
        """The standings beside the one that counts are over."""
        return services.end_surplus_standings(items=items, actor=work.actor)
