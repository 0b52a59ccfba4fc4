"""What must hold after the storm. Each invariant looks at the evidence and tells what breaks it."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from benchmarks.chaos import order, world
from benchmarks.chaos.clients import key_of, row_of
from benchmarks.chaos.effects import EFFECTS, EXPECTED, could_come_late, done_unawares, effects_of
from benchmarks.chaos.evidence import Evidence
from benchmarks.chaos.journal import CUT, Operation
from common.tests.receiver import Received

Findings = Iterator[str]
LIVE = frozenset({"active", "waiting", "completed"})
SEATED = frozenset({"active", "completed"})
RECOVERY_SECONDS = 5.0
MAILED = frozenset({"enrollment.created", "waitlist.joined", "waitlist.promoted"})
TOLD = ("enrollment.created", "enrollment.withdrawn", "waitlist.joined", "waitlist.promoted", "waitlist.left")
# Given up after the deaths of too many workers; a second later there is another, if there is still something to send.
_TAKEN_OVER = frozenset({"mail.take_turn", "webhooks.take_turn"})


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How one invariant stands: what was looked at, and what breaks it."""

    name: str
    counted: str
    findings: tuple[str, ...]


@dataclass(frozen=True)
class Invariant:
    """One of them; `count` says of how much it speaks."""

    name: str
    find: Callable[[Evidence], Findings]
    count: Callable[[Evidence], str]


_all: list[Invariant] = []


def _invariant(name: str, count: Callable[[Evidence], str]) -> Callable[[Callable[[Evidence], Findings]], Any]:
    def register(find: Callable[[Evidence], Findings]) -> Callable[[Evidence], Findings]:
        _all.append(Invariant(name, find, count))
        return find

    return register


def judge(evidence: Evidence) -> list[Verdict]:
    """How all of them stand."""
    return [Verdict(name=each.name, counted=each.count(evidence), findings=tuple(each.find(evidence))) for each in _all]


def _acknowledged(evidence: Evidence) -> list[Operation]:
    return [each for each in evidence.of("enroll", "leave", "review") if each.status is not None and not each.code]


@_invariant("every acknowledged effect is there", lambda e: f"{len(_acknowledged(e))} acknowledgements")
def acknowledged(evidence: Evidence) -> Findings:
    """What a client was told has happened, has; and what it believes in the end is so."""
    reviews = {row.name for row in evidence.tables["reviews"]}
    believed: dict[str, tuple[bool | None, str]] = {}
    for each in evidence.operations:
        if each.kind == "review" and each.status == 201 and each.answer["id"] not in reviews:
            yield f"{each.id}: the review {each.answer['id']} is gone"
        if each.kind == "enroll" and (row := row_of(each)):
            believed[key_of(row)] = (True, each.id)
        if each.kind == "leave":
            believed[key_of(each.row)] = (None if each.status is None else False, each.id)
    for key, (is_in, operation) in believed.items():
        row = evidence.row_of.get(key)
        if row is None:
            yield f"{operation}: the row {key} is gone"
        elif is_in is not None and (row.status in LIVE) != is_in:
            yield f"{operation}: the row {key} is {row.status}"
    yield from _capacities(evidence)


def _capacities(evidence: Evidence) -> Findings:
    newest = {each.course: each for each in evidence.of("capacity")}
    places = {row.name: row for row in evidence.tables["places"]}
    for number, each in newest.items():
        wanted = (each.body or {})["capacity"]
        if each.status == 200 and places[world.course_name(number)].capacity != wanted:
            yield f"{each.id}: the course has not the {wanted} seats that it was given"


@_invariant("no seat too many", lambda e: f"{sum(r.status in SEATED for r in e.tables['rows'])} seats taken")
def seats(evidence: Evidence) -> Findings:
    """No course has more people than seats."""
    taken = Counter(row.course for row in evidence.tables["rows"] if row.status in SEATED)
    for place in evidence.tables["places"]:
        if taken[place.name] > place.capacity:
            yield f"{place.name} has {taken[place.name]} people in {place.capacity} seats"


