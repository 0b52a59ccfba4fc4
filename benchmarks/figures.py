"""What the measurements come to: each figure beside its goal."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.imports import Imported
from benchmarks.lists import LISTS, REVIEW_LISTS, List
from benchmarks.load import Wave
from benchmarks.overload import Overloaded
from benchmarks.repairs import Repaired
from benchmarks.worker import Worked
from benchmarks.world import World

Rounds = dict[str, list[Wave]]

MOST_ROUND_TRIPS = 7
LEAST_HOT_SHARE = 0.8
LONGEST_FAR_PAGE = 1.5
# What usual services of this kind spend on the same, the more frugal one of FastAPI and DRF.
USUAL_ENROLLMENT_MS = 4.3
USUAL_LIST_MS = 2.5
SLOWEST_CONSOLE_PAGE_MS = 150
MOST_CONSOLE_QUERIES = 12
LEAST_IMPORT_RATE = 1_000
LEAST_JOB_RATE = 300
LEAST_KEPT_UNDER_OVERLOAD = 0.8
LONGEST_BESIDE_IMPORT_MS = 500
LONGEST_CHECK_SECONDS = 10
MOST_CHECK_MB = 300
LEAST_REPAIR_RATE = 2_000
LONGEST_BESIDE_REPAIR = 2


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number that matters. `reached` is None where there is no goal, or nothing could be measured."""

    name: str
    measured: float | None
    unit: str
    goal: str = ""
    reached: bool | None = None


def cpu_ms(wave: Wave) -> float | None:
    """Processor time of one request, application and database together."""
    if wave.application_ms is None or wave.database_ms is None:
        return None
    return wave.application_ms + wave.database_ms


def middle(waves: list[Wave], value: Callable[[Wave], float | None]) -> float | None:
    """The median over the rounds; None if it could not be measured."""
    values = [number for wave in waves if (number := value(wave)) is not None]
    return median(values) if values else None


def figures(rounds: Rounds, round_trips: float, world: World) -> list[Figure]:
    """Every figure of enrolling. Ratios are medians of those within a round: the machine was the same for both."""
    many, hot, bare = rounds["enroll, many"], rounds["enroll, hot"], rounds["pgbench, many"]
    answered = [wave for waves in rounds.values() for wave in waves]
    first_list = rounds["courses by newest, first page"]
    return [
        at_most("round trips of one enrollment", round_trips, MOST_ROUND_TRIPS, ""),
        at_least("one hot course, of the throughput on many", _ratio(hot, many, _rate), LEAST_HOT_SHARE),
        at_most("answers of 5xx, and none at all", sum(wave.server_errors for wave in answered), 0, ""),
        *_far_pages(rounds, LISTS, world),
        below("processor time of one enrollment", middle(many, cpu_ms), USUAL_ENROLLMENT_MS),
        below("processor time of a list of 20 courses", middle(first_list, cpu_ms), USUAL_LIST_MS),
        Figure(name="of the limit, the bare SQL: many courses", measured=_ratio(many, bare, _rate), unit="×"),
        Figure(
            name="of the limit, the bare SQL: one hot course",
            measured=_ratio(hot, rounds["pgbench, hot"], _rate),
            unit="×",
        ),
    ]


def figures_of_reviews(rounds: Rounds, queries: dict[str, float], world: World) -> list[Figure]:
    """Every figure of reviews and of the moderators' pages."""
    answered = [wave for waves in rounds.values() for wave in waves]
    return [
        at_most("answers of 5xx, and none at all", sum(wave.server_errors for wave in answered), 0, ""),
        *_far_pages(rounds, REVIEW_LISTS, world),
        *(_console_page(f"{name}, alone", _p50(rounds[name]), SLOWEST_CONSOLE_PAGE_MS, "ms") for name in queries),
        *(_console_page(f"{name}, queries", count, MOST_CONSOLE_QUERIES, "") for name, count in queries.items()),
    ]


def _console_page(name: str, measured: float, limit: float, unit: str) -> Figure:
    """The overview has no goal: it asks for the fullest courses too, of which there are as many as reviews here."""
    if name.startswith("overview"):
        return Figure(name=name, measured=measured, unit=unit)
    return at_most(name, measured, limit, unit)


def _p50(waves: list[Wave]) -> float:
    return median(wave.p50_ms for wave in waves)


