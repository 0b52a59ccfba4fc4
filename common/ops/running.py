"""Working a run off: batch after batch, each in one transaction with the note of what became of it.

So whatever ends the process, and however: an item is either done and noted, or neither, and the run goes on after it.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction

from common import clock, db
from common.errors import DomainError
from common.ops import kinds, runs
from common.ops.stopping import Stop
from common.ops.types import NOT_DONE, Item, Outcome, Result, Run, RunStatus, Scope, Work
from common.types import Actor

logger = logging.getLogger(__name__)

# How long a batch waits for one lock, and for one statement. Told to each transaction, since behind PgBouncer there is
# no session to tell it to.
_LIMITS = "SELECT set_config('lock_timeout', '2s', true), set_config('statement_timeout', '60s', true)"
_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How many items share a transaction at most, and after how many that could not be done the run stops."""

    batch_size: int
    max_errors: int | None


class Worker:
    """Works off one run as its `holder`. `tell` is told how many items have been done with, and of new ones."""

    def __init__(
        self, run: Run, scope: Scope, holder: UUID, pace: Pace, stop: Stop, tell: Callable[[str, int, int], None]
    ) -> None:
        self._run = run
        self._scope = scope
        self._holder = holder
        self._pace = pace
        self._stop = stop
        self._tell = tell
        self._counts = Counter(run.counts)
        self._actor = Actor(name=f"operator:{run.operator}", request_id=runs.public_id(run.id))

    def work(self) -> RunStatus:
        """The run has come to an end, or to a stop; the status says which, and is noted.

        Raises:
            TakenOver: another process has resumed the run.
            Error: the database is away. The run can be resumed.
        """
        status = self._work()
        runs.end(run_id=self._run.id, holder=self._holder, status=status)
        return status

    def _work(self) -> RunStatus:
        while True:
            while items := runs.next_items(run_id=self._run.id, limit=self._pace.batch_size):
                for batch in _batches(items):
                    status = self._work_off(batch)
                    if status is not None:
                        return status
            if self._stop.is_asked():
                return RunStatus.INTERRUPTED
            if not self._run.sources:
                return RunStatus.COMPLETED
            self._look()

    def _look(self) -> None:
        name = self._run.sources[0]
        self._tell(f"{name}: looking", 0, 0)
        with transaction.atomic():
            found = runs.read_source(run=self._run, scope=self._scope, holder=self._holder, now=clock.now())
        self._run = runs.get(run_id=self._run.id)
        self._tell(name, 0, found)

    def _work_off(self, batch: Sequence[Item]) -> RunStatus | None:
        """The batch is done with, unless the run has to stop before its end; then the answer says how."""
        if self._stop.is_asked():
            return RunStatus.INTERRUPTED
        try:
            self._attempt(batch)
        except Exception as fault:  # noqa: BLE001 - whatever it is, it is told with the item that it is about
            _raise_unless_of_the_items(fault)
        else:
            self._tell(batch[0].kind, len(batch), 0)
            return self._stopped()
        # Something in the batch is bad, or held up. Alone, no item can harm another.
        for item in batch:
            if self._stop.is_asked():
                return RunStatus.INTERRUPTED
            self._attempt_alone(item)
            self._tell(item.kind, 1, 0)
            if (status := self._stopped()) is not None:
                return status
        return None

    def _attempt_alone(self, item: Item) -> None:
        for tries_left in reversed(range(_TRIES)):
            try:
                self._attempt([item])
            except Exception as fault:  # noqa: BLE001
                _raise_unless_of_the_items(fault)
                if tries_left and db.is_unavailable(fault):
                    continue
                self._note_fault(item, fault)
            return

    def _note_fault(self, item: Item, fault: Exception) -> None:
        result = result_of(fault)
        if result.outcome is Outcome.FAILED:
            logger.warning("Item %s of %s failed", item.id, runs.public_id(self._run.id), exc_info=fault)
        with transaction.atomic():
            counts = self._note([item], [result])
        self._counts = counts

    def _attempt(self, items: Sequence[Item]) -> None:
        kind = kinds.kinds()[items[0].kind]
        work = Work(
            actor=self._actor,
            now=clock.now(),
            options=self._run.arguments,
            is_strict=bool(self._run.plan_digest),
        )
        with transaction.atomic():
            db.fetch_one(_LIMITS)
            results = kind.do(items, work) if self._run.undoes is None else kind.revert(items, work)
            counts = self._note(items, results)
        self._counts = counts

    def _note(self, items: Sequence[Item], results: Sequence[Result]) -> Counter[str]:
        assert len(items) == len(results)
        counts = self._counts + Counter(result.outcome.value for result in results)
        runs.note(run_id=self._run.id, holder=self._holder, items=items, results=results, counts=counts)
        return counts

    def _stopped(self) -> RunStatus | None:
        errors = sum(self._counts[outcome] for outcome in NOT_DONE)
        limit = self._pace.max_errors
        return RunStatus.STOPPED if limit is not None and errors >= limit else None


def _batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    if kinds.kinds()[items[0].kind].one_by_one:
        yield from ([item] for item in items)
    else:
        yield items


def result_of(fault: Exception) -> Result:
    """What a fault says of the item that met it, in a code and a sentence."""
    if isinstance(fault, DomainError):
        return Result(outcome=Outcome.REFUSED, code=fault.code, detail=str(fault))
    if isinstance(fault, IntegrityError):
        name = db.violated_constraint(fault) or "constraint"
        detail = f"The database does not allow it, by its constraint {name}."
        return Result(outcome=Outcome.REFUSED, code=name[:60], detail=detail)
    if db.is_unavailable(fault):
        detail = f"Others kept it busy through {_TRIES} tries. Try again."
        return Result(outcome=Outcome.FAILED, code="busy", detail=detail)
    first_line = (str(fault).splitlines() or [""])[0]
    return Result(outcome=Outcome.FAILED, code="fault", detail=f"{type(fault).__name__}: {first_line}"[:500])


def _raise_unless_of_the_items(fault: Exception) -> None:
    """A database that is away, or another holder, says nothing about the items at hand: the run stops where it is."""
    if db.is_lost(fault) or isinstance(fault, runs.TakenOver):
        raise fault
