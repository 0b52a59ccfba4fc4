"""What grows with what: the same requests on worlds of three sizes, each ten times the one before."""

import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from math import log10
from statistics import median

import django
from rich.console import Console
from rich.table import Table

from benchmarks import repairs, service
from benchmarks.checks import faults_of
from benchmarks.console import console as console_pages
from benchmarks.database import Database, prepared, prepared_from, server, service_environment
from benchmarks.figures import cpu_ms
from benchmarks.lists import LISTS, REVIEW_LISTS, first_and_far_page
from benchmarks.load import Meter, Wave
from benchmarks.people import access_tokens
from benchmarks.repairs import RepairWorld
from benchmarks.targets import Stage, Target, enrolling, reading
from benchmarks.world import World, course
from common import ids

SMALLEST = (World(rows=10_000, newcomers=100_000, writers=10_000), RepairWorld(courses=50, newcomers=10_000))
# Of a course with a long line so many have seats, and leave one after the other.
_LEAVING = 200
_LOOKS = 3
_QUEUE = "queue"
# Of the words that titles begin with, of which there are seven; and one that none has.
_WORDS = {"nobody": "absent", "a seventh": "weaving"}

_LONG_LINE = """
    INSERT INTO enrollments_enrollment
        (id, course_id, learner_id, status, source, queue_number, joined_at, enrolled_at, external_id)
    SELECT ('01900000-0000-7000-f000-' || lpad(to_hex(n), 12, '0'))::uuid, %(course)s,
        ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
        CASE WHEN n <= %(seated)s THEN 'active' ELSE 'waiting' END, 'self', CASE WHEN n > %(seated)s THEN n END, now(),
        CASE WHEN n <= %(seated)s THEN now() END, ''
    FROM generate_series(2, %(rows)s) AS n
"""
_ITS_PLACES = """
    UPDATE courses_courseplaces SET capacity = %(seated)s, seats_taken = %(seated)s, waiting = %(rows)s - %(seated)s,
        last_queue_number = %(rows)s
    WHERE course_id = %(course)s
"""
_SIZES = """
    SELECT coalesce(parent.relname, each.relname) AS name, sum(each.n_live_tup)::bigint,
        sum(pg_table_size(each.relid))::bigint, sum(pg_indexes_size(each.relid))::bigint
    FROM pg_stat_user_tables AS each
    LEFT JOIN pg_inherits ON inhrelid = each.relid LEFT JOIN pg_class AS parent ON parent.oid = inhparent
    GROUP BY 1 HAVING sum(each.n_live_tup) >= 1000 ORDER BY sum(each.n_live_tup) DESC
"""


@dataclass(kw_only=True)
class Cost:
    """What something costs at each size, in the order of the sizes."""

    name: str
    unit: str
    values: list[float | None] = field(default_factory=list)

    @property
    def slope(self) -> float | None:
        """The exponent: 0 where the cost stays, 1 where it grows as the rows do. From the first size to the last."""
        first, last = self.values[0], self.values[-1]
        if not first or not last or len(self.values) < 2:
            return None
        return log10(last / first) / (len(self.values) - 1)


@dataclass(frozen=True, kw_only=True)
class Size:
    """A table as it lies on the disk."""

    name: str
    rows: int
    table_bytes: int
    index_bytes: int


@dataclass(kw_only=True)
class Growth:
    """All that is measured: of each cost a value for each size, and the tables of the largest world."""

    rows: list[int] = field(default_factory=list)
    costs: dict[str, Cost] = field(default_factory=dict)
    sizes: dict[str, Size] = field(default_factory=dict)

    def note(self, name: str, value: float | None, unit: str = "ms") -> None:
        """One more size has been measured for this cost."""
        self.costs.setdefault(name, Cost(name=name, unit=unit)).values.append(value)


def measure(
    worlds: list[tuple[World, RepairWorld]], *, rounds: int, say: Callable[[str], None]
) -> tuple[Growth, list[str]]:
    """Measure each world in turn, the smallest first. Also what was wrong."""
    growth, faults = Growth(), []
    for world, repaired in worlds:
        say(f"{world.rows:,} rows")
        growth.rows.append(world.rows)
        with prepared(world, say) as database:
            os.environ.update(service_environment(database.url))
            faults += _measure_requests(growth, world, database, rounds)
            growth.sizes.update(_sizes(database))
        with server() as base, prepared_from(base, repairs.SEED, asdict(repaired), say) as database:
            growth.note("looking for missing events, all rows", _seconds_of_check(database, "missing-events"), "s")
            growth.sizes.update({"common_event": _sizes(database)["common_event"]})
    return growth, faults


