"""The short form of the chaos run, and the proof that the checker sees: defects that are planted in the service."""

import time

import pytest

from benchmarks.chaos.plan import Plan
from benchmarks.chaos.run import run

# For each defect the faults that bring it to light, and the promise that it breaks.
DEFECTS = {
    "read_then_write": ((), "no seat too many"),
    "event_after_commit": (("failpoint defect.between",), "each effect has each of its events once"),
    "synchronous_commit_off": (("kill database",) * 2, "every acknowledged effect is there"),
    "no_idempotency_row": ((), "one key has one answer, for ever"),
}


def _say(text: str) -> None:
    print(f"{time.monotonic():.1f} {text}")  # shown when a test fails


class TestTheService:
    def test_keeps_its_promises_through_twenty_kills(self) -> None:
        outcome = run(Plan(seed=5, seconds=15), _say)

        assert {verdict.name: verdict.findings for verdict in outcome.broken} == {}
        assert outcome.void == []
        assert outcome.kills >= 20


class TestThePlantedDefect:
    @pytest.mark.parametrize("defect", DEFECTS)
    def test_is_found(self, defect: str) -> None:
        deck, promise = DEFECTS[defect]
        # A race is found by luck, and more of it on one machine than on another: it has three runs.
        plans = (
            Plan(seed=seed, seconds=1.5, clients=16, web_processes=1, workers=1, deck=deck, defect=defect)
            for seed in (7, 8, 9)
        )
        outcomes = (run(plan, _say) for plan in plans)

        assert any(promise in {verdict.name for verdict in outcome.broken} for outcome in outcomes if not outcome.void)
