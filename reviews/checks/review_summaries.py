"""Summaries say what the public reviews say."""

from collections.abc import Sequence

from common import ids
from common.ops.kinds import Check
from common.ops.types import Item, Result, Work
from reviews import services


class ReviewSummaries(Check):
    """Summaries are counted along with each change of a review, and the catalogue shows a copy of what they come to."""

    name = "review-summaries"
    sentence = "The summary of each course counts its public reviews, and the catalogue shows the rating that follows."
    prefix = ids.COURSE
    order = 70
    sql = f"""
        SELECT course_id, course_id AS key,
            jsonb_build_object('ones', ones, 'twos', twos, 'threes', threes, 'fours', fours, 'fives', fives,
                'rating_average', rating_average, 'rating_count', rating_count) AS before,
            jsonb_build_object('ones', of_1, 'twos', of_2, 'threes', of_3, 'fours', of_4, 'fives', of_5,
                'rating_average', average, 'rating_count', total) AS after
        FROM (
            SELECT course_id, rating_average, rating_count, coalesce(ones, 0) AS ones, coalesce(twos, 0) AS twos,
                coalesce(threes, 0) AS threes, coalesce(fours, 0) AS fours, coalesce(fives, 0) AS fives,
                coalesce(of_1, 0) AS of_1, coalesce(of_2, 0) AS of_2, coalesce(of_3, 0) AS of_3,
                coalesce(of_4, 0) AS of_4, coalesce(of_5, 0) AS of_5, average, coalesce(total, 0) AS total
            FROM {services.RATINGS_IN_SQL} AS review LEFT JOIN reviews_coursesummary USING (course_id) LEFT JOIN (
                SELECT course_id, count(*) FILTER (WHERE public_rating = 1) AS of_1,
                    count(*) FILTER (WHERE public_rating = 2) AS of_2,
                    count(*) FILTER (WHERE public_rating = 3) AS of_3,
                    count(*) FILTER (WHERE public_rating = 4) AS of_4,
                    count(*) FILTER (WHERE public_rating = 5) AS of_5,
                    round(avg(public_rating), 2) AS average, count(*) AS total
                FROM reviews_review AS review WHERE public_rating IS NOT NULL AND {{scope}} GROUP BY 1
            ) AS counted USING (course_id)
            WHERE {{scope}}
        ) AS compared
        WHERE (ones, twos, threes, fours, fives, rating_count) <> (of_1, of_2, of_3, of_4, of_5, total)
            OR rating_average IS DISTINCT FROM average
        ORDER BY course_id
    """
    scopes = {"course": "review.course_id = ANY(%(courses)s)", "again": "review.course_id = ANY(%(courses)s)"}

    def lock(self, items: Sequence[Item]) -> None:
        """The summaries are locked."""
        services.lock_summaries(course_ids={item.course_id for item in items if item.course_id is not None})

    def mend(self, items: Sequence[Item], work: Work) -> list[Result]:
        """The summaries are counted anew."""
        return services.replace_summaries(items=items, actor=work.actor)

    def revert(self, items: Sequence[Item], work: Work) -> list[Result]:
        """The summaries are as they were, however wrong."""
        self.lock(items)
        return services.replace_summaries(items=items, actor=work.actor)