def show(console: Console, growth: Growth) -> None:
    """The costs with their slopes, then the tables."""
    costs = Table(title="What grows with the rows: processor time, slope 0 stays, 1 grows alike", title_justify="left")
    for name in ("", *(f"{rows:,}" for rows in growth.rows), "", "slope"):
        costs.add_column(name, justify="left" if not name else "right")
    for cost in growth.costs.values():
        values = ["–" if value is None else f"{value:.2f}" for value in cost.values]
        costs.add_row(cost.name, *values, cost.unit, "–" if cost.slope is None else f"{cost.slope:.2f}")
    console.print(costs)
    sizes = Table(title="Bytes of a row, in the largest world", title_justify="left")
    for name in ("table", "rows", "table bytes", "index bytes"):
        sizes.add_column(name, justify="left" if name == "table" else "right")
    for size in growth.sizes.values():
        each = (f"{total / size.rows:,.0f}" for total in (size.table_bytes, size.index_bytes))
        sizes.add_row(size.name, f"{size.rows:,}", *each)
    console.print(sizes)


def _measure_requests(growth: Growth, world: World, database: Database, rounds: int) -> list[str]:
    faults = []
    with service.running(database.url) as running:
        meter = Meter(service_pid=running.pid, server_pid=database.server_pid())
        stage = Stage(world=world, database=database, service=running, meter=meter)
        for name, target in _targets(stage).items():
            target.run(1)
            waves = [target.run(1) for _ in range(rounds)]
            faults += [fault for wave in waves for fault in faults_of(target, wave, database)]
            growth.note(name, median([cpu_ms(wave) or wave.p50_ms for wave in waves]))
            if name.startswith("enroll"):
                growth.note(f"{name}: the database alone", median([wave.database_ms or 0.0 for wave in waves]))
        promoted = _promote(stage)
        # Its processor time would be that of the vacuum, too, which so many new rows bring about.
        growth.note("leave, and promote the head of a line of all, p50", promoted.p50_ms)
    return faults + ([f"promotion: answers {promoted.statuses}"] if set(promoted.statuses) != {"200"} else [])


def _targets(stage: Stage) -> dict[str, Target]:
    """What is asked for at each size, by what it is called in the table."""
    courses, mine = (
        next(each for each in LISTS if each.name == name) for name in ("courses by newest", "my enrollments")
    )
    of_reviews = next(each for each in REVIEW_LISTS if each.name == "reviews by newest")
    summary = f"/api/v1/courses/{ids.encode(ids.COURSE, course(1))}/reviews/summary"
    pages = {
        name: target
        for what, chosen in (("courses", courses), ("my enrollments", mine), ("reviews of a course", of_reviews))
        for name, target in zip(
            (f"{what}, first page", f"{what}, far page"), first_and_far_page(stage, chosen), strict=True
        )
    }
    searches = {
        f"courses, by a word that {who} has": reading(stage, word, f"{courses.path}?search={word}")
        for who, word in _WORDS.items()
    }
    queue = next(each for each in console_pages(stage) if each.name == _QUEUE)
    return {
        "enroll, many courses": enrolling(stage, "many"),
        "enroll, the course with all learners": enrolling(stage, "hot"),
        **pages,
        **searches,
        "summary of a course's reviews": reading(stage, "summary", summary),
        "the moderators' queue": queue,
    }


def _promote(stage: Stage) -> Wave:
    """Those who have seats in a course for which all others wait leave it, one after the other."""
    number = stage.world.rows
    seated = _LEAVING + 1  # learner 1 is in every course, and stays
    values = {"course": course(number), "rows": number, "seated": seated}
    with stage.database.connect() as connection:
        connection.execute(_LONG_LINE, values)
        connection.execute(_ITS_PLACES, values)
        connection.execute("VACUUM ANALYZE enrollments_enrollment")
    path = f"/api/v1/courses/{ids.encode(ids.COURSE, course(number))}/enrollments/me"

    def leave() -> dict[str, object]:
        took: list[float] = []
        statuses: dict[str, int] = {}
        for token in access_tokens(range(2, seated + 1)):
            began = time.monotonic()
            status = service.ask(stage.service.port, "DELETE", path, Authorization=f"Bearer {token}")
            took.append((time.monotonic() - began) * 1000)
            statuses[str(status)] = statuses.get(str(status), 0) + 1
        fields = {"p50_ms": median(took), "p99_ms": max(took), "statuses": statuses}
        return {"requests": len(took), "seconds": sum(took) / 1000, **fields}

    return stage.meter.around(leave)


def _seconds_of_check(database: Database, name: str) -> float:
    """How long one invariant takes over all rows."""
    os.environ.update(service_environment(database.url))
    django.setup()
    from common.ops.kinds import checks  # noqa: PLC0415  # needs the settings

    query = f"SELECT count(*) FROM ({checks()[name].sql.replace('{scope}', 'true')}) AS found"
    took = []
    with database.connect() as connection:
        connection.execute("SET work_mem = '64MB'")
        for _ in range(_LOOKS):
            began = time.monotonic()
            connection.execute(query).fetchone()
            took.append(time.monotonic() - began)
    return median(took)


def _sizes(database: Database) -> dict[str, Size]:
    with database.connect() as connection:
        connection.execute("ANALYZE")
        rows = connection.execute(_SIZES).fetchall()
    return {
        name: Size(name=name, rows=count, table_bytes=table, index_bytes=indexes)
        for name, count, table, indexes in rows
    }
