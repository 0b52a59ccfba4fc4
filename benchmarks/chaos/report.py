"""What a run came to, for people: one table of invariants, and what there was of faults, latency and availability."""

from collections.abc import Iterator, Mapping

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.chaos.journal import CUT
from benchmarks.chaos.plan import FAILPOINT
from benchmarks.chaos.run import Outcome

_SHOWN = 5


def show(console: Console, outcome: Outcome) -> None:
    """Everything that there is to say."""
    table = Table("invariant", "verdict", "looked at", title=f"Seed {outcome.plan.seed}", title_justify="left")
    for verdict in outcome.verdicts:
        word = f"[bold red]broken, {len(verdict.findings)}[/]" if verdict.findings else "[green]holds[/]"
        table.add_row(verdict.name, word, verdict.counted)
    console.print(table)
    for verdict in outcome.broken:
        console.print(f"[bold]{verdict.name}[/]")
        for finding in verdict.findings[:_SHOWN]:
            console.print(f"  {escape(finding)}")
    grid = Table.grid(padding=(0, 2))
    for name, text in [*_faults(outcome), *_service(outcome), *_end(outcome)]:
        grid.add_row(name, escape(text))
    console.print(grid)
    for reason in outcome.void:
        console.print(f"[bold yellow]This run proves nothing:[/] {escape(reason)}")


def _faults(outcome: Outcome) -> Iterator[tuple[str, str]]:
    failpoints = {name.removeprefix(FAILPOINT): n for name, n in outcome.fired.items() if name.startswith(FAILPOINT)}
    others = {name: count for name, count in outcome.fired.items() if not name.startswith(FAILPOINT)}
    yield "Kills", str(outcome.kills)
    yield "Faults", _counted(others)
    yield "Died at", _counted(failpoints)
    yield "In the database's log", _counted(outcome.traces)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def _service(outcome: Outcome) -> Iterator[tuple[str, str]]:
    took = sorted(each.took for each in outcome.operations if each.status is not None)
    if not took:
        return
    p50, p99 = (took[int(len(took) * share)] for share in (0.5, 0.99))
    yield (
        "From request to answer",
        f"p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, longest {took[-1]:.1f} s, of {len(took)} operations",
    )
    requests = [attempt for each in outcome.operations for attempt in each.attempts if attempt.fault != CUT]
    answered = sum(not attempt.is_unknown for attempt in requests)
    served = len({int(each.attempts[-1].ended) for each in outcome.operations if each.status is not None})
    share = f"{answered / len(requests):.1%} of {len(requests)} requests answered"
    yield "Available", f"{share}, somebody in {served} of {outcome.seconds:.0f} seconds"


def _end(outcome: Outcome) -> Iterator[tuple[str, str]]:
    plan = outcome.plan
    yield "Again", f"make chaos SEED={plan.seed} SECONDS={plan.seconds:g} CLIENTS={plan.clients}"
    if outcome.broken or outcome.void:
        yield "Kept", f"{outcome.folder}: the clients' journal, and the logs"
