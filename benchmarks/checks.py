"""What must hold after every wave of enrollments and reviews, whatever its speed."""

from benchmarks.database import Database
from benchmarks.load import Wave
from benchmarks.targets import Target
from benchmarks.world import course

_WRONG = """
    SELECT places.course_id::text, places.capacity, places.seats_taken, counted.seated, places.waiting, counted.waiting
    FROM courses_courseplaces AS places
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE status IN ('active', 'completed')) AS seated,
            count(*) FILTER (WHERE status = 'waiting') AS waiting
        FROM enrollments_enrollment WHERE enrollments_enrollment.course_id = places.course_id
    ) AS counted
    WHERE places.course_id = ANY(%s)
        AND (places.seats_taken <> counted.seated OR places.waiting <> counted.waiting
            OR counted.seated > places.capacity)
"""
_WRONG_SUMMARY = """
    SELECT summary.course_id::text, kept.ratings, counted.ratings
    FROM reviews_coursesummary AS summary
    CROSS JOIN LATERAL (SELECT ARRAY[ones, twos, threes, fours, fives]::bigint[] AS ratings) AS kept
    CROSS JOIN LATERAL (
        SELECT array_agg((
            SELECT count(*) FROM reviews_review
            WHERE reviews_review.course_id = summary.course_id AND public_rating = stars) ORDER BY stars) AS ratings
        FROM generate_series(1, 5) AS stars
    ) AS counted
    WHERE summary.course_id = ANY(%s) AND kept.ratings <> counted.ratings
"""


def faults_of(target: Target, wave: Wave, database: Database) -> list[str]:
    """What is wrong after this wave: answers that must not be, and counters that do not fit the rows."""
    faults = []
    unexpected = {status: count for status, count in wave.statuses.items() if status not in target.expected}
    if unexpected or wave.broken:
        faults.append(f"{target.name}: answers {unexpected}, {wave.broken} without an answer")
    if wave.courses:
        chosen = [course(number) for number in wave.courses]
        with database.connect() as connection:
            rows = connection.execute(_WRONG, [chosen]).fetchall()
            summaries = connection.execute(_WRONG_SUMMARY, [chosen]).fetchall()
        faults += [
            f"{target.name}: course {course} of {capacity} seats counts {seats} and holds {seated}, "
            f"{waiting} and {line} in line"
            for course, capacity, seats, seated, waiting, line in rows
        ]
        faults += [
            f"{target.name}: the summary of course {course} is {kept} and its reviews are {counted}"
            for course, kept, counted in summaries
        ]
    return faults
