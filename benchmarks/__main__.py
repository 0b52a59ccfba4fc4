"""`python -m benchmarks`: see docs/performance.md."""

import argparse
import json
import os
import sys
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict

from rich.console import Console

from benchmarks import growth, imports, overload, repairs, report, service, side_by_side, worker
from benchmarks.console import console
from benchmarks.database import Database, prepared, prepared_from, server, service_environment
from benchmarks.figures import (
    Figure,
    Rounds,
    figures,
    figures_of_import,
    figures_of_jobs,
    figures_of_overload,
    figures_of_repairs,
    figures_of_reviews,
)
from benchmarks.lists import LISTS, REVIEW_LISTS, first_and_far_page
from benchmarks.load import Meter
from benchmarks.measuring import queries_of_pages, rotate, round_trips_of_enrolling
from benchmarks.targets import Stage, Target, bare_enrolling, enrolling, reading, writing
from benchmarks.world import World

FULL = World(rows=1_000_000, newcomers=1_000_000, writers=100_000)
QUICK = World(rows=100_000, newcomers=300_000, writers=30_000)

Turn = tuple[Stage, Target, int]
Measure = Callable[[argparse.Namespace, Console, World, Database], list[str]]


def main() -> int:
    """Measure, report, and fail if any answer or counter was wrong. A goal that is missed is no failure."""
    arguments = _arguments()
    console = Console(stderr=arguments.json, highlight=False, width=None if sys.stdout.isatty() else 120)
    world = QUICK if arguments.quick else FULL
    if arguments.repairs:
        return _measure_repairs(arguments, console)
    if arguments.growth:
        return _measure_growth(arguments, console)
    faults = []
    for measure in _chosen(arguments):
        with prepared(world, console.print) as database:
            # Signing cursors and tokens needs the service's settings, not the developer's.
            os.environ.update(service_environment(database.url))
            faults += measure(arguments, console, world, database)
    for fault in faults:
        console.print(f"[red]{fault}[/]")
    return 1 if faults else 0


def _measure_growth(arguments: argparse.Namespace, console: Console) -> int:
    """The same at three sizes; with --quick at two."""
    worlds = [growth.SMALLEST, (QUICK, repairs.QUICK), (FULL, repairs.FULL)]
    grown, faults = growth.measure(
        worlds[:2] if arguments.quick else worlds, rounds=arguments.rounds or 3, say=console.print
    )
    if arguments.json:
        print(json.dumps(asdict(grown), indent=2))
    else:
        growth.show(console, grown)
    for fault in faults:
        console.print(f"[red]{fault}[/]")
    return 1 if faults else 0


def _chosen(arguments: argparse.Namespace) -> list[Measure]:
    """Each has a database of its own."""
    if arguments.servers:
        return [_measure_servers]
    if arguments.imports:
        return [_measure_import]
    if arguments.jobs:
        return [_measure_jobs]
    if arguments.peers:
        return [_measure_peers]
    if arguments.overload:
        return [_measure_overload]
    return [_measure] if arguments.reviews or arguments.quick else [_measure_peers, _measure]


def _measure_peers(arguments: argparse.Namespace, console: Console, world: World, database: Database) -> list[str]:
    """The service beside peers and limits."""
    rounds, seconds = arguments.rounds or 3, _seconds(arguments)
    waves, reached, faults = side_by_side.measure(world, database, rounds=rounds, seconds=seconds, say=console.print)
    _report(arguments, console, waves, reached, faults)
    return faults


def _report(
    arguments: argparse.Namespace, console: Console, waves: Rounds, reached: list[Figure], faults: list[str]
) -> None:
    if arguments.json:
        print(report.as_json(waves, reached, faults))
        return
    if waves:
        report.show_targets(console, waves, "Medians over the rounds; processor time of one request")
    if reached:
        report.show_figures(console, reached)


def _measure(arguments: argparse.Namespace, console: Console, world: World, database: Database) -> list[str]:
    with service.running(database.url) as running:
        stage = _stage(world, database, running)
        round_trips = None if arguments.reviews else round_trips_of_enrolling(database, stage)
        queries = queries_of_pages(database)
        turns = ([] if arguments.reviews else _turns(stage, arguments)) + _turns_of_reviews(stage, arguments)
        waves, faults = rotate(turns, rounds=_rounds(arguments), say=console.print)
    reached = [] if round_trips is None else figures(waves, round_trips, world)
    reached += figures_of_reviews(waves, queries, world)
    if not arguments.reviews:
        # On a service of its own, whose clients are fewer; the newcomers are those whom nobody has enrolled yet.
        imported, import_faults = _import(arguments, console, world, database, newcomers=stage.newcomers)
        waves["enroll beside an import"] = [imported.beside]
        reached += figures_of_import(imported)
        faults += import_faults
        overloaded, overload_faults = _overload(arguments, console, world, database, newcomers=stage.newcomers)
        reached += overloaded
        faults += overload_faults
        repaired, repair_faults = _repairs(arguments, console, database)
        reached += repaired
        faults += repair_faults
    _report(arguments, console, waves, reached, faults)
    return faults


def _measure_import(arguments: argparse.Namespace, console: Console, world: World, database: Database) -> list[str]:
    imported, faults = _import(arguments, console, world, database)
    reached = figures_of_import(imported)
    _report(arguments, console, {"enroll beside an import": [imported.beside]}, reached, faults)
    return faults


def _measure_jobs(arguments: argparse.Namespace, console: Console, _world: World, database: Database) -> list[str]:
    """Small jobs, done by one worker."""
    small, larger, faults = worker.measure(database)
    reached = figures_of_jobs(small, larger)
    _report(arguments, console, {}, reached, faults)
    return faults


