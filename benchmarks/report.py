"""The measurements, for people and for programs."""

import json
import os
import platform
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.figures import Figure, Rounds, cpu_ms, middle
from benchmarks.load import Wave

_COLUMNS = {
    "requests/s": (lambda wave: wave.rate, "{:,.0f}"),
    "p50 ms": (lambda wave: wave.p50_ms, "{:.2f}"),
    "p99 ms": (lambda wave: wave.p99_ms, "{:.1f}"),
    "application ms": (lambda wave: wave.application_ms, "{:.2f}"),
    "database ms": (lambda wave: wave.database_ms, "{:.2f}"),
    "together ms": (cpu_ms, "{:.2f}"),
}


def show_targets(console: Console, rounds: Rounds, title: str) -> None:
    """One line for each target: medians over the rounds; processor times are for one request."""
    table = Table(title=title, title_justify="left")
    table.add_column("target")
    for name in _COLUMNS:
        table.add_column(name, justify="right")
    for name, waves in rounds.items():
        cells = [_cell(middle(waves, value), form) for value, form in _COLUMNS.values()]
        table.add_row(name, *cells)
    console.print(table)


def show_figures(console: Console, figures: list[Figure]) -> None:
    """One line for each figure, with its goal and whether it is reached."""
    table = Table(title="Figures", title_justify="left")
    for name in ("figure", "measured", "goal", ""):
        table.add_column(name, justify="right" if name == "measured" else "left")
    words = {True: "[green]reached[/]", False: "[red]missed[/]", None: ""}
    for figure in figures:
        measured = "–" if figure.measured is None else f"{figure.measured:.4g} {figure.unit}".strip()
        table.add_row(figure.name, measured, figure.goal, words[figure.reached])
    console.print(table)


def as_json(rounds: Rounds, figures: list[Figure], faults: list[str]) -> str:
    """Everything, each round included."""
    content: dict[str, Any] = {
        "machine": {"processors": os.cpu_count(), "python": platform.python_version()},
        "targets": {name: [_plain(wave) for wave in waves] for name, waves in rounds.items()},
        "figures": [asdict(figure) for figure in figures],
        "faults": faults,
    }
    return json.dumps(content, indent=2)


def _plain(wave: Wave) -> dict[str, Any]:
    return {**{name: value for name, value in asdict(wave).items() if name != "courses"}, "rate": wave.rate}


def _cell(number: float | None, form: str) -> str:
    return "–" if number is None else form.format(number)