@_invariant("nobody both in and waiting", lambda e: f"{len(e.tables['rows'])} rows")
def one_standing(evidence: Evidence) -> Findings:
    """Each learner has one live row in a course at most."""
    live = Counter((row.who, row.course) for row in evidence.tables["rows"] if row.status in LIVE)
    for (who, course), count in live.items():
        if count > 1:
            yield f"{who} has {count} standings in {course}"


@_invariant("the order of each line is kept", lambda e: f"{len(_waited(e))} who waited, {_promotions(e)} promoted")
def lines(evidence: Evidence) -> Findings:
    """By the events, told again from the beginning; by the rows; and by the clients' clocks."""
    courses, findings = order.told_again(evidence.tables["events"])
    yield from findings
    rows = defaultdict(list)
    for row in sorted(evidence.tables["rows"], key=lambda row: row.queue_number or 0):
        if row.status == "waiting":
            rows[row.course].append(row.name.partition("_")[2])
    for name, course in courses.items():
        if course.line != rows[name]:
            yield f"{name}: by its events {len(course.line)} wait, by its rows {len(rows[name])}, or in another order"
    waited = defaultdict(list)
    for operation, number in _waited(evidence):
        waited[operation.course].append((operation, number))
    for each in waited.values():
        yield from order.overtaken(each)


def _waited(evidence: Evidence) -> list[tuple[Operation, int]]:
    found = []
    for each in evidence.of("enroll"):
        row = evidence.row_of.get(key_of(row_of(each))) if each.status == 202 else None
        if row is not None and row.queue_number is not None:
            found.append((each, row.queue_number))
    return found


def _promotions(evidence: Evidence) -> int:
    return sum(event.type == "waitlist.promoted" for event in evidence.tables["events"])


@_invariant("no free seat while somebody waits", lambda e: f"{len(e.tables['places'])} courses")
def idle_seats(evidence: Evidence) -> Findings:
    """A freed seat has gone to the head of the line."""
    for place in evidence.tables["places"]:
        if place.waiting and place.seats_taken < place.capacity:
            yield f"{place.name} has {place.capacity - place.seats_taken} free seats, and {place.waiting} wait"


@_invariant("counters equal rows", lambda e: f"{len(e.tables['places'])} courses")
def counters(evidence: Evidence) -> Findings:
    """Seats taken, people in line and the last queue number are those of the rows."""
    for place in evidence.tables["places"]:
        rows = [row for row in evidence.tables["rows"] if row.course == place.name]
        by_rows = (
            sum(row.status in SEATED for row in rows),
            sum(row.status == "waiting" for row in rows),
            max((row.queue_number or 0 for row in rows), default=0),
        )
        if (place.seats_taken, place.waiting, place.last_queue_number) != by_rows:
            counted = (place.seats_taken, place.waiting, place.last_queue_number)
            yield f"{place.name} counts {counted}, and has {by_rows}"


@_invariant("each effect has each of its events once", lambda e: f"{len(e.tables['events'])} events")
def events(evidence: Evidence) -> Findings:
    """No row without its events, no event without its row, none twice."""
    for key, row in evidence.row_of.items():
        expected = Counter(_due(row))
        found = Counter(event.type for event in evidence.events_of[key])
        if found != expected:
            yield f"{row.name} is {row.status} and has the events {dict(found)}"
    for review in evidence.tables["reviews"]:
        told = [event for event in evidence.events_of[key_of(review.name)] if event.type == "review.created"]
        if len(told) != 1:
            yield f"{review.name} has been told of {len(told)} times"
    known = {*evidence.row_of, *(key_of(review.name) for review in evidence.tables["reviews"])}
    for event in evidence.tables["events"]:
        if not event.type.startswith("course.") and key_of(event.subject) not in known:
            yield f"{event.name} tells of {event.subject}, which is not there"
    positions = [event.position for event in evidence.tables["events"]]
    if None in positions or sorted(positions) != list(range(1, len(positions) + 1)):
        yield "the places in the feed have gaps, or are given twice"


