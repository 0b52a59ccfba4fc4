"""No course has more people than seats."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from common.ops.types import Item, Outcome, Result, Work
from enrollments import services
from enrollments.checks import CheckOfRows

_NOT_ASKED = Result(
    outcome=Outcome.REFUSED,
    code="needs_a_decision",
    detail="Nobody is moved without --move-to-waitlist. Or give the course more seats.",
)
_COMPLETED = Result(
    outcome=Outcome.REFUSED,
    code="enrollment_completed",
    detail="A completed enrollment keeps its seat. Give the course more seats.",
)
_ARCHIVED = Result(
    outcome=Outcome.REFUSED,
    code="course_archived",
    detail="Nobody can wait for an archived course. Give the course more seats.",
)


class OverCapacity(CheckOfRows):
    """Finds the last to come, as many as there are too many. Whether they are moved is for people to decide."""

    name = "over-capacity"
    sentence = "No course has more active and completed enrollments than it has seats."
    order = 30
    # The last to come first, so that each next one goes in front of them in line; completed ones only when all others
    # are not enough.
    sql = f"""
        SELECT course_id, id AS key, state AS before, after FROM (
            SELECT row.course_id, row.id, {services.STATE_IN_SQL} AS state, too_many, jsonb_build_object(
                    'status', CASE WHEN is_archived OR row.status = 'completed' THEN row.status ELSE 'waiting' END
                ) AS after,
                row_number() OVER (
                    PARTITION BY row.course_id ORDER BY row.status = 'completed', row.enrolled_at DESC, row.id DESC
                ) AS number
            FROM enrollments_enrollment AS row JOIN (
                SELECT counted.course_id, is_archived, seated - capacity AS too_many
                FROM {services.PLACES_IN_SQL} AS places JOIN (
                    SELECT row.course_id, count(*) AS seated FROM enrollments_enrollment AS row
                    WHERE row.status IN ('active', 'completed') AND {{scope}} GROUP BY 1
                ) AS counted USING (course_id)
                WHERE seated > capacity
            ) AS crowded USING (course_id)
            WHERE row.status IN ('active', 'completed')
        ) AS seated
        WHERE number <= too_many
        ORDER BY course_id, number
    """
    # A partner's rows alone say nothing: its courses are looked at as a whole.
    scopes = {
        "course": "row.course_id = ANY(%(courses)s)",
        "partner": "row.course_id IN (SELECT course_id FROM enrollments_enrollment WHERE partner_id = %(partner)s)",
        "again": "row.course_id = ANY(%(courses)s)",
    }

    def mend(self, items: Sequence[Item], work: Work) -> list[Result]:
        """The last to come are at the head of the line, if the operator wants it so."""
        refusals = [_refusal(item, work.options) for item in items]
        movable = [item for item, refusal in zip(items, refusals, strict=True) if refusal is None]
        moved = iter(services.move_to_waitlist(items=movable, actor=work.actor) if movable else ())
        return [refusal or next(moved) for refusal in refusals]

    def foresee(self, items: Sequence[Item], options: Mapping[str, Any], now: datetime) -> list[Item]:
        """Why they would be left as they are."""
        refusals = [_refusal(item, options) for item in items]
        return [
            replace(item, detail=refusal.detail) if refusal else item
            for item, refusal in zip(items, refusals, strict=True)
        ]


def _refusal(item: Item, options: Mapping[str, Any]) -> Result | None:
    if item.before["status"] == "completed":
        return _COMPLETED
    if item.after["status"] != "waiting":
        return _ARCHIVED
    return None if options.get("move_to_waitlist") else _NOT_ASKED
