"""The clients: each acts for people of its own, one operation after the other, and retries until it has an answer."""

import random
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from benchmarks.chaos import world
from benchmarks.chaos.http_line import Line
from benchmarks.chaos.journal import Journal, Operation
from benchmarks.chaos.system import System

# Each so many clients, one is a partner's system.
_PARTNER_EACH = 5
_CUT = 0.01
_WITHOUT_KEY = 0.2
_THINK_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 0.5
_GIVE_UP_SECONDS = 60
# Whoever is told so often that it is the service's own fault does not believe that it will pass.
_FAULTS_TAKEN = 3
# Nothing was done, and nothing is decided.
_LATER = frozenset({"idempotency_key_in_flight", "rate_limited"})
_ALREADY = frozenset({"already_enrolled", "already_waitlisted"})


@dataclass
class Standing:
    """What a client knows of one person in one course: the row, if there is one, and whether it may have a review."""

    row: str = ""
    has_seat: bool = False
    reviewed: bool = False
    lost_sight: bool = False  # an operation was never answered


class Client(threading.Thread):
    """Goes on until it is stopped, and then ends what it is at."""

    def __init__(self, number: int, system: System, journal: Journal) -> None:
        super().__init__(name=f"client-{number}", daemon=True)
        self.number = number
        self.journal = journal
        self.stopping = threading.Event()
        self.fault: BaseException | None = None
        self.last_failure = 0.0  # when a request that has failed came back
        self._system = system
        self._chance = random.Random(f"{system.plan.seed} {number}")
        self._line = Line(system.port)
        self._standings: dict[tuple[int, int], Standing] = defaultdict(Standing)
        self._known: list[tuple[int, int]] = []  # of people who are in or wait
        self._answered: list[Operation] = []
        self._count = 0
        self._is_partner = number % _PARTNER_EACH == 0

    def run(self) -> None:
        """Do one thing after the other."""
        try:
            while not self.stopping.is_set():
                self.step()
                time.sleep(self._chance.random() * _THINK_SECONDS)
        except BaseException as fault:  # noqa: BLE001 -- looked at by who waits for the thread
            self.fault = fault
        self.hang_up()

    def hang_up(self) -> None:
        """Its connection is closed."""
        self._line.close()

    def step(self) -> None:
        """One operation."""
        wish = self._chance.random()
        if self._known and wish < 0.4:
            self._leave()
        elif self._known and wish < 0.5 and not self._is_partner:
            self._review_or_look()
        elif self._answered and wish < 0.6:
            self._replay()
        elif self._known and wish < 0.65:
            self._enroll_again()
        else:
            self._enroll()

    # -- what it does -------------------------------------------------------------------------------

    def _enroll(self) -> None:
        who = self._chance.choice(world.people_of(self.number))
        where = world.some_course(self._chance)
        standing = self._standings[who, where]
        if standing.row or standing.lost_sight:
            return
        keyed = self._is_partner or self._chance.random() >= _WITHOUT_KEY
        operation = self._perform(self._enrolling("enroll", who, where, keyed=keyed))
        if operation.status is None:
            standing.lost_sight = True
            return
        row = row_of(operation)
        if row:
            standing.row, standing.has_seat = row, operation.status == 201
            self._known.append((who, where))
            if keyed and operation.status < 300:
                self._answered.append(operation)

    def _enroll_again(self) -> None:
        """With another key, or none: refused, as the person is in or waits."""
        who, where = self._chance.choice(self._known)
        self._perform(self._enrolling("enroll again", who, where, keyed=True))

    def _leave(self) -> None:
        who, where = self._known.pop(self._chance.randrange(len(self._known)))
        standing = self._standings[who, where]
        path = f"/api/v1/courses/{world.course_name(where)}/enrollments/me"
        if self._is_partner:
            path = f"/api/v1/partner/enrollments/{standing.row.replace('wle_', 'enr_')}"
        operation = self._perform(self._new("leave", who, where, "DELETE", path, row=standing.row))
        standing.row, standing.has_seat = "", False
        standing.lost_sight = operation.status is None

    def _review_or_look(self) -> None:
        who, where = self._chance.choice(self._known)
        standing = self._standings[who, where]
        course = world.course_name(where)
        if not standing.has_seat or standing.reviewed:
            path = f"/api/v1/courses/{course}/enrollments/me"
            self._perform(self._new("look", who, where, "GET", path, row=standing.row))
            return
        standing.reviewed = True
        body = {"rating": self._chance.randint(1, 5), "comment": f"Text {self.number}.{self._count}"}
        path = f"/api/v1/courses/{course}/reviews"
        operation = self._perform(self._new("review", who, where, "POST", path, body=body, keyed=True))
        if operation.status == 201:
            self._answered.append(operation)

    def _replay(self) -> None:
        self.replay(self._chance.choice(self._answered))

    def replay(self, first: Operation) -> Operation:
        """Send an operation that was answered once more, with its key."""
        again = self._new("replay", first.person, first.course, first.method, first.path, body=first.body)
        again.key, again.row = first.key, first.id
        return self._perform(again)

    # -- how ----------------------------------------------------------------------------------------

    def _enrolling(self, kind: str, who: int, where: int, *, keyed: bool) -> Operation:
        course = world.course_name(where)
        if not self._is_partner:
            path = f"/api/v1/courses/{course}/enrollments"
            return self._new(kind, who, where, "POST", path, keyed=keyed)
        learner = {"external_id": f"emp-{who}", "email": f"learner{who}@example.org", "name": f"Learner {who}"}
        body = {"course_id": course, "learner": learner}
        return self._new(kind, who, where, "POST", "/api/v1/partner/enrollments", body=body, keyed=keyed)

    def _new(
        self,
        kind: str,
        who: int,
        where: int,
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None = None,
        keyed: bool = False,
        row: str = "",
    ) -> Operation:
        self._count += 1
        name = f"c{self.number}.{self._count}"
        return Operation(
            id=name,
            client=self.number,
            kind=kind,
            person=who,
            course=where,
            method=method,
            path=path,
            key=f"key-{name}" if keyed else None,
            body=body,
            row=row,
        )

    def _perform(self, operation: Operation) -> Operation:
        pause = 0.05
        deadline = time.monotonic() + _GIVE_UP_SECONDS
        while time.monotonic() < deadline:
            cut = self._chance.random() < _CUT and not operation.attempts
            attempt, answer, _ = self._line.send(
                operation.method, operation.path, self._headers(operation), operation.body, cut=cut
            )
            operation.attempts.append(attempt)
            if attempt.is_unknown and not cut:
                self.last_failure = attempt.ended
            if not attempt.is_unknown and attempt.code not in _LATER:
                operation.status, operation.answer = attempt.status, answer
                break
            if attempt.code == "internal_error" and len(operation.attempts) >= _FAULTS_TAKEN:
                break
            time.sleep(pause * self._chance.uniform(0.5, 1.5))
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
        self.journal.note(operation)
        return operation

    def _headers(self, operation: Operation) -> dict[str, str]:
        secret_key = self._system.secret_key
        caller = f"Api-Key {world.PARTNER_KEY}" if self._is_partner else world.bearer(operation.person, secret_key)
        key = {} if operation.key is None else {"Idempotency-Key": operation.key}
        return {"Authorization": caller, "X-Request-ID": f"{operation.id}.{len(operation.attempts)}", **key}


