"""How a run goes: targets take turns, round after round, and every wave is checked."""

from collections.abc import Callable, Sequence

from benchmarks import service
from benchmarks.checks import faults_of
from benchmarks.database import Database
from benchmarks.figures import Rounds
from benchmarks.people import access_tokens
from benchmarks.round_trips import relay
from benchmarks.targets import Stage, Target
from benchmarks.world import course
from common import ids

_WARMING = 20
_COUNTED = 50


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
    with relay(database.address["host"], database.address["port"]) as between:
        through = database.reached_by(host="127.0.0.1", port=between.port)
        with service.running(through.url, "--workers", "1", "--threads", "1") as alone:
            _enroll(alone, stage.take_newcomers(_WARMING))
            before = between.round_trips
            _enroll(alone, stage.take_newcomers(_COUNTED))
            return (between.round_trips - before) / _COUNTED


def _enroll(alone: service.Service, learners: list[int]) -> None:
    path = f"/api/v1/courses/{ids.encode(ids.COURSE, course(1))}/enrollments"
    for token in access_tokens(learners):
        status = service.ask(alone.port, "POST", path, token)
        if status != 201:
            raise RuntimeError(f"Enrolling was answered with {status}.")
