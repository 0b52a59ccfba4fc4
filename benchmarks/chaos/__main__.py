"""`make chaos`, or `python -m benchmarks.chaos`: see docs/reliability.md."""

import argparse
import random
import sys

from rich.console import Console

from benchmarks.chaos import report
from benchmarks.chaos.plan import Plan
from benchmarks.chaos.run import Outcome, run
from common.embedded_postgres import EmbeddedPostgresError
from common.local_run import LocalRunError

HOLDS, BROKEN, CANNOT_RUN, VOID = range(4)
INTERRUPTED = 130


def main() -> int:
    """Run, report, and say by the exit code what came of it: 0 holds, 1 broken, 2 could not run, 3 proves nothing."""
    arguments = _arguments()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    plan = Plan(seed=arguments.seed, seconds=arguments.seconds, clients=arguments.clients)
    try:
        with console.status("") as line:
            outcome = run(plan, line.update)
    except KeyboardInterrupt:
        return INTERRUPTED
    except (EmbeddedPostgresError, LocalRunError, RuntimeError) as fault:
        console.print(f"[red]{fault}[/]")
        return CANNOT_RUN
    report.show(console, outcome)
    return exit_code(outcome)


def exit_code(outcome: Outcome) -> int:
    """What broke outweighs that more should have happened."""
    if outcome.broken:
        return BROKEN
    return VOID if outcome.void else HOLDS


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long there are faults (60)")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="which faults, when (random)")
    parser.add_argument("--clients", type=int, default=32, help="how many there are (32)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
