"""What must hold after every wave of enrollments, whatever its speed."""

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


def faults_of(target: Target, wave: Wave, database: Database) -> list[str]:
    """What is wrong after this wave: answers that must not be, and counters that do not fit the rows."""
    faults = []
    unexpected = {status: count for status, count in wave.statuses.items() if status not in target.expected}
    if unexpected or wave.broken:
        faults.append(f"{target.name}: answers {unexpected}, {wave.broken} without an answer")
    if wave.courses:
        with database.connect() as connection:
            rows = connection.execute(_WRONG, [[course(number) for number in wave.courses]]).fetchall()
        faults += [
            f"{target.name}: course {course} of {capacity} seats counts {seats} and holds {seated}, "
            f"{waiting} and {line} in line"
            for course, capacity, seats, seated, waiting, line in rows
        ]
    return faults
