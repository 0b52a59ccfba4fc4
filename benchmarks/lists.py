"""The lists, each at its first page and at one far from it."""

from dataclasses import dataclass
from typing import Any

from benchmarks.targets import Stage, Target, reading
from benchmarks.world import LEARNER, STAFF, World, course, person
from common import cursors, ids

_LIMIT = 20


@dataclass(frozen=True, kw_only=True)
class List:
    """A list, and the statement that finds sort keys in it.

    For the last page it reads from the list's end: the row before that page. With `page_of_rows`, say 100, it reads
    from the beginning, and finds the page whose number is a hundredth of the rows: page 10,000 of a million.
    """

    name: str
    path: str
    key: str
    of: Any = None
    sort: str = ""
    rating: int | None = None
    page_of_rows: int | None = None
    reader: int | None = None

    @property
    def filters(self) -> list[tuple[str, object]]:
        """What its query says, as a cursor is bound to it."""
        named = {"rating": self.rating, "sort": self.sort}
        return [(name, value) for name, value in named.items() if value]

    def far_page(self, world: World) -> tuple[str, int]:
        """What the page that is compared with the first is called, and where the row before it is."""
        if self.page_of_rows is None:
            return f"{self.name}, last page", _LIMIT
        number = world.rows // self.page_of_rows
        return f"{self.name}, page {number:,}", (number - 1) * _LIMIT - 1


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


def _of_reviews(sort: str, columns: str, rating: int | None) -> List:
    """The public reviews of the course that has a million."""
    among = "" if rating is None else f" AND public_rating = {rating}"
    rows = f"reviews_review WHERE course_id = %s AND public_rating IS NOT NULL{among}"
    order = ", ".join(f"{column} {_DIRECTIONS[sort]}" for column in columns.split(", "))
    return List(
        name=f"reviews by {sort}" + ("" if rating is None else f", {rating} stars"),
        path=f"/api/v1/courses/{ids.encode(ids.COURSE, course(1))}/reviews",
        sort=sort,
        rating=rating,
        page_of_rows=100,
        key=f"{columns} FROM {rows} ORDER BY {order}",
        of=course(1),
    )


_DIRECTIONS = {"newest": "DESC", "oldest": "ASC", "highest": "DESC", "lowest": "ASC"}
_BY_AGE, _BY_RATING = "id", "public_rating, id"
# Among reviews with one rating the order by rating is that by age; so is its key.
REVIEW_LISTS = (
    *(_of_reviews(sort, _BY_AGE, rating) for rating in (None, 5) for sort in ("newest", "oldest")),
    *(
        _of_reviews(sort, _BY_RATING if rating is None else _BY_AGE, rating)
        for rating in (None, 5)
        for sort in ("highest", "lowest")
    ),
)


def first_and_far_page(stage: Stage, chosen: List) -> tuple[Target, Target]:
    """Two targets that differ only in where the page lies."""
    query = f"?limit={_LIMIT}" + "".join(f"&{name}={value}" for name, value in chosen.filters)
    first = reading(stage, f"{chosen.name}, first page", chosen.path + query, reader=chosen.reader)
    name, offset = chosen.far_page(stage.world)
    query += f"&cursor={cursor_before(stage, chosen, offset)}"
    return first, reading(stage, name, chosen.path + query, reader=chosen.reader)


def cursor_before(stage: Stage, chosen: List, offset: int) -> str:
    """The cursor that leads on from the row at this offset of the list's statement.

    It is what the API would hand out on the page before; to walk there would take a million rows.
    """
    with stage.database.connect() as connection:
        statement = f"SELECT {chosen.key} OFFSET {offset} LIMIT 1"
        key = connection.execute(statement, [chosen.of] if "%s" in chosen.key else []).fetchone()
    caller = "" if chosen.reader is None else ids.encode(ids.USER, person(chosen.reader))
    return cursors.make(key=tuple(key or ()), binding=(chosen.path, caller, *chosen.filters))
