"""What is measured: each target is a load that can be repeated."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from benchmarks import load
from benchmarks.database import Database
from benchmarks.load import Meter, Wave
from benchmarks.people import access_tokens, session_of
from benchmarks.service import Service
from benchmarks.world import MANY, World, course
from common import ids

CLIENTS = 16
READERS = 4
# More than any wave takes, since each enrolls only once.
_LEARNERS_PER_SECOND = 3_500
_BARE_LEARNERS_PER_SECOND = 14_000
_FILLING_CAPACITY = 300
_WRITERS_PER_SECOND = 3_000

Where = Literal["many", "hot", "filling"]


@dataclass(kw_only=True)
class Stage:
    """What the targets of one run share: the database, the service, and the newcomers not yet used."""

    world: World
    database: Database
    service: Service
    meter: Meter
    # What the service calls the course with this number.
    name_of: Callable[[int], str] = lambda number: ids.encode(ids.COURSE, course(number))
    newcomers: deque[int] = field(init=False)
    writers: deque[int] = field(init=False)
    filling: Iterator[int] = field(init=False)

    def __post_init__(self) -> None:
        first, last = self.world.rows + 1, self.world.rows + self.world.newcomers
        self.newcomers = deque(range(first, last + 1))
        self.writers = deque(range(last + 1, last + self.world.writers + 1))
        # Courses that fill up lie beyond those of the wave over many.
        self.filling = iter(range(MANY + 2, self.world.rows + 1))

    def take_newcomers(self, count: int) -> list[int]:
        """So many learners who are in no course yet.

        Raises:
            RuntimeError: there are not so many left.
        """
        return _take(self.newcomers, count)

    def take_writers(self, count: int) -> list[int]:
        """So many learners who have reviewed none of their courses yet.

        Raises:
            RuntimeError: there are not so many left.
        """
        return _take(self.writers, count)


def _take(people: deque[int], count: int) -> list[int]:
    if len(people) < count:
        raise RuntimeError("They are used up: seed more of them.")
    return [people.popleft() for _ in range(count)]


def _give_back(people: deque[int], taken: list[int], wave: Wave) -> None:
    """Those whom the wave had no time for are there for the next; some requests may still have been on their way."""
    people.extendleft(reversed(taken[wave.requests + wave.broken + 2 * CLIENTS :]))


@dataclass(frozen=True, kw_only=True)
class Target:
    """A load by name, and the statuses that it may be answered with."""

    name: str
    run: Callable[[int], Wave]
    expected: frozenset[str] = frozenset()

    def named(self, name: str) -> "Target":
        """The same under another name."""
        return replace(self, name=name)


def enrolling(stage: Stage, where: Where) -> Target:
    """16 clients enroll one new learner after the other: over many courses, in one, or in one that fills up."""

    def run(seconds: int) -> Wave:
        learners = stage.take_newcomers(seconds * _LEARNERS_PER_SECOND)
        chosen = _courses(stage, where, len(learners))
        lines = [
            f"{token} {stage.name_of(number)}" for token, number in zip(access_tokens(learners), chosen, strict=True)
        ]
        wave = load.over_http(
            stage.service, stage.meter, script="enroll.lua", lines=lines, clients=CLIENTS, seconds=seconds
        )
        _give_back(stage.newcomers, learners, wave)
        return replace(wave, courses=frozenset(chosen))

    expected = {"201", "202"} if where == "filling" else {"201"}
    return Target(name=f"enroll, {where}", run=run, expected=frozenset(expected))


def bare_enrolling(stage: Stage, where: Where, protocol: Literal["simple", "prepared"]) -> Target:
    """The bare SQL of the same enrollments, by pgbench."""

    def run(seconds: int) -> Wave:
        span = seconds * _BARE_LEARNERS_PER_SECOND // CLIENTS
        first = stage.take_newcomers(span * CLIENTS)[0] - 1
        variables = {"first": first, "span": span, "i": 0, "many": int(where == "many"), "courses": MANY}
        wave = load.bare_sql(
            stage.database, stage.meter, variables=variables, clients=CLIENTS, seconds=seconds, protocol=protocol
        )
        return replace(wave, courses=frozenset(range(2, MANY + 2) if where == "many" else [1]))

    return Target(name=f"pgbench, {where}", run=run)


def reading(stage: Stage, name: str, path: str, *, reader: int | None = None, clients: int = READERS) -> Target:
    """So many clients read the same page over and over, as nobody or as the person `reader`."""

    def run(seconds: int) -> Wave:
        header = "" if reader is None else f"Authorization Bearer {access_tokens([reader])[0]}"
        return load.over_http(
            stage.service, stage.meter, script="page.lua", lines=[f"{path} {header}"], clients=clients, seconds=seconds
        )

    return Target(name=name, run=run, expected=frozenset({"200"}))


def looking(stage: Stage, name: str, path: str, *, viewer: int) -> Target:
    """One client looks at the same page of the admin over and over, so that nothing but the page takes its time."""
    cookie = session_of(stage.database, viewer)

    def run(seconds: int) -> Wave:
        line = f"{path} Cookie {cookie}"
        return load.over_http(stage.service, stage.meter, script="page.lua", lines=[line], clients=1, seconds=seconds)

    return Target(name=name, run=run, expected=frozenset({"200"}))


def writing(stage: Stage, where: Literal["many", "hot"]) -> Target:
    """16 clients write one learner's first review after the other: of many courses, or of the one with most."""

    def run(seconds: int) -> Wave:
        writers = stage.take_writers(seconds * _WRITERS_PER_SECOND)
        chosen = [1 if where == "hot" else 2 + number % MANY for number in writers]
        lines = [
            f"{token} {stage.name_of(of)} {number}"
            for token, number, of in zip(access_tokens(writers), writers, chosen, strict=True)
        ]
        wave = load.over_http(
            stage.service, stage.meter, script="review.lua", lines=lines, clients=CLIENTS, seconds=seconds
        )
        _give_back(stage.writers, writers, wave)
        return replace(wave, courses=frozenset(chosen))

    return Target(name=f"review, {where}", run=run, expected=frozenset({"201"}))


def _courses(stage: Stage, where: Where, count: int) -> list[int]:
    if where == "many":
        return [2 + index % MANY for index in range(count)]
    if where == "hot":
        return [1] * count
    number = next(stage.filling)
    with stage.database.connect() as connection:
        connection.execute(
            "UPDATE courses_courseplaces SET capacity = seats_taken + %s WHERE course_id = %s",
            [_FILLING_CAPACITY, course(number)],
        )
    return [number] * count
