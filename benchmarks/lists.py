"""The lists, each at its first and at its last page."""

from dataclasses import dataclass
from typing import Any

from benchmarks.targets import Stage, Target, reading
from benchmarks.world import course, person
from common import cursors, ids

STAFF, LEARNER = 0, 1
_LIMIT = 20


@dataclass(frozen=True, kw_only=True)
class List:
    """A list, and the statement that finds the sort key from its end: the row before its last page."""

    name: str
    path: str
    key: str
    of: Any = None
    sort: str = ""
    reader: int | None = None


_ROSTER = f"/api/v1/courses/{ids.encode(ids.COURSE, course(1))}/enrollments"
LISTS = (
    List(name="courses by newest", path="/api/v1/courses", sort="newest", key="id FROM courses_course ORDER BY id"),
    List(
        name="courses by title",
        path="/api/v1/courses",
        sort="title",
        key="title, id FROM courses_course ORDER BY lower(title) DESC, id DESC",
    ),
    List(
        name="courses by rating",
        path="/api/v1/courses",
        sort="rating",
        key="coalesce(rating_average, 0), id FROM courses_course ORDER BY coalesce(rating_average, 0), id",
    ),
    List(
        name="my enrollments",
        path="/api/v1/enrollments",
        reader=LEARNER,
        key="enrolled_at, id FROM enrollments_enrollment WHERE learner_id = %s ORDER BY enrolled_at, id",
        of=person(LEARNER),
    ),
    List(
        name="roster",
        path=_ROSTER,
        reader=STAFF,
        key="enrolled_at, id FROM enrollments_enrollment WHERE course_id = %s ORDER BY enrolled_at, id",
        of=course(1),
    ),
)


def first_and_last_page(stage: Stage, chosen: List) -> tuple[Target, Target]:
    """Two targets that differ only in where the page lies."""
    query = f"?limit={_LIMIT}" + (f"&sort={chosen.sort}" if chosen.sort else "")
    first = reading(stage, f"{chosen.name}, first page", chosen.path + query, reader=chosen.reader)
    query += f"&cursor={_cursor_before_last_page(stage, chosen)}"
    last = reading(stage, f"{chosen.name}, last page", chosen.path + query, reader=chosen.reader)
    return first, last


def _cursor_before_last_page(stage: Stage, chosen: List) -> str:
    """What the API would hand out on the page before the last; to walk there would take a million rows."""
    with stage.database.connect() as connection:
        statement = f"SELECT {chosen.key} OFFSET {_LIMIT} LIMIT 1"
        key = connection.execute(statement, [chosen.of] if "%s" in chosen.key else []).fetchone()
    caller = "" if chosen.reader is None else ids.encode(ids.USER, person(chosen.reader))
    filters = [("sort", chosen.sort)] if chosen.sort else []
    return cursors.make(key=tuple(key or ()), binding=(chosen.path, caller, *filters))
