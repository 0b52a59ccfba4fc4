"""What seed.sql and seed_reviews.sql make, as far as the rest of the benchmark refers to it."""

from dataclasses import dataclass
from uuid import UUID

# Enrollments, and reviews, of the waves over many courses go round over so many of them.
MANY = 2000
STAFF, LEARNER, MODERATOR = 0, 1, 0xFFFF_FFFF_FFFF
# Each of so many reviews waits for a moderator; of these each second one was public and has been changed.
WAITING_EACH, CHANGED_EACH = 220, 440


@dataclass(frozen=True, kw_only=True)
class World:
    """`rows` courses, learners, enrollments and reviews of course 1; newcomers who are in no course yet; and writers.

    Each writer is in course 1 and in one of the many others, and has reviewed none.
    """

    rows: int
    newcomers: int
    writers: int


def course(number: int) -> UUID:
    """The course with this number; number 1 has `rows` learners."""
    return UUID(f"01900000-0000-7000-9000-{number:012x}")


def person(number: int) -> UUID:
    """The person with this number: STAFF, LEARNER, who is in every course, MODERATOR, or any other.

    Above `rows` there are the newcomers, and above them the writers.
    """
    return UUID(f"01900000-0000-7000-8000-{number:012x}")


def review(number: int) -> UUID:
    """The review with this number; those up to `rows` are of course 1, by the person with the same number."""
    return UUID(f"01900000-0000-7000-e000-{number:012x}")
