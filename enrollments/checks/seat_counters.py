"""Counters say what the rows say."""

from collections.abc import Sequence

from common import ids
from common.ops.kinds import Check
from common.ops.types import Item, Result, Work
from enrollments import services

_OF_PARTNER = "places.course_id IN (SELECT course_id FROM enrollments_enrollment WHERE partner_id = %(partner)s)"


class SeatCounters(Check):
    """Every admission is decided by these counters, so wrong ones give away taken seats, or keep free ones."""

    name = "seat-counters"
    sentence = "The seats taken, the people in line and the last queue number of each course are those of its rows."
    prefix = ids.COURSE
    order = 40
    # Of more people than seats the counter can only say that all seats are taken: that is for over-capacity.
    sql = f"""
        SELECT course_id, course_id AS key,
            jsonb_build_object(
                'seats_taken', seats_taken, 'waiting', waiting, 'last_queue_number', last_queue_number) AS before,
            jsonb_build_object('seats_taken', seats, 'waiting', line, 'last_queue_number', last_number) AS after
        FROM (
            SELECT places.*, least(coalesce(seated, 0), capacity) AS seats, coalesce(in_line, 0) AS line,
                greatest(highest, last_queue_number) AS last_number
            FROM {services.PLACES_IN_SQL} AS places LEFT JOIN (
                SELECT course_id, count(*) FILTER (WHERE status IN ('active', 'completed')) AS seated,
                    count(*) FILTER (WHERE status = 'waiting') AS in_line, max(queue_number) AS highest
                FROM enrollments_enrollment AS places WHERE {{scope}} GROUP BY 1
            ) AS counted USING (course_id)
            WHERE {{scope}}
        ) AS compared
        WHERE (seats_taken, waiting, last_queue_number) <> (seats, line, last_number)
        ORDER BY course_id
    """
    scopes = {
        "course": "places.course_id = ANY(%(courses)s)",
        "partner": _OF_PARTNER,
        "again": "places.course_id = ANY(%(courses)s)",
    }

    def lock(self, items: Sequence[Item]) -> None:
        """The items' courses are locked."""
        services.lock_courses(course_ids={item.course_id for item in items if item.course_id is not None})

    def mend(self, items: Sequence[Item], work: Work) -> list[Result]:
        """The counters say what the rows say."""
        return services.replace_counters(items=items, actor=work.actor)

    def revert(self, items: Sequence[Item], work: Work) -> list[Result]:
        """The counters are as they were, however wrong."""
        self.lock(items)
        return services.replace_counters(items=items, actor=work.actor)
