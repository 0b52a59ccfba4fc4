"""Whatever happened is in the event log."""

from collections.abc import Sequence

from common.events.selectors import BEGINNING_IN_SQL
from common.ops.types import Item, Outcome, Result, Work
from enrollments import services
from enrollments.checks import CheckOfRows

_ONLY_GROWS = Result(
    outcome=Outcome.REFUSED, code="cannot_be_undone", detail="The event log only grows: what was recorded stays."
)


class MissingEvents(CheckOfRows):
    """Every use case records its event in its own transaction; this finds rows that came about in another way."""

    name = "missing-events"
    sentence = "Every enrollment and every place in line has the events that tell how it came to its present state."
    order = 60
    # A repair that moved a row told of it by an event of its own, in place of the one that the rules would have given.
    sql = f"""
        SELECT row.course_id, row.id AS key, {services.STATE_IN_SQL} AS before,
            jsonb_build_object('missing', missing) AS after
        FROM (
            SELECT id, jsonb_object_agg(type, at) AS missing FROM (
                SELECT id, 'enr' AS prefix, 'enrollment.created' AS type, 'active' AS state, enrolled_at AS at
                FROM enrollments_enrollment AS row WHERE queue_number IS NULL AND {{scope}}
                UNION ALL
                SELECT id, 'wle', 'waitlist.joined', 'waiting', joined_at
                FROM enrollments_enrollment AS row WHERE queue_number IS NOT NULL AND {{scope}}
                UNION ALL
                SELECT id, 'wle', 'waitlist.promoted', 'active', enrolled_at
                FROM enrollments_enrollment AS row
                WHERE queue_number IS NOT NULL AND enrolled_at IS NOT NULL AND {{scope}}
                UNION ALL
                SELECT id, CASE WHEN status IN ('left', 'expired') THEN 'wle' ELSE 'enr' END,
                    CASE WHEN status IN ('left', 'expired') THEN 'waitlist.' ELSE 'enrollment.' END || status,
                    status, ended_at
                FROM enrollments_enrollment AS row
                WHERE status IN ('completed', 'withdrawn', 'revoked', 'left', 'expired') AND {{scope}}
            ) AS due
            WHERE (due.at <= {BEGINNING_IN_SQL}) IS NOT TRUE AND NOT EXISTS (
                SELECT FROM common_event AS event
                WHERE event.subject = public_id(due.prefix, due.id) AND event.type = due.type
            ) AND NOT EXISTS (
                SELECT FROM common_event AS event
                WHERE event.subject = public_id('enr', due.id) AND event.type = 'enrollment.repaired'
                    AND event.data->'after'->>'status' = due.state
            )
            GROUP BY id
        ) AS untold JOIN enrollments_enrollment AS row USING (id)
        ORDER BY row.course_id, row.id
    """
    scopes = {
        "course": "row.course_id = ANY(%(courses)s)",
        "partner": "row.partner_id = %(partner)s",
        "again": "row.id = ANY(%(keys)s)",
    }

    def mend(self, items: Sequence[Item], work: Work) -> list[Result]:
        """The log has what it lacked."""
        return services.record_missing_events(items=items, actor=work.actor)

    def revert(self, items: Sequence[Item], work: Work) -> list[Result]:
        """It cannot be: the event log only grows."""
        return [_ONLY_GROWS for _ in items]
