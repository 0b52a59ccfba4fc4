"""The rows of operators' files: one learner each, enrolled, withdrawn or moved, and taken back by an undo.

The states of an item are standings: a row of the learner's in the course and its status, or neither.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from common import ids
from common.errors import DomainError, NotFound, PreconditionFailed
from common.ops.kinds import Kind
from common.ops.types import Item, Outcome, Result, State, Work
from enrollments import services
from enrollments.services import Places, Status

_NONE: State = {"enrollment": None, "status": None}
Pair = tuple[UUID, UUID]  # a course and a learner

_LIVE = ("active", "completed", "waiting")
_DONE = {"active": "enrolled", "waiting": "waitlisted", "withdrawn": "withdrawn", "left": "left_waitlist"}
_CHANGED = Result(
    outcome=Outcome.CHANGED, code="changed_since", detail="The learner's standing has changed since; nothing was done."
)
_NOT_THERE = Result(
    outcome=Outcome.REFUSED,
    code="enrollment_not_found",
    detail="The learner was never in this course nor in line for it.",
)
_COMPLETED = Result(
    outcome=Outcome.REFUSED,
    code="enrollment_completed",
    detail="The enrollment is completed: it keeps its seat and cannot be withdrawn.",
)
_NEEDS_A_DECISION = Result(
    outcome=Outcome.REFUSED,
    code="needs_a_decision",
    detail="The learner only waits for a seat: say --waitlist keep or --waitlist drop.",
)


def _state_of(standing: tuple[UUID, Status] | None) -> State:
    """A row's id and status as a state."""
    if standing is None:
        return _NONE
    return {"enrollment": ids.encode(ids.ENROLLMENT, standing[0]), "status": standing[1].value}


class RowKind(Kind):
    """A row of a file, in a transaction of its own, by the rules of the use case that it calls."""

    prefix: ClassVar[str] = ids.USER
    one_by_one: ClassVar[bool] = True

    @abstractmethod
    def standings(self, pairs: Sequence[Pair], options: Mapping[str, Any]) -> dict[Pair, State]:
        """How these learners stand in these courses now."""

    @abstractmethod
    def settled(self, state: State, options: Mapping[str, Any]) -> Result | None:
        """What an item comes to whose learner stands so, if that can be said without trying."""

    @abstractmethod
    def act(self, item: Item, state: State, work: Work) -> State:
        """The learner, who stands so, does not any more. Returns how then.

        Raises:
            DomainError: a rule says no.
        """

    def act_back(self, item: Item, work: Work) -> State:
        """The learner stands as in the item's state after again, by the rules. Returns how.

        Raises:
            DomainError: a rule says no.
        """
        return _go(item.before, item.after, work)

    def do(self, items: Sequence[Item], work: Work) -> list[Result]:
        """Do it, unless nothing is left to do, or a person has seen another state than there is."""
        (item,) = items
        pair = _course_of(item), _learner_of(item)
        state = self.standings([pair], work.options)[pair]
        settled = self.settled(state, work.options)
        if settled is not None:
            return [replace(settled, before=state)]
        if work.is_strict and state != item.before:
            return [replace(_CHANGED, before=state)]
        return [_attempt(lambda: self.act(item, state, work), state, self.done)]

    def revert(self, items: Sequence[Item], work: Work) -> list[Result]:
        """Bring the learner from where the item ended back to where it began."""
        (item,) = items
        return [_attempt(lambda: self.act_back(item, work), item.before, lambda _: "restored")]

    def done(self, state: State) -> str:
        """What was done to who stands so now, in a word."""
        return _DONE[state["status"]]

    def entered_course(self, item: Item, options: Mapping[str, Any]) -> UUID | None:
        """The course that the learner would come into."""
        return None

    def foresee(self, items: Sequence[Item], options: Mapping[str, Any], now: datetime) -> list[Item]:
        """What is settled already, and how many seats are free."""
        entered = {each for item in items if (each := self.entered_course(item, options)) is not None}
        places = services.list_places(course_ids=entered)
        return [self._foreseen(item, places, options, now) for item in items]

    def foresee_revert(self, items: Sequence[Item]) -> list[Item]:
        """Who does not stand any more where the run had brought them."""
        ends = {row_id: status for item in items for row_id, status in _rows_of(item.before)}
        now = services.statuses_of(row_ids=list(ends))
        gone = {row_id for row_id, status in ends.items() if now.get(row_id) != status}
        return [
            replace(item, outcome=_CHANGED.outcome, code=_CHANGED.code, detail=_CHANGED.detail)
            if any(row_id in gone for row_id, _ in _rows_of(item.before))
            else item
            for item in items
        ]

    def _foreseen(self, item: Item, places: Mapping[UUID, Places], options: Mapping[str, Any], now: datetime) -> Item:
        if item.outcome is not Outcome.PLANNED:
            return item
        settled = self.settled(item.before, options)
        if settled is None and (course_id := self.entered_course(item, options)) is not None:
            settled = _entering(places[course_id], now)
        if settled is None:
            return item
        return replace(item, outcome=settled.outcome, code=settled.code, detail=settled.detail)


