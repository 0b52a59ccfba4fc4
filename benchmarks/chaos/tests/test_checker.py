"""What the checker says of evidence that is made up: sound, and with one thing wrong in it at a time."""

import json
from collections.abc import Callable
from copy import deepcopy
from email.message import Message
from types import SimpleNamespace
from typing import Any

import pytest
from standardwebhooks import Webhook

from benchmarks.chaos import world
from benchmarks.chaos.evidence import Evidence
from benchmarks.chaos.invariants import judge
from benchmarks.chaos.journal import Attempt, Operation
from benchmarks.chaos.world import course_name
from common.tests.receiver import Received

SECRET = "whsec_" + "c2VjcmV0" * 4


def _event(number: int, type: str, row: str, *, operation: str, **data: object) -> Any:
    prefix = "wle" if type.startswith("waitlist") else "enr"
    return SimpleNamespace(
        name=f"evt_{number}",
        position=number,
        type=type,
        subject=f"{prefix}_{row}",
        course=course_name(1),
        partner=world.PARTNER,
        request_id=f"{operation}.0",
        data=data,
    )


def _row(key: str, status: str, queue_number: int | None = None, **more: object) -> Any:
    values = {"name": f"enr_{key}", "course": course_name(1), "who": f"usr_{key}", "enrolled_at": "then", **more}
    return SimpleNamespace(status=status, queue_number=queue_number, **values)


def _operation(id: str, kind: str, status: int, answer: dict[str, Any], *, at: float, row: str = "") -> Operation:
    attempts = [Attempt(sent=at, ended=at + 0.1, status=status)]
    key = f"key-{id}" if kind == "enroll" else None
    return Operation(
        id=id, client=1, kind=kind, person=1, course=1, method="POST", path="/", key=key, row=row, attempts=attempts,
        status=status, answer=answer,
    )  # fmt: skip


def _mail(event: str) -> Message:
    mail = Message()
    mail["Message-ID"] = f"<{event}@localhost>"
    return mail