def _due(row: Any) -> Findings:
    yield "enrollment.created" if row.queue_number is None else "waitlist.joined"
    if row.queue_number is not None and row.enrolled_at is not None:
        yield "waitlist.promoted"
    if row.status in {"withdrawn", "left"}:
        yield "enrollment.withdrawn" if row.status == "withdrawn" else "waitlist.left"


@_invariant("one key has one answer, for ever", lambda e: f"{len(e.replays) + len(e.of('replay'))} replays")
def keys(evidence: Evidence) -> Findings:
    """The answer is kept as it was given, any replay gives it again, and all of them together change nothing."""
    kept = {row.key: row for row in evidence.tables["answers"]}
    first = {each.key: each for each in evidence.operations if each.key and each.kind in {"enroll", "review"}}
    for key, each in first.items():
        if each.status is not None and each.status < 300:
            row = kept.get(key)
            if row is None or (row.status, json.loads(row.body)) != (each.status, each.answer):
                yield f"{each.id} was answered with {each.status}, and kept is {row and row.status}"
    for again in (*evidence.of("replay"), *evidence.replays):
        each = first[again.key]
        if again.status is not None and (again.status, again.answer) != (each.status, each.answer):
            yield f"{each.id} was answered with {each.status}, and later with {again.status} {again.code}"
    for table, size in evidence.before_replays.items():
        if evidence.after_replays[table] != size:
            yield f"replaying every key has changed {table} from {size} to {evidence.after_replays[table]}"


@_invariant(
    "unanswered requests: wholly or not at all, and once",
    lambda e: f"{_unknown(e)} operations with some; done all the same: {done_unawares(e)}",
)
def unanswered(evidence: Evidence) -> Findings:
    """All requests of one operation together had one effect if the client knows that it is done, none if it is not.

    Only a key holds that a request which the client gave up is not done later, after what the same person did next.
    """
    for each in evidence.of(*EFFECTS):
        caused = [event for event in evidence.events_by_operation[each.id] if event.type in EFFECTS[each.kind]]
        late = range(1, 1 + could_come_late(each, evidence))
        if len(caused) not in effects_of(each) | {1 + more for more in late}:
            yield f"{each.id} ({each.kind}, {len(each.attempts)} requests, {each.status}) had {len(caused)} effects"


def _unknown(evidence: Evidence) -> int:
    return sum(each.was_unknown for each in evidence.operations)


@_invariant("every answer is one of the contract", lambda e: f"{sum(len(o.attempts) for o in e.operations)} requests")
def answers(evidence: Evidence) -> Findings:
    """Nobody is told anything that cannot be, and no request fails by our own fault."""
    for each in evidence.operations:
        kind = "enroll without key" if each.kind == "enroll" and each.key is None else each.kind
        at_once, after_unknown = EXPECTED[kind]
        allowed = at_once | after_unknown if each.was_unknown else at_once
        got = each.code or str(each.status)
        if each.status is not None and got not in allowed:
            yield f"{each.id} ({kind}) was answered with {got}"
        for attempt in each.attempts:
            if attempt.status is not None and attempt.status >= 500 and attempt.code != "dependency_unavailable":
                yield f"{each.id} ({kind}) was answered with {attempt.status} {attempt.code}"
        if each.kind == "look" and each.status == 200 and key_of(each.row) != key_of(_seen(each)):
            yield f"{each.id} was shown another standing than {each.row}"


def _seen(look: Operation) -> str:
    return str((look.answer["enrollment"] or look.answer["waitlist_entry"])["id"])


@_invariant("each mail once", lambda e: f"{len(e.tables['mails'])} mails, {_sent_twice(e)} sent twice")
def mails(evidence: Evidence) -> Findings:
    """Written down once for each event, and sent; a second time only where a worker died between sending and noting."""
    due = {event.name: event for event in evidence.tables["events"] if event.type in MAILED}
    written = Counter(mail.event for mail in evidence.tables["mails"])
    for name in due.keys() | written.keys():
        if written[name] != (name in due):
            yield f"{name}: {written[name]} mails"
    for mail in evidence.tables["mails"]:
        if mail.status != "sent":
            yield f"{mail.event}: the mail is {mail.status}"
    received = Counter(_event_of(mail) for mail in evidence.mails)
    for name in due.keys() - received.keys():
        yield f"{name}: the mail never came"
    # A worker sends one at a time, so with its death one can come twice.
    if _sent_twice(evidence) > evidence.worker_deaths:
        yield f"{_sent_twice(evidence)} mails came twice, and {evidence.worker_deaths} workers died"


