"""The gate itself: each change is planted into the contract, one at a time, and must get its verdict."""

from collections import Counter

import pytest

from contracts.gate import verdict
from contracts.gate.documents import PUBLISHED, read
from contracts.tests import planted_in_answers, planted_in_requests
from contracts.tests.planting import PLANTED, TODAY, Planted, excerpt

assert planted_in_answers, planted_in_requests

CONTRACT = excerpt(read(PUBLISHED))


def test_enough_is_planted() -> None:
    counted = Counter(planted.verdict for planted in PLANTED)
    assert counted["breaking"] >= 57
    assert counted["additive"] >= 28
    assert len({planted.name for planted in PLANTED}) == len(PLANTED)


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.name)
def test_verdict(planted: Planted) -> None:
    old, new = planted.pair(CONTRACT)
    given = verdict.compare(old, new, today=TODAY)
    assert str(given) == planted.verdict, given
