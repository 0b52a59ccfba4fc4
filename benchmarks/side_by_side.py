"""The service beside peers and limits: the same loads in rotation, in one table, and what was to be reached."""

from collections.abc import Callable, Iterator
from functools import partial
from statistics import median

from benchmarks import enforcing
from benchmarks.contenders import COURSES, LIMIT, OURS, PEERS, Contender, contenders
from benchmarks.database import Database
from benchmarks.figures import Figure, Rounds, at_least, at_most, below, cpu_ms
from benchmarks.load import Wave
from benchmarks.measuring import rotate
from benchmarks.targets import CLIENTS, Stage, Target, bare_enrolling, enrolling, reading, writing
from benchmarks.world import World

MANY, HOT, COURSE_LIST = "enroll, many courses", "enroll, one hot course", "course list"
FIRST, DEEP, WRITE = "reviews, first page", "reviews, deep page", "write a review"
_LOADS = (MANY, HOT, FIRST, DEEP, COURSE_LIST, WRITE)
# The throughput of the better peer, times which ours is to reach.
_TIMES_THE_PEER = {MANY: 2, HOT: 2.5, FIRST: 1.5, DEEP: 1.5, COURSE_LIST: 1.5}
_MOST_CPU_OF_THE_PEER = 0.5
_LEAST_OF_THE_LIMIT = 0.6


def measure(
    world: World, database: Database, *, rounds: int, seconds: int, say: Callable[[str], None]
) -> tuple[Rounds, list[Figure], list[str]]:
    """The waves of every target, the figures, and whatever was wrong: answers, and counters.

    Who does not enforce the rules is not measured, and neither is anybody beside it.
    """
    with contenders(world, database) as found:
        say("Asking each of them whether it enforces the rules …")
        if faults := [fault for each in found for fault in enforcing.faults_of(each)]:
            return {}, [], faults
        turns = [turn for load in _LOADS for turn in _turns(load, found, seconds)]
        waves, faults = rotate(turns, rounds=rounds, say=say)
    return waves, list(_figures(waves)), faults


def _turns(load: str, found: list[Contender], seconds: int) -> Iterator[tuple[Stage, Target, int]]:
    for each in found:
        yield each.stage, _target(load, each).named(f"{load}: {each.name}"), seconds
    if load in {MANY, HOT}:
        stage = found[0].stage
        bare = bare_enrolling(stage, "many" if load == MANY else "hot", "prepared")
        yield stage, bare.named(f"{load}: bare SQL"), seconds


def _target(load: str, contender: Contender) -> Target:
    stage, page = contender.stage, partial(reading, contender.stage, load, clients=CLIENTS)
    targets: dict[str, Callable[[], Target]] = {
        MANY: lambda: enrolling(stage, "many"),
        HOT: lambda: enrolling(stage, "hot"),
        FIRST: lambda: page(contender.reviews()),
        DEEP: lambda: page(contender.deep_reviews()),
        COURSE_LIST: lambda: page(f"{COURSES.path}?limit=20"),
        WRITE: lambda: writing(stage, "many"),
    }
    return targets[load]()


def _figures(waves: Rounds) -> Iterator[Figure]:
    """Ratios are medians of those within a round, each with the better peer of that round."""
    for load, goal in _TIMES_THE_PEER.items():
        yield at_least(f"{load}, times the better peer", _beside(waves, load, PEERS, _rate, max), goal)
    yield Figure(name=f"{WRITE}, times the better peer", measured=_beside(waves, WRITE, PEERS, _rate, max), unit="×")
    cpu = _beside(waves, MANY, PEERS, lambda wave: cpu_ms(wave) or 0, min)
    yield at_most(f"{MANY}, processor time of the better peer's", cpu, _MOST_CPU_OF_THE_PEER, "×")
    for load in _LOADS:
        yield below(
            f"{load}, p99 of the better peer's", _beside(waves, load, PEERS, lambda wave: wave.p99_ms, min), 1, "×"
        )
    for load in _LOADS:
        yield at_least(f"{load}, of the bare WSGI", _beside(waves, load, (LIMIT,), _rate, max), _LEAST_OF_THE_LIMIT)


def _rate(wave: Wave) -> float:
    return wave.rate


def _beside(
    waves: Rounds, load: str, others: tuple[str, ...], value: Callable[[Wave], float], best: Callable[..., float]
) -> float:
    rounds = zip(waves[f"{load}: {OURS}"], *(waves[f"{load}: {other}"] for other in others), strict=True)
    return median(value(ours) / best(value(other) for other in rest) for ours, *rest in rounds)
