"""`make release`: every gate in order, and at the end one table. A gate is a command that succeeds or does not.

Two gates are at work at any time, each with a database of its own. What a gate said is in var/release; of one that
failed it is shown as well.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from time import perf_counter

from rich.console import Console
from rich.table import Table

from contracts.gate import documents

_ROOT = documents.FOLDER.parent
_LAST_LINES = 60
_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Gate:
    """One thing that must hold before a release. `command` is what follows `python -m`."""

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """How a gate was passed, or was not."""

    gate: Gate
    seconds: float
    passed: bool


def _tests(*arguments: str) -> tuple[str, ...]:
    return ("pytest", "-p", "no:randomly", *arguments)


# In this order; one that needs no other comes first if it is fast.
GATES = (
    Gate(
        "The document is what the service does", _tests("common/tests/test_openapi.py", "common/tests/test_promises.py")
    ),
    Gate("It keeps what every release promised", ("contracts.gate", "check")),
    Gate(
        "The gate sees what breaks clients",
        _tests(*(f"contracts/tests/test_{name}.py" for name in ("gate", "publishing", "distrust", "release"))),
    ),
    Gate(
        "Whoever asks whatever gets an answer as declared",
        _tests("contracts/tests/test_fuzzing.py", "--hypothesis-profile", "thorough"),
    ),
    Gate("Consumers get what they use", _tests("contracts/tests/test_consumers.py")),
    Gate("Migrations fit the code before them", _tests("contracts/tests", "-k", "migrations")),
    Gate("Problems are explained", _tests("common/tests/test_site.py", "-k", "Problem")),
    Gate("Departures are announced", _tests("common/tests/test_deprecation.py")),
    Gate("Clients tell their stories", _tests("contracts/tests/test_sdk.py", "-k", "not released")),
    Gate("Clients of the oldest and the newest release too", _tests("contracts/tests/test_sdk.py", "-k", "released")),
)


def passages(gates: Sequence[Gate], logs: Path) -> Iterator[Passage]:
    """Goes through the gates, whatever becomes of any. They begin in order; who is through first comes first."""
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    databases = SimpleQueue[str]()
    for number in range(_AT_ONCE):
        databases.put(f"test_release_{number}")

    def pass_through(gate: Gate) -> Passage:
        database, started = databases.get(), perf_counter()
        with log_of(gate, logs).open("w") as log:
            status = subprocess.run(
                [sys.executable, "-m", *gate.command],
                cwd=_ROOT,
                env={**os.environ, "TEST_DATABASE": database},
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            ).returncode
        databases.put(database)
        return Passage(gate, perf_counter() - started, status == 0)

    with ThreadPoolExecutor(_AT_ONCE) as lanes:
        for done in as_completed([lanes.submit(pass_through, gate) for gate in gates]):
            yield done.result()


def log_of(gate: Gate, logs: Path) -> Path:
    """Where a gate's own words are."""
    return logs / f"{gate.name}.log"


def main(gates: tuple[Gate, ...] = GATES, logs: Path = _ROOT / "var" / "release") -> int:
    """0 if every gate was passed."""
    console, started = Console(highlight=False), perf_counter()
    known: dict[Gate, Passage] = {}
    for passage in passages(gates, logs):
        known[passage.gate] = passage
        console.print(f"{_verdict(passage)} {passage.gate.name}")
        if not passage.passed:
            said = log_of(passage.gate, logs).read_text(errors="replace").splitlines()
            console.print("\n".join(said[-_LAST_LINES:]), markup=False)
    console.print(_table([known[gate] for gate in gates], perf_counter() - started))
    return 0 if all(passage.passed for passage in known.values()) else 1


def _verdict(passage: Passage) -> str:
    return "[green]passed[/]" if passage.passed else "[red]failed[/]"


def _table(passed: list[Passage], seconds: float) -> Table:
    table = Table("Gate", "Verdict", "Time")
    table.columns[2].justify = "right"
    for passage in passed:
        table.add_row(passage.gate.name, _verdict(passage), f"{passage.seconds:.0f} s")
    table.add_section()
    everything = all(passage.passed for passage in passed)
    table.add_row("Release", "[green]go[/]" if everything else "[red]no[/]", f"{seconds:.0f} s")
    return table


if __name__ == "__main__":
    sys.exit(main())