class Enrolling(RowKind):
    """Whoever is not in the course gets a seat or a place in line."""

    name = "bulk-enroll"
    sentence = "The learners of the file are in their courses, or in line for them."

    def standings(self, pairs: Sequence[Pair], options: Mapping[str, Any]) -> dict[Pair, State]:
        """The live ones."""
        return {pair: _live(state) for pair, state in _newest(pairs).items()}

    def settled(self, state: State, options: Mapping[str, Any]) -> Result | None:
        """Who is in, or waits, needs nothing."""
        if state["status"] is None:
            return None
        code = "already_waitlisted" if state["status"] == "waiting" else "already_enrolled"
        return Result(
            outcome=Outcome.UNNEEDED, code=code, detail=f"The learner's standing is {state['status']} already."
        )

    def entered_course(self, item: Item, options: Mapping[str, Any]) -> UUID | None:
        """The row's."""
        return item.course_id

    def act(self, item: Item, state: State, work: Work) -> State:
        """Enroll."""
        outcome = services.enroll(
            course_id=_course_of(item),
            learner_id=_learner_of(item),
            source=services.Source.STAFF,
            actor=work.actor,
            now=work.now,
        )
        return _state_entered(outcome)


class Withdrawing(RowKind):
    """Whoever is in the course, or waits for it, is out."""

    name = "bulk-withdraw"
    sentence = "The learners of the file are neither in their courses nor in line for them."

    def standings(self, pairs: Sequence[Pair], options: Mapping[str, Any]) -> dict[Pair, State]:
        """The live ones, or else the last ones."""
        return _newest(pairs)

    def settled(self, state: State, options: Mapping[str, Any]) -> Result | None:
        """Who is out needs nothing. Who never was in is a mistake in the file."""
        return _settled_of_leaving(state)

    def act(self, item: Item, state: State, work: Work) -> State:
        """Withdraw."""
        return _leave(state, work)


class Transferring(RowKind):
    """Whoever is in the one course is in the other. States have both standings, `from` and `to`."""

    name = "transfer"
    sentence = "The learners of the file are in the course to go to instead of the one to leave."

    def standings(self, pairs: Sequence[Pair], options: Mapping[str, Any]) -> dict[Pair, State]:
        """In the course to leave the last ones, in the course to go to the live ones."""
        here = _newest(pairs)
        there = _newest([(_to(options), learner_id) for _, learner_id in pairs])
        return {pair: {"from": here[pair], "to": _live(there[_to(options), pair[1]])} for pair in pairs}

    def settled(self, state: State, options: Mapping[str, Any]) -> Result | None:
        """Who is there needs nothing, if out of here."""
        here, there = state["from"], state["to"]
        if there["status"] is None:
            gone = _settled_of_leaving(here)
            if gone is not None:
                return _NOT_THERE if gone.outcome is Outcome.UNNEEDED else gone
            waits_undecided = here["status"] == "waiting" and options["waitlist"] is None
            return _NEEDS_A_DECISION if waits_undecided else None
        code = "already_waitlisted" if there["status"] == "waiting" else "already_enrolled"
        detail = f"In the course to go to the learner's standing is {there['status']} already."
        is_out = here["status"] not in _LIVE
        return Result(outcome=Outcome.UNNEEDED if is_out else Outcome.REFUSED, code=code, detail=detail)

    def entered_course(self, item: Item, options: Mapping[str, Any]) -> UUID | None:
        """The one course to go to."""
        return _to(options)

    def done(self, state: State) -> str:
        """Moved, or only taken out of the line."""
        return "transferred" if state["to"]["status"] else "left_waitlist"

    def act(self, item: Item, state: State, work: Work) -> State:
        """Move, or leave a line that is not to be kept."""
        here = state["from"]
        if here["status"] == "waiting" and work.options["waitlist"] == "drop":
            return {"from": _leave(here, work), "to": state["to"]}
        outcome = services.transfer(
            learner_id=_learner_of(item),
            from_course_id=_course_of(item),
            to_course_id=_to(work.options),
            expected_version=_version(here),
            actor=work.actor,
            now=work.now,
        )
        return {"from": _state_of(_row(here)), "to": _state_entered(outcome)}

    def act_back(self, item: Item, work: Work) -> State:
        """Move back, all of it or nothing."""
        sides = [side for side in ("from", "to") if item.before[side] != item.after[side]]
        if len(sides) == 1:
            return {**item.before, sides[0]: _go(item.before[sides[0]], item.after[sides[0]], work)}
        (returning,) = [side for side in sides if item.after[side]["status"] in _LIVE]
        (leaving,) = [side for side in sides if side != returning]
        services.go_back(
            row_id=_row_id(item.before[returning]),
            from_status=Status(item.before[returning]["status"]),
            to_status=Status(item.after[returning]["status"]),
            leaving_id=_row_id(item.before[leaving]),
            leaving_status=Status(item.before[leaving]["status"]),
            actor=work.actor,
            now=work.now,
        )
        return {side: _state_of(_row(item.before[side])) for side in sides}