def figures_of_import(imported: Imported) -> list[Figure]:
    """Every figure of a partner's import, and of those who enrolled beside it."""
    beside = imported.beside
    return [
        at_least("rows of an import, beside 4 clients who enroll", imported.rate, LEAST_IMPORT_RATE, "rows/s"),
        at_most("who enrolls beside it, p99", beside.p99_ms, LONGEST_BESIDE_IMPORT_MS, "ms"),
        at_most("answers of 5xx, and none at all", beside.server_errors, 0, ""),
        Figure(name="taking the file in", measured=imported.rows / imported.taking_seconds, unit="rows/s"),
        Figure(name="who enrolls beside it", measured=beside.rate, unit="requests/s"),
        Figure(
            name="processor time of the worker",
            measured=imported.worker_cpu_seconds / imported.rows * 1000,
            unit="ms/row",
        ),
        Figure(name="the limit, COPY of the same rows and constraints", measured=imported.limit, unit="rows/s"),
        Figure(name="of the limit", measured=imported.rate / imported.limit, unit="×"),
    ]


def figures_of_overload(overloaded: Overloaded) -> list[Figure]:
    """Answers of 2xx within a second, at and above the rate that the service can sustain."""
    rising = [("", overloaded.refusing), (", refusing nobody", overloaded.never_refusing)]
    return [
        Figure(name="enrollments that can be sustained", measured=overloaded.sustainable, unit="requests/s"),
        *(
            Figure(name=f"in time at {times} × as many{how}", measured=outcome.goodput, unit="requests/s")
            for how, outcomes in rising
            for times, outcome in outcomes.items()
        ),
        at_least("in time at 4 × as many, of the most", overloaded.kept, LEAST_KEPT_UNDER_OVERLOAD),
    ]


def figures_of_jobs(small: Worked, larger: Worked) -> list[Figure]:
    """What one worker does in a second, and what it costs."""
    return [
        at_least("small jobs of one worker", small.rate, LEAST_JOB_RATE, "jobs/s"),
        Figure(name="processor time of one, in the worker", measured=small.cpu_ms, unit="ms"),
        Figure(name="jobs that take a course's lock", measured=larger.rate, unit="jobs/s"),
        Figure(name="processor time of one of these, in the worker", measured=larger.cpu_ms, unit="ms"),
    ]


def figures_of_repairs(repaired: Repaired) -> list[Figure]:
    """Every figure of the operators' repairs."""
    peak = max(each.peak_mb for each in (repaired.check, repaired.counters, repaired.waiting, repaired.events))
    done = {name: getattr(repaired, name).report["counts"]["done"] for name in ("counters", "waiting", "events")}
    return [
        below(
            f"checking all invariants of {repaired.rows:,} enrollments",
            repaired.check.seconds,
            LONGEST_CHECK_SECONDS,
            "s",
        ),
        Figure(name="the bare SELECTs of the same", measured=repaired.bare_seconds, unit="s"),
        below("memory of a check or repair at its peak", peak, MOST_CHECK_MB, "MB"),
        at_least(
            f"repairing {done['waiting']:,} rows in line", repaired.rate(repaired.waiting), LEAST_REPAIR_RATE, "rows/s"
        ),
        Figure(
            name=f"repairing {done['events']:,} rows without events, beside clients",
            measured=repaired.rate(repaired.events),
            unit="rows/s",
        ),
        Figure(
            name=f"repairing the counters of {done['counters']:,} courses", measured=repaired.counters.seconds, unit="s"
        ),
        at_most(
            "p99 of enrolling beside a repair, times that without",
            repaired.beside.p99_ms / repaired.alone.p99_ms,
            LONGEST_BESIDE_REPAIR,
            "×",
        ),
        Figure(name="p99 of enrolling without a repair", measured=repaired.alone.p99_ms, unit="ms"),
    ]


def _rate(wave: Wave) -> float:
    return wave.rate


def _ratio(some: list[Wave], others: list[Wave], value: Callable[[Wave], float]) -> float:
    return median(value(one) / value(other) for one, other in zip(some, others, strict=True))


def _far_pages(rounds: Rounds, lists: Sequence[List], world: World) -> Iterator[Figure]:
    for each in lists:
        far, _ = each.far_page(world)
        times = _ratio(rounds[far], rounds[f"{each.name}, first page"], lambda wave: wave.p50_ms)
        yield at_most(f"{far}, times the first", times, LONGEST_FAR_PAGE, "×")


def at_most(name: str, measured: float, limit: float, unit: str) -> Figure:
    """A figure that is reached up to `limit`."""
    return Figure(name=name, measured=measured, unit=unit, goal=f"at most {limit:g}", reached=measured <= limit)


def at_least(name: str, measured: float, limit: float, unit: str = "×") -> Figure:
    """A figure that is reached from `limit` on."""
    return Figure(name=name, measured=measured, unit=unit, goal=f"at least {limit:g}", reached=measured >= limit)


def below(name: str, measured: float | None, limit: float, unit: str = "ms") -> Figure:
    """A figure that is reached below `limit`."""
    reached = None if measured is None else measured < limit
    return Figure(name=name, measured=measured, unit=unit, goal=f"below {limit:g}", reached=reached)
