"""How a run goes: targets take turns, round after round, and every wave is checked."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from benchmarks import service
from benchmarks.checks import faults_of
from benchmarks.console import PAGES
from benchmarks.database import Database
from benchmarks.figures import Rounds
from benchmarks.people import access_tokens, session_of
from benchmarks.round_trips import Relay, relay
from benchmarks.targets import Stage, Target
from benchmarks.world import MODERATOR, course
from common import ids

_WARMING = 20
_COUNTED = 50
_LOOKS = 6


def rotate(
    stages: Sequence[tuple[Stage, Target, int]], *, rounds: int, say: Callable[[str], None]
) -> tuple[Rounds, list[str]]:
    """The waves of each target, and whatever was wrong. A short wave of each comes first and does not count.

    In turns, so that whatever else the machine does falls on all of them.
    """
    waves: Rounds = {target.name: [] for _, target, _ in stages}
    faults = []
    for number in range(rounds + 1):
        say(f"Round {number} of {rounds}" if number else "Warming up")
        for stage, target, seconds in stages:
            wave = target.run(seconds if number else 1)
            faults += faults_of(target, wave, stage.database)
            if number:
                waves[target.name].append(wave)
    return waves, faults


def round_trips_of_enrolling(database: Database, stage: Stage) -> float:
    """How often the service and the database take turns for one enrollment, once statements are planned."""
    with _alone(database) as (alone, between):
        _enroll(alone, stage.take_newcomers(_WARMING))
        before = between.round_trips
        _enroll(alone, stage.take_newcomers(_COUNTED))
        return (between.round_trips - before) / _COUNTED


def queries_of_pages(database: Database) -> dict[str, float]:
    """How often the service and the database take turns for each of the moderators' pages: once for a query."""
    cookie, found = session_of(database, MODERATOR), {}
    with _alone(database) as (alone, between):
        for name, path in PAGES.items():
            _look(alone, path, cookie)
            before = between.round_trips
            _look(alone, path, cookie)
            found[name] = (between.round_trips - before) / _LOOKS
    return found


@contextmanager
def _alone(database: Database) -> Iterator[tuple[service.Service, Relay]]:
    """A service of one thread, and the relay through which it reaches the database."""
    with relay(database.address["host"], database.address["port"]) as between:
        through = database.reached_by(host="127.0.0.1", port=between.port)
        with service.running(through.url, "--workers", "1", "--threads", "1") as alone:
            yield alone, between


def _enroll(alone: service.Service, learners: list[int]) -> None:
    path = f"/api/v1/courses/{ids.encode(ids.COURSE, course(1))}/enrollments"
    for token in access_tokens(learners):
        status = service.ask(alone.port, "POST", path, Authorization=f"Bearer {token}")
        if status != 201:
            raise RuntimeError(f"Enrolling was answered with {status}.")


def _look(alone: service.Service, path: str, cookie: str) -> None:
    for _ in range(_LOOKS):
        status = service.ask(alone.port, "GET", path, Cookie=cookie)
        if status != 200:
            raise RuntimeError(f"{path} was answered with {status}.")