def _hook(event: str) -> Received:
    from datetime import UTC, datetime  # noqa: PLC0415

    body, now = json.dumps({"id": event}), datetime.now(UTC)
    signature = Webhook(SECRET).sign(event, now, body)
    headers = {"webhook-id": event, "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
    return Received(method="POST", path="/", headers=headers, body=body.encode())


def sound() -> Evidence:
    """One course with one seat: a had it and left, so b, who was first in line, has it; c waits."""
    operations = [
        _operation("a", "enroll", 201, {"enrollment": {"id": "enr_a"}}, at=1),
        _operation("b", "enroll", 202, {"waitlist_entry": {"id": "wle_b"}}, at=2),
        _operation("c", "enroll", 202, {"waitlist_entry": {"id": "wle_c"}}, at=3),
        _operation("d", "leave", 200, {"outcome": "withdrawn"}, at=4, row="enr_a"),
    ]
    events = [
        _event(1, "enrollment.created", "a", operation="a"),
        _event(2, "waitlist.joined", "b", operation="b", position=1),
        _event(3, "waitlist.joined", "c", operation="c", position=2),
        _event(4, "enrollment.withdrawn", "a", operation="d"),
        _event(5, "waitlist.promoted", "b", operation="d"),
    ]
    mailed, told = ["evt_1", "evt_2", "evt_3", "evt_5"], [event.name for event in events]
    tables = {
        "places": [SimpleNamespace(name=course_name(1), capacity=1, seats_taken=1, waiting=1, last_queue_number=2)],
        "rows": [_row("a", "withdrawn"), _row("b", "active", 1), _row("c", "waiting", 2, enrolled_at=None)],
        "reviews": [],
        "events": events,
        "answers": [
            SimpleNamespace(key=each.key, status=each.status, body=json.dumps(each.answer)) for each in operations[:3]
        ],
        "mails": [SimpleNamespace(event=name, status="sent") for name in mailed],
        "deliveries": [SimpleNamespace(event=name, status="delivered") for name in told],
        "jobs": [SimpleNamespace(id=1, task_name="job", status="succeeded", lock="", has_living_worker=False)],
    }
    return Evidence(
        operations=operations,
        replays=[],
        before_replays={"rows": 3},
        after_replays={"rows": 3},
        tables=tables,
        mails=[_mail(name) for name in mailed],
        hooks=[_hook(name) for name in told],
        hook_secret=SECRET,
        is_settled=True,
        worker_deaths=0,
        last_fault=0.5,
        start_seconds=1.0,
        operators_findings="",
    )


def broken(evidence: Evidence) -> set[str]:
    """The names of the invariants that do not hold."""
    return {verdict.name for verdict in judge(evidence) if verdict.findings}


def _overtake(evidence: Evidence) -> None:
    """c, who asked when b had been told to wait, has the number before."""
    _, b, c = evidence.tables["rows"]
    b.queue_number, c.queue_number = 2, 1


def _promote_the_second(evidence: Evidence) -> None:
    evidence.tables["events"][4].subject = "wle_c"
    evidence.tables["rows"][1] = _row("b", "waiting", 1, enrolled_at=None)
    evidence.tables["rows"][2] = _row("c", "active", 2)


def _repeat_key(evidence: Evidence, answer: dict[str, Any]) -> None:
    again = _operation("e", "replay", 201, answer, at=5, row="a")
    again.key = "key-a"
    evidence.replays = [again]


def _leave_unanswered(evidence: Evidence) -> None:
    """b was not answered at first, and both requests were done."""
    b = evidence.operations[1]
    b.attempts.insert(0, Attempt(sent=1.9, ended=1.95))
    evidence.last_fault = 2.0
    twice = deepcopy(evidence.tables["events"][1])
    evidence.tables["events"].append(twice)


def _end_without_an_event(evidence: Evidence) -> None:
    """The learner asked twice to leave, and was told the second time that it had been done; nobody did it."""
    d = evidence.operations[3]
    d.attempts.insert(0, Attempt(sent=3.9, ended=3.95))
    d.status, d.answer = 404, {"code": "enrollment_not_found"}
    del evidence.tables["events"][3]


def _sit_twice(evidence: Evidence) -> None:
    evidence.tables["rows"][2].who = "usr_b"


CHANGES: list[tuple[Callable[[Evidence], object], str]] = [
    (lambda e: e.tables["rows"].pop(), "every acknowledged effect is there"),
    (lambda e: setattr(e.tables["rows"][0], "status", "active"), "no seat too many"),
    (_sit_twice, "nobody both in and waiting"),
    (_overtake, "the order of each line is kept"),
    (_promote_the_second, "the order of each line is kept"),
    (lambda e: setattr(e.tables["places"][0], "capacity", 2), "no free seat while somebody waits"),
    (lambda e: setattr(e.tables["places"][0], "waiting", 0), "counters equal rows"),
    (lambda e: e.tables["events"].pop(0), "each effect has each of its events once"),
    (lambda e: setattr(e.tables["events"][0], "subject", "enr_x"), "each effect has each of its events once"),
    (lambda e: e.tables["answers"].pop(), "one key has one answer, for ever"),
    (lambda e: _repeat_key(e, {"enrollment": {"id": "enr_z"}}), "one key has one answer, for ever"),
    (lambda e: e.after_replays.update(rows=4), "one key has one answer, for ever"),
    (_leave_unanswered, "unanswered requests: wholly or not at all, and once"),
    (_end_without_an_event, "unanswered requests: wholly or not at all, and once"),
    (lambda e: setattr(e.operations[0].attempts[0], "status", 500), "every answer is one of the contract"),
    (lambda e: e.operations[0].answer.update(code="already_enrolled") or setattr(e.operations[0], "status", 409),
     "every answer is one of the contract"),
    (lambda e: e.tables["mails"].append(e.tables["mails"][0]), "each mail once"),
    (lambda e: e.mails.pop(), "each mail once"),
    (lambda e: e.mails.append(_mail("evt_1")), "each mail once"),
    (lambda e: setattr(e.tables["mails"][0], "status", "pending"), "each mail once"),
    (lambda e: e.tables["deliveries"].pop(), "each webhook once"),
    (lambda e: e.hooks.pop(), "each webhook once"),
    (lambda e: setattr(e, "hook_secret", "whsec_" + "b3RoZXIh" * 4), "each webhook once"),
    (lambda e: setattr(e.tables["jobs"][0], "status", "doing"), "background work comes to rest"),
    (lambda e: setattr(e.tables["jobs"][0], "status", "failed"), "background work comes to rest"),
    (lambda e: setattr(e, "is_settled", False), "background work comes to rest"),
    (lambda e: e.operations[3].attempts.insert(0, Attempt(sent=6.0, ended=6.1)),
     "it answers within 5 s after the last fault"),
    (lambda e: setattr(e, "operators_findings", "seat-counters: 1 planned"),
     "the operators' own checks find nothing"),
]  # fmt: skip


class TestTheChecker:
    def test_has_nothing_to_say_of_what_is_sound(self) -> None:
        assert broken(sound()) == set()

    @pytest.mark.parametrize(("change", "promise"), CHANGES)
    def test_sees_what_is_wrong(self, change: Callable[[Evidence], object], promise: str) -> None:
        evidence = sound()

        change(evidence)

        assert promise in broken(evidence)

    def test_lets_a_mail_come_twice_for_each_worker_that_died(self) -> None:
        evidence = sound()
        evidence.mails = [*evidence.mails, _mail("evt_1")]
        evidence.worker_deaths = 1

        assert broken(evidence) == set()

    @pytest.mark.parametrize(("key", "allowed"), [(None, True), ("key-b", False)])
    def test_lets_a_request_without_a_key_come_after_what_its_person_did_next(
        self, key: str | None, *, allowed: bool
    ) -> None:
        evidence = sound()
        _leave_unanswered(evidence)
        b, d = evidence.operations[1], evidence.operations[3]
        b.key, b.person, d.person = key, 2, 2
        promise = "unanswered requests: wholly or not at all, and once"

        assert (promise not in broken(evidence)) is allowed

        d.course = 2
        assert promise in broken(evidence)

    def test_takes_an_unanswered_request_for_neither_done_nor_not(self) -> None:
        evidence = sound()
        evidence.operations[3].status = None
        evidence.operations[3].attempts[0].status = None

        assert broken(evidence) == set()

    def test_knows_every_promise_from_a_test(self) -> None:
        assert {verdict.name for verdict in judge(sound())} == {promise for _, promise in CHANGES}
