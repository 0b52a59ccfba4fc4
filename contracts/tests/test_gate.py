"""The gate itself: each change is planted into the contract, one at a time, and must get its verdict."""

from collections import Counter

import pytest

from contracts.gate import verdict
from contracts.gate.documents import PUBLISHED, read
from contracts.tests import planted_in_answers, planted_in_members, planted_in_operations, planted_in_requests
from contracts.tests.planting import PLANTED, TODAY, excerpt

assert all((planted_in_answers, planted_in_members, planted_in_operations, planted_in_requests))

CONTRACT = excerpt(read(PUBLISHED))
AT_ONCE = 24


def test_enough_is_planted() -> None:
    counted = Counter(planted.verdict for planted in PLANTED)
    assert counted["breaking"] >= 57
    assert counted["additive"] >= 28
    assert len({planted.name for planted in PLANTED}) == len(PLANTED)


@pytest.mark.parametrize("first", range(0, len(PLANTED), AT_ONCE))
def test_verdicts(first: int, subtests: pytest.Subtests) -> None:
    planted = PLANTED[first : first + AT_ONCE]
    given = verdict.compare_each((each.pair(CONTRACT) for each in planted), today=TODAY)
    for each, found in zip(planted, given, strict=True):
        with subtests.test(each.name):
            assert str(found) == each.verdict, found
