"""What a run is to be, and when it proves nothing."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.chaos.__main__ import BROKEN, HOLDS, VOID, exit_code
from benchmarks.chaos.invariants import Verdict
from benchmarks.chaos.plan import DECK, Plan
from benchmarks.chaos.run import Outcome

OUTCOME = Outcome(
    plan=Plan(seed=1, seconds=1),
    verdicts=[Verdict(name="a promise", counted="", findings=())],
    void=[],
    fired=Counter(),
    kills=0,
    traces={},
    operations=[],
    seconds=1,
    folder=Path(),
)
BROKEN_PROMISE = [Verdict(name="a promise", counted="", findings=("this",))]


class TestAPlan:
    @pytest.mark.parametrize("seconds", [1, 15, 60])
    def test_has_every_fault_and_twenty_kills(self, seconds: int) -> None:
        plan = Plan(seed=1, seconds=seconds)

        assert set(plan.faults) == set(DECK)
        assert plan.least_kills >= 20

    def test_is_the_same_for_the_same_seed(self) -> None:
        assert Plan(seed=1, seconds=60).faults == Plan(seed=1, seconds=60).faults
        assert Plan(seed=1, seconds=60).faults != Plan(seed=2, seconds=60).faults

    def test_has_more_faults_where_there_is_more_time(self) -> None:
        assert len(Plan(seed=1, seconds=120).faults) == 4 * len(Plan(seed=1, seconds=15).faults)

    def test_misses_what_has_not_fired(self) -> None:
        plan = Plan(seed=1, seconds=1, deck=("kill web", "kill web", "hold course"))

        assert plan.missing(Counter({"kill web": 1, "hold course": 1})) == ["kill web: 1 of 2"]
        assert plan.missing(Counter({"kill web": 2, "hold course": 3})) == []


class TestTheExitCode:
    def test_says_that_all_holds(self) -> None:
        assert exit_code(OUTCOME) == HOLDS == 0

    def test_says_that_something_is_broken(self) -> None:
        assert exit_code(replace(OUTCOME, verdicts=BROKEN_PROMISE)) == BROKEN

    def test_says_that_a_run_without_its_faults_proves_nothing(self) -> None:
        assert exit_code(replace(OUTCOME, void=["kill web: 1 of 2"])) == VOID

    def test_says_broken_rather_than_that_it_proves_nothing(self) -> None:
        assert exit_code(replace(OUTCOME, void=["kill web: 1 of 2"], verdicts=BROKEN_PROMISE)) == BROKEN
