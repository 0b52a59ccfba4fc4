"""What crosses between the commands, the runs and the apps' checks: plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from common.types import Actor

State = Mapping[str, Any]


class Outcome(StrEnum):
    """What became of an item."""

    PLANNED = "planned"  # nothing yet
    DONE = "done"
    UNNEEDED = "unneeded"  # it is as it should be already
    CHANGED = "changed"  # its state is no longer the one of the plan, so nothing was done
    REFUSED = "refused"  # a rule says no
    FAILED = "failed"  # a fault, which another try may get over


NOT_DONE = (Outcome.CHANGED, Outcome.REFUSED, Outcome.FAILED)


class RunStatus(StrEnum):
    """The life of a run. All but the last can be resumed."""

    RUNNING = "running"
    INTERRUPTED = "interrupted"
    STOPPED = "stopped"  # after too many errors
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where a command looks: in these courses, at what came through this partner, or everywhere."""

    course_ids: tuple[UUID, ...] = ()
    partner_id: UUID | None = None

    @property
    def name(self) -> str:
        """`course`, `partner` or `all`."""
        if self.course_ids:
            return "course"
        return "all" if self.partner_id is None else "partner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing to be done, or done: `key` is what it is about. `id` is 0 for one that belongs to no run."""

    kind: str
    key: UUID | None
    course_id: UUID | None
    before: State = field(default_factory=dict)
    after: State = field(default_factory=dict)
    line: int | None = None
    outcome: Outcome = Outcome.PLANNED
    code: str = ""
    detail: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of an item. States that are None stay as the item has them."""

    outcome: Outcome
    code: str = ""
    detail: str = ""
    before: State | None = None
    after: State | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """In whose name items are worked off, at which time, and how: `is_strict` if a person has seen their states."""

    actor: Actor
    now: datetime
    options: Mapping[str, Any]
    is_strict: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as its command sees it. `sources` are the checks that it still looks with, in turn."""

    id: UUID
    command: str
    arguments: Mapping[str, Any]
    operator: str
    status: RunStatus
    plan_digest: str
    undoes: UUID | None
    sources: Sequence[str]
    position: int
    counts: Mapping[str, int]
    started_at: datetime
    finished_at: datetime | None
