"""`make release` goes through every gate, and says no if one of them does."""

from pathlib import Path

import pytest

from contracts.gate.release import Gate, main

GOOD = Gate("A good one", ("json.tool", "--help"))
ALSO_GOOD = Gate("Another", ("json.tool", "--help"))
BAD = Gate("A bad one", ("json.tool", "/nowhere"))


def test_says_go_when_every_gate_was_passed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main((GOOD, ALSO_GOOD), tmp_path / "logs") == 0
    said = capsys.readouterr().out
    assert said.count("passed") == 4
    assert "go" in said.splitlines()[-2]


def test_says_no_and_why_when_one_was_not_and_goes_through_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main((GOOD, BAD, ALSO_GOOD), tmp_path / "logs") == 1
    said = capsys.readouterr().out
    assert (said.count("passed"), said.count("failed")) == (4, 2)
    assert "/nowhere" in said
    assert "no" in said.splitlines()[-2]


def test_has_two_gates_at_work_each_with_a_database_of_its_own(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    one, other = (Gate(name, ("contracts.tests.meeting", str(place))) for name in ("One", "The other"))
    assert main((one, other), tmp_path / "logs") == 0