def _state_entered(outcome: services.Enrolled | services.Waitlisted) -> State:
    """What enrolling came to, as a state."""
    if isinstance(outcome, services.Enrolled):
        return _state_of((outcome.enrollment.id, Status.ACTIVE))
    return _state_of((outcome.waitlist_entry.id, Status.WAITING))


def _attempt(act: Callable[[], State], before: State, done: Callable[[State], str]) -> Result:
    try:
        after = act()
        return Result(outcome=Outcome.DONE, code=done(after), before=before, after=after)
    except (PreconditionFailed, services.EnrollmentNotFound):
        return _CHANGED
    except DomainError as refusal:
        return Result(outcome=Outcome.REFUSED, code=refusal.code, detail=str(refusal))


def _settled_of_leaving(state: State) -> Result | None:
    if state["status"] is None:
        return _NOT_THERE
    if state["status"] == "completed":
        return _COMPLETED
    if state["status"] in _LIVE:
        return None
    return Result(outcome=Outcome.UNNEEDED, code="not_enrolled", detail=f"It is {state['status']} already.")


def _entering(places: Places, now: datetime) -> Result:
    try:
        services.check_open(places, now=now)
    except (NotFound, services.CourseClosed) as refusal:
        return Result(outcome=Outcome.REFUSED, code=refusal.code, detail=str(refusal))
    seats = "no limit of seats" if places.capacity is None else f"{places.capacity - places.seats_taken} seats free"
    return Result(outcome=Outcome.PLANNED, detail=f"{seats}, {places.waiting} in line")


def _go(before: State, after: State, work: Work) -> State:
    """From a standing that has ended back into it, or out of one that has not."""
    row_id = _row_id(before)
    if before["status"] in _LIVE:
        return _leave(before, work)
    services.rejoin(
        row_id=row_id,
        from_status=Status(before["status"]),
        to_status=Status(after["status"]),
        actor=work.actor,
        now=work.now,
    )
    return _state_of(_row(before))


def _leave(state: State, work: Work) -> State:
    row = services.get_row(row_id=_row_id(state))
    services.withdraw(
        course_id=row.course_id,
        learner_id=row.learner_id,
        expected_version=_version(state),
        actor=work.actor,
        now=work.now,
    )
    return _state_of(_row(state))


def _newest(pairs: Sequence[Pair]) -> dict[Pair, State]:
    found = services.newest_rows(pairs=pairs)
    return {pair: _state_of(found.get(pair)) for pair in pairs}


def _live(state: State) -> State:
    """The state, if it is one of being in the course or waiting for it."""
    return state if state["status"] in _LIVE else _NONE


def _to(options: Mapping[str, Any]) -> UUID:
    course_id = ids.decode(ids.COURSE, options["to"])
    assert course_id is not None
    return course_id


def _row(state: State) -> tuple[UUID, Status]:
    row = services.get_row(row_id=_row_id(state))
    return row.id, row.status


def _rows_of(state: State) -> Iterator[tuple[UUID, Status]]:
    """The rows that a state tells of, one or one on each side."""
    for standing in (state, state.get("from"), state.get("to")):
        if standing and standing.get("enrollment"):
            yield _row_id(standing), Status(standing["status"])


def _row_id(state: State) -> UUID:
    row_id = ids.decode(ids.ENROLLMENT, state["enrollment"])
    assert row_id is not None
    return row_id


def _version(state: State) -> str:
    return services.version_of(standing_id=_row_id(state), status=Status(state["status"]))


def _course_of(item: Item) -> UUID:
    assert item.course_id is not None
    return item.course_id


def _learner_of(item: Item) -> UUID:
    assert item.key is not None
    return item.key
