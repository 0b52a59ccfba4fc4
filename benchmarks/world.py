"""What seed.sql makes, as far as the rest of the benchmark refers to it."""

from dataclasses import dataclass
from uuid import UUID

# Enrollments of the wave over many courses go round over so many of them.
MANY = 2000


@dataclass(frozen=True, kw_only=True)
class World:
    """`rows` courses, learners and enrollments, and newcomers who are in no course yet."""

    rows: int
    newcomers: int


def course(number: int) -> UUID:
    """The course with this number; number 1 has `rows` learners."""
    return UUID(f"01900000-0000-7000-9000-{number:012x}")


def person(number: int) -> UUID:
    """The person with this number: 0 is staff, 1 is in every course, those above `rows` are newcomers."""
    return UUID(f"01900000-0000-7000-8000-{number:012x}")