def _import(
    arguments: argparse.Namespace,
    console: Console,
    world: World,
    database: Database,
    newcomers: deque[int] | None = None,
) -> tuple[imports.Imported, list[str]]:
    """A partner's file, done while clients enroll."""
    with service.running(database.url) as running:
        console.print("Importing beside clients who enroll …")
        stage = _stage(world, database, running)
        stage.newcomers = newcomers or stage.newcomers
        return imports.measure(stage, rows=imports.QUICK_ROWS if arguments.quick else imports.ROWS)


def _measure_overload(arguments: argparse.Namespace, console: Console, world: World, database: Database) -> list[str]:
    reached, faults = _overload(arguments, console, world, database)
    _report(arguments, console, {}, reached, faults)
    return faults


def _overload(
    arguments: argparse.Namespace,
    console: Console,
    world: World,
    database: Database,
    newcomers: deque[int] | None = None,
) -> tuple[list[Figure], list[str]]:
    """Clients who come at a fixed rate, beyond what the service can do."""
    with service.running(database.url) as running:
        console.print("Overloading …")
        stage = _stage(world, database, running)
        stage.newcomers = newcomers or stage.newcomers
        overloaded, faults = overload.measure(stage, console.print, seconds=_seconds(arguments) + 2)
    return figures_of_overload(overloaded), faults


def _measure_repairs(arguments: argparse.Namespace, console: Console) -> int:
    """The operators' repairs, in a world of their own."""
    with server() as base:
        reached, faults = _repairs(arguments, console, base)
    _report(arguments, console, {}, reached, faults)
    for fault in faults:
        console.print(f"[red]{fault}[/]")
    return 1 if faults else 0


def _repairs(arguments: argparse.Namespace, console: Console, base: Database) -> tuple[list[Figure], list[str]]:
    """Checks of everything, and what drifted mended beside clients who enroll."""
    world = repairs.QUICK if arguments.quick else repairs.FULL
    with prepared_from(base, repairs.SEED, asdict(world), console.print) as database:
        os.environ.update(service_environment(database.url))
        repaired, faults = repairs.measure(database, world, console.print)
    return figures_of_repairs(repaired), faults


def _measure_servers(arguments: argparse.Namespace, console: Console, world: World, database: Database) -> list[str]:
    """The same loads on gunicorn in several configurations, such as `sync:1` or `gthread:4`."""
    turns: list[Turn] = []
    with ExitStack() as running:
        newcomers = None
        for name in arguments.servers:
            worker_class, _, threads = name.partition(":")
            options = ("--worker-class", worker_class, "--threads", threads or "1")
            stage = _stage(world, database, running.enter_context(service.running(database.url, *options)))
            newcomers = stage.newcomers = newcomers or stage.newcomers
            page = reading(stage, "courses", "/api/v1/courses?limit=20")
            targets = enrolling(stage, "many"), enrolling(stage, "hot"), page
            turns += [(stage, target.named(f"{name}, {target.name}"), _seconds(arguments)) for target in targets]
        waves, faults = rotate(turns, rounds=_rounds(arguments), say=console.print)
    _report(arguments, console, waves, [], faults)
    return faults


def _stage(world: World, database: Database, running: service.Service) -> Stage:
    meter = Meter(service_pid=running.pid, server_pid=database.server_pid())
    return Stage(world=world, database=database, service=running, meter=meter)


def _turns(stage: Stage, arguments: argparse.Namespace) -> list[Turn]:
    seconds = _seconds(arguments)
    turns = [(stage, enrolling(stage, where), seconds) for where in ("many", "hot", "filling")]
    turns += [(stage, bare_enrolling(stage, where, "prepared"), seconds) for where in ("many", "hot")]
    pages = [page for each in LISTS for page in first_and_far_page(stage, each)]
    return turns + [(stage, page, 1) for page in pages]


def _turns_of_reviews(stage: Stage, arguments: argparse.Namespace) -> list[Turn]:
    turns = [(stage, writing(stage, where), _seconds(arguments)) for where in ("many", "hot")]
    pages = [page for each in REVIEW_LISTS for page in first_and_far_page(stage, each)]
    return turns + [(stage, page, 1) for page in [*pages, *console(stage)]]


def _rounds(arguments: argparse.Namespace) -> int:
    return arguments.rounds or (1 if arguments.quick else 5)


def _seconds(arguments: argparse.Namespace) -> int:
    return 1 if arguments.quick else 3


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows, one short round: below a minute")
    parser.add_argument("--peers", action="store_true", help="the service beside peers and limits, alone")
    parser.add_argument("--reviews", action="store_true", help="reviews and the moderators' pages alone")
    parser.add_argument("--imports", action="store_true", help="a partner's import beside clients who enroll, alone")
    parser.add_argument("--repairs", action="store_true", help="the operators' checks and repairs, alone")
    parser.add_argument(
        "--growth", action="store_true", help="the same requests at three sizes, and how they grow, alone"
    )
    parser.add_argument("--overload", action="store_true", help="more requests than the service can do, alone")
    parser.add_argument("--jobs", action="store_true", help="small jobs of one worker, alone")
    parser.add_argument("--rounds", type=int, help="how often every target has its turn")
    parser.add_argument("--json", action="store_true", help="all measurements as JSON, a document for each part")
    parser.add_argument("--servers", nargs="+", metavar="CLASS:THREADS", help="compare gunicorn's workers instead")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
