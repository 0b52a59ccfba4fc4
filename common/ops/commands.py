"""The base of every command that writes for operators: a dry run unless told otherwise, plans, runs, reports.

Exit codes: 0 nothing is left to do, 1 something could not be done, 2 refused or wrongly used, 3 a dry run has found
something to do, 130 interrupted.
"""

import getpass
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby, islice
from pathlib import Path
from typing import IO, Any, ClassVar, cast
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error
from rich.console import Console

from common import clock, ids
from common.errors import DomainError, InvalidInput
from common.ops import endings, finding, holding, kinds, plans, progress, reports, runs, stopping
from common.ops.arguments import at_least_one
from common.ops.endings import CLEAN, FINDINGS, INTERRUPTED, REFUSED, SOME_FAILED
from common.ops.running import Pace, Worker
from common.ops.types import NOT_DONE, Item, Outcome, Run, RunStatus, Scope

_DIRECTLY = ""
_LONGEST_NAME = 80
_FORESEEN_AT_ONCE = 500


class OpsCommand(BaseCommand):
    """Subclasses say what is asked for (`arguments_from`) and what there is to do about it (`look`)."""

    # The names of what a subclass asks for. A plan and a run bring their own.
    own_options: ClassVar[tuple[str, ...]] = ()

    # -- what subclasses say --------------------------------------------------------------------

    def add_own_arguments(self, parser: CommandParser) -> None:
        """What this command asks for, beside what all do."""

    def arguments_from(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """What is asked for, as JSON values that a run and a plan keep.

        Raises:
            CommandError, DomainError: it is not to be had.
        """
        raise NotImplementedError

    def look(self, arguments: Mapping[str, Any], options: Mapping[str, Any]) -> Iterator[Item]:
        """What there is to do, in the order in which it would be done. The database refuses every write meanwhile."""
        raise NotImplementedError

    def foresee(self, items: Sequence[Item], arguments: Mapping[str, Any]) -> list[Item]:
        """The items, all of one kind, with what can be said of them before anything is done."""
        return kinds.kinds()[items[0].kind].foresee(items, arguments, clock.now())

    def begin(self, arguments: Mapping[str, Any], options: Mapping[str, Any], **run: Any) -> UUID:
        """A run that does all this has begun."""
        with self._spooled(self.look(arguments, options), arguments, options) as (path, _, _):
            return runs.begin(arguments=arguments, items=plans.items_of(path), **run)

    def run_fields(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """What a run with these arguments has besides."""
        return {}

    def locked_as(self, arguments: Mapping[str, Any]) -> str:
        """The name under which only one operator may write."""
        return self.name

    # -- how it goes ----------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """What the command is called."""
        return self.__module__.rpartition(".")[2]

    def create_parser(self, prog_name: str, subcommand: str, **options: Any) -> CommandParser:
        """Only whole options: an abbreviation may come to mean another one."""
        return super().create_parser(prog_name, subcommand, allow_abbrev=False, **options)

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_own_arguments(parser)
        parser.add_argument(
            "--apply", nargs="?", const=_DIRECTLY, metavar="PLAN", help="write; with PLAN, exactly what that plan says"
        )
        parser.add_argument("--plan-out", type=Path, metavar="PLAN", help="keep what would be done in this file")
        parser.add_argument("--resume", metavar="RUN", help="go on with a run (run_…) that was interrupted or killed")
        parser.add_argument("--yes", action="store_true", help="do not ask before writing")
        parser.add_argument("--format", choices=reports.FORMATS, default="table", help="of standard output (table)")
        parser.add_argument("--limit", type=at_least_one, metavar="N", help="no more than the first N")
        parser.add_argument(
            "--batch-size", type=at_least_one, default=200, metavar="N", help="how many share a transaction (200)"
        )
        parser.add_argument(
            "--max-errors", type=at_least_one, metavar="N", help="stop once N could not be done (never)"
        )
        parser.add_argument("--operator", default=whoever_this_is(), help="in whose name (the user of the system)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and leave with the code that says how it went."""
        self.people = Console(
            file=cast("IO[str]", self.stderr._out),
            highlight=False,
            soft_wrap=True,
            no_color=options["no_color"] or None,
            force_terminal=options["force_color"] or None,
        )
        try:
            code = self._handle(options)
        except (DomainError, InvalidInput, plans.NotAPlan, OSError) as refusal:
            raise CommandError(str(refusal), returncode=REFUSED) from refusal
        except Error as fault:
            raise CommandError(f"The database did not do its part: {fault}", returncode=SOME_FAILED) from fault
        if code:
            sys.exit(code)

    def _handle(self, options: Mapping[str, Any]) -> int:
        _check_combination(options, self.own_options)
        if options["resume"] is not None:
            return self._resume(_run_id(options["resume"]), options)
        if options["apply"] is None:
            return self._dry_run(self.arguments_from(options), options)
        if options["apply"] == _DIRECTLY:
            arguments = self.arguments_from(options)
            self._confirm(options)
            return self._work(arguments, options, begin=lambda **run: self.begin(arguments, options, **run))
        return self._carry_out(Path(options["apply"]), options)

    def _dry_run(self, arguments: Mapping[str, Any], options: Mapping[str, Any]) -> int:
        try:
            items = self._foreseen(self.look(arguments, options), arguments)
            with stopping.interruptible(), self._spooled(items, arguments, options) as (path, seal, found):
                counts = sum(found.values(), Counter[str]())
                code = _code_of_dry_run(counts)
                follow = {} if code == CLEAN else {"apply": self._how_to_apply(options)}
                self._report(
                    options,
                    reports.Report(
                        command=self.name,
                        mode="dry_run",
                        run=None,
                        arguments=arguments,
                        status="found",
                        counts=counts,
                        checks=_by_kind(found, arguments),
                        exit_code=code,
                        next=follow,
                    ),
                    plans.items_of(path),
                )
                self._summarize(found, arguments, "Dry run, nothing was changed.", follow)
                if options["plan_out"]:
                    self._say(f"The plan is in {path}, its digest is {seal.digest}.")
                return code
        except KeyboardInterrupt:
            self._say("Interrupted. It was a dry run: nothing was changed.")
            return INTERRUPTED

    def _foreseen(self, items: Iterator[Item], arguments: Mapping[str, Any]) -> Iterator[Item]:
        while some := list(islice(items, _FORESEEN_AT_ONCE)):
            for _, of_kind in groupby(some, key=lambda item: item.kind):
                yield from self.foresee(list(of_kind), arguments)

    @contextmanager
    def _spooled(
        self, items: Iterator[Item], arguments: Mapping[str, Any], options: Mapping[str, Any]
    ) -> Iterator[tuple[Path, plans.Seal, dict[str, Counter[str]]]]:
        """What there is to do, in a file: so that no transaction waits for whoever reads the report."""
        found: dict[str, Counter[str]] = {}

        def counted() -> Iterator[Item]:
            for item in items:
                found.setdefault(item.kind, Counter())[item.outcome.value] += 1
                yield item

        header = plans.Header(
            command=self.name,
            arguments=arguments,
            made_at=clock.now().isoformat(),
            operator=options["operator"],
        )
        with self._plan_file(options["plan_out"]) as path:
            with finding.reading(), path.open("w", encoding="utf-8") as file:
                seal = plans.write(file, header, counted())
            yield path, seal, found

    @contextmanager
    def _plan_file(self, wanted: Path | None) -> Iterator[Path]:
        if wanted is not None:
            yield wanted
            return
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder) / "plan"

    def _carry_out(self, path: Path, options: Mapping[str, Any]) -> int:
        header, seal = plans.check(path)
        if header.command != self.name:
            raise CommandError(f"This is a plan of {header.command}, not of {self.name}.", returncode=REFUSED)
        self._say(f"Plan of {header.made_at} by {header.operator}: {seal.items:,} items, digest {seal.digest}.")
        self._confirm(options)

        def begin(**run: Any) -> UUID:
            return runs.begin(arguments=header.arguments, plan_digest=seal.digest, items=plans.items_of(path), **run)

        return self._work(header.arguments, options, begin=begin)

    def _resume(self, run_id: UUID, options: Mapping[str, Any]) -> int:
        run = runs.get(run_id=run_id)
        if run.command != self.name:
            raise CommandError(f"This is a run of {run.command}, not of {self.name}.", returncode=REFUSED)
        self._confirm(options)
        return self._work(run.arguments, options, begin=lambda **_: run_id)

    # -- writing --------------------------------------------------------------------------------

    def _work(self, arguments: Mapping[str, Any], options: Mapping[str, Any], *, begin: Any) -> int:
        try:
            with holding.alone(self.locked_as(arguments)):
                return self._work_alone(arguments, options, begin)
        except holding.HeldByAnother:
            running = runs.find_running(command=self.name)
            who = f" (perhaps {running.operator}, {runs.public_id(running.id)})" if running else ""
            raise CommandError(f"Somebody runs {self.name} at the moment{who}.", returncode=REFUSED) from None

    def _work_alone(self, arguments: Mapping[str, Any], options: Mapping[str, Any], begin: Any) -> int:
        holder = ids.new_uuid()
        with stopping.listening(self._say) as stop:
            fields = self.run_fields(arguments)
            run_id = begin(command=self.name, operator=options["operator"], holder=holder, **fields)
            self._say(f"This is {runs.public_id(run_id)}.")
            run = runs.take_over(run_id=run_id, holder=holder)
            try:
                status = self._run(run, holder, stop, options)
            except KeyboardInterrupt:
                runs.end(run_id=run_id, holder=holder, status=RunStatus.INTERRUPTED)
                status = RunStatus.INTERRUPTED
            except (Error, runs.TakenOver) as fault:
                self._say(f"Stopped: {fault}")
                self._say(f"To go on: {self._how_to_resume(run_id)}")
                return SOME_FAILED
        return self._report_run(run_id, status, options)

    def _run(self, run: Run, holder: UUID, stop: stopping.Stop, options: Mapping[str, Any]) -> RunStatus:
        pace = Pace(batch_size=options["batch_size"], max_errors=options["max_errors"])
        with progress.shown(self.people) as meter:
            meter.tell("starting", 0, runs.count_planned(run_id=run.id))
            return Worker(run, scope_from(run.arguments), holder, pace, stop, meter.tell).work()

    def _report_run(self, run_id: UUID, status: RunStatus, options: Mapping[str, Any]) -> int:
        run, found = runs.get(run_id=run_id), runs.counts_by_kind(run_id=run_id)
        counts = sum(found.values(), Counter[str]())
        code = _code_of_run(status, counts)
        follow = {} if status is RunStatus.COMPLETED else {"resume": self._how_to_resume(run_id)}
        if counts[Outcome.DONE]:
            follow["undo"] = f"manage.py undo_run {runs.public_id(run_id)} --apply"
        report = reports.Report(
            command=self.name,
            mode="apply",
            run=runs.public_id(run_id),
            arguments=run.arguments,
            status=status.value,
            counts=counts,
            checks=_by_kind(found, run.arguments),
            exit_code=code,
            next=follow,
        )
        self._report(options, report, runs.items_of(run_id=run_id))
        self._summarize(found, run.arguments, f"{runs.public_id(run_id)} is {status}.", follow)
        return code

    # -- talking --------------------------------------------------------------------------------

    def _report(self, options: Mapping[str, Any], report: reports.Report, items: Iterator[Item]) -> None:
        with endings.while_it_is_read(self.stdout):
            reports.write(options["format"], cast("IO[str]", self.stdout._out), report, items)

    def _summarize(
        self, found: Mapping[str, Counter[str]], arguments: Mapping[str, Any], how: str, follow: Mapping[str, str]
    ) -> None:
        for entry in _by_kind(found, arguments):
            said = ", ".join(f"{count:,} {outcome}" for outcome, count in entry["counts"].items()) or "nothing"
            self._say(f"{entry['name']}: {said}")
        if arguments["limit"] is not None and sum(map(Counter.total, found.values())) >= arguments["limit"]:
            self._say(f"Looked no further than --limit {arguments['limit']}.")
        self._say(how)
        for what, command in follow.items():
            self._say(f"To {what}: {command}")

    def _say(self, text: str) -> None:
        self.people.print(text, markup=False)

    def _confirm(self, options: Mapping[str, Any]) -> None:
        if options["yes"]:
            return
        if not (sys.stdin.isatty() and self.people.is_terminal):
            raise CommandError("This writes, and there is no terminal to ask at: say --yes.", returncode=REFUSED)
        self.people.print("This writes to the database. Type yes to go on: ", end="", markup=False)
        if sys.stdin.readline().strip().lower() != "yes":
            raise CommandError("Nothing was done.", returncode=REFUSED)

    def _how_to_apply(self, options: Mapping[str, Any]) -> str:
        if options["plan_out"]:
            return f"manage.py {self.name} --apply {options['plan_out']}"
        return "the same command with --apply"

    def _how_to_resume(self, run_id: UUID) -> str:
        return f"manage.py {self.name} --resume {runs.public_id(run_id)}"


def scope_from(arguments: Mapping[str, Any]) -> Scope:
    """Where a run with these arguments looks."""
    scope = arguments.get("scope", {})
    courses = tuple(ids.decode(ids.COURSE, each) for each in scope.get("course", ()))
    return Scope(
        course_ids=tuple(each for each in courses if each is not None),
        partner_id=ids.decode(ids.PARTNER, scope.get("partner", "")),
    )


def _by_kind(found: Mapping[str, Counter[str]], arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What each kind of item came to. A check that found nothing is told as well: somebody looked."""
    names = list(dict.fromkeys([*arguments.get("checks", ()), *found]))
    return [
        {"name": name, "sentence": kinds.kinds()[name].sentence, "counts": dict(found.get(name, Counter()))}
        for name in names
    ]


def _code_of_dry_run(counts: Mapping[str, int]) -> int:
    if any(counts[outcome] for outcome in NOT_DONE):
        return SOME_FAILED
    return FINDINGS if counts[Outcome.PLANNED] else CLEAN


def _code_of_run(status: RunStatus, counts: Mapping[str, int]) -> int:
    if status is RunStatus.INTERRUPTED:
        return INTERRUPTED
    is_all_done = status is RunStatus.COMPLETED and not any(counts[outcome] for outcome in NOT_DONE)
    return CLEAN if is_all_done else SOME_FAILED


def _check_combination(options: Mapping[str, Any], own: Sequence[str]) -> None:
    brings_its_own = options["resume"] is not None or options["apply"]
    given = [name for name in (*own, "limit", "plan_out") if options[name]]
    if options["resume"] is not None and options["apply"] is not None:
        raise CommandError("--resume writes by itself: leave --apply out.", returncode=REFUSED)
    if brings_its_own and given:
        names = ", ".join(name.replace("_", "-") for name in given)
        raise CommandError(f"A plan or a run says itself what is to be done: leave out {names}.", returncode=REFUSED)
    if options["apply"] is not None and options["plan_out"] is not None:
        raise CommandError("--plan-out is for a dry run: leave --apply out.", returncode=REFUSED)
    name = options["operator"]
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise CommandError(f"--operator is a name of up to {_LONGEST_NAME} characters.", returncode=REFUSED)


def _run_id(text: str) -> UUID:
    run_id = ids.decode(ids.RUN, text)
    if run_id is None:
        raise runs.RunNotFound
    return run_id


def whoever_this_is() -> str:
    """The name of the user of the system."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {os.getuid()}"