class Staff(Client):
    """One more client: gives the courses that everybody wants a few seats more, so that jobs promote who waits."""

    _PAUSE_SECONDS = 0.7

    def __init__(self, number: int, system: System, journal: Journal) -> None:
        super().__init__(number, system, journal)
        self._is_partner = False
        self._seats = dict.fromkeys(range(1, world.HOT + 1), world.HOT_SEATS)

    def step(self) -> None:
        """One course has more seats."""
        where = self._chance.choice(list(self._seats))
        self._seats[where] += self._chance.randint(1, 3)
        path = f"/api/v1/courses/{world.course_name(where)}"
        body = {"capacity": self._seats[where]}
        self._perform(self._new("capacity", world.STAFF, where, "PATCH", path, body=body))
        self.stopping.wait(self._PAUSE_SECONDS)


def row_of(operation: Operation) -> str:
    """The public id of the row that an answer to enrolling speaks of, empty for none."""
    answer = operation.answer
    if "reference" in answer:
        return str(answer["reference"])
    if operation.status == 201:
        return str(answer["enrollment"]["id"])
    if operation.status == 202:
        return str(answer["waitlist_entry"]["id"])
    if operation.code in _ALREADY:
        return str(answer.get("enrollment_id") or answer.get("waitlist_entry_id") or "")
    return ""


def key_of(public_id: str) -> str:
    """What an enrollment and the place in line that it was have in common."""
    return public_id.partition("_")[2]