def _event_of(mail: Any) -> str:
    return str(mail["Message-ID"]).strip("<>").partition("@")[0]


def _sent_twice(evidence: Evidence) -> int:
    received = Counter(_event_of(mail) for mail in evidence.mails)
    return sum(count - 1 for count in received.values())


@_invariant("each webhook once", lambda e: f"{len(e.tables['deliveries'])} deliveries, {len(e.hooks)} received")
def webhooks(evidence: Evidence) -> Findings:
    """One delivery for each event of the partner's; received at least once, under one id, signed, none lost."""
    due = {e.name: e for e in evidence.tables["events"] if e.partner == world.PARTNER and e.type in TOLD}
    made = Counter(delivery.event for delivery in evidence.tables["deliveries"])
    for name in due.keys() | made.keys():
        if made[name] != (name in due):
            yield f"{name}: {made[name]} deliveries"
    for delivery in evidence.tables["deliveries"]:
        if delivery.status != "delivered":
            yield f"{delivery.event}: the delivery is {delivery.status}"
    received = {hook.headers["webhook-id"] for hook in evidence.hooks}
    for name in due.keys() ^ received:
        yield f"{name}: {'never came' if name in due else 'came, and there is no such event'}"
    verifier = Webhook(evidence.hook_secret)
    for hook in evidence.hooks:
        yield from _unlike(hook, verifier)


def _unlike(hook: Received, verifier: Webhook) -> Findings:
    name = hook.headers["webhook-id"]
    try:
        body = verifier.verify(hook.body, hook.headers)
    except WebhookVerificationError as fault:
        yield f"{name}: {fault}"
    else:
        if body["id"] != name:
            yield f"{body['id']} came under the id {name}"


@_invariant("background work comes to rest", lambda e: f"{len(e.tables['jobs'])} jobs")
def jobs(evidence: Evidence) -> Findings:
    """No job is held by a dead worker, none has failed for good, and nothing waits any longer."""
    if not evidence.is_settled:
        yield "work was still left when the time for it was over"
    for job in evidence.tables["jobs"]:
        if job.status == "doing" and not job.has_living_worker:
            yield f"{job.task_name} [{job.id}] is held by nobody"
        # What is done on schedule is not tried again: the next tick does.
        if job.status == "failed" and job.lock != job.task_name and job.task_name not in _TAKEN_OVER:
            yield f"{job.task_name} [{job.id}] has failed"


@_invariant(
    "it answers within 5 s after the last fault",
    lambda e: f"after {recovery(e):.1f} s; to start, all took {e.start_seconds:.1f} s",
)
def recovered(evidence: Evidence) -> Findings:
    """No request that began later than that failed. Where processes take longer to start, they may."""
    if recovery(evidence) > max(RECOVERY_SECONDS, evidence.start_seconds):
        yield f"a request that began {recovery(evidence):.1f} s after the last fault failed"
    calm = [each for each in evidence.operations if each.attempts[0].sent > evidence.last_fault and each.status]
    if not calm:
        yield "nothing was answered after the last fault"


def recovery(evidence: Evidence) -> float:
    """How long after the last fault the last request began that was not answered."""
    failed = [
        attempt.sent - evidence.last_fault
        for each in evidence.operations
        for attempt in each.attempts
        if attempt.is_unknown and attempt.fault != CUT
    ]
    return max(0.0, max(failed, default=0.0))


@_invariant("the operators' own checks find nothing", lambda _: "repair_enrollments, dry run")
def operators(evidence: Evidence) -> Findings:
    """`manage.py repair_enrollments` has nothing to repair."""
    if evidence.operators_findings:
        yield evidence.operators_findings
