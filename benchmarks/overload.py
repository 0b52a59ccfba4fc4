"""More requests than the service can do: how much of what it does is still of use to anybody."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle

from benchmarks import open_loop, service
from benchmarks.open_loop import Outcome
from benchmarks.people import access_tokens
from benchmarks.targets import Stage, enrolling
from benchmarks.world import MANY, course
from common import ids

TIMES = (1, 2, 4)
# From half of the closed loop's throughput up. The last rate at which nearly all are in time is what can be sustained.
_FIRST, _STEP = 0.5, 1.2
_NEARLY_ALL = 0.99
_NEVER_REFUSING = ("--env", "WEB_QUEUE=100000")


@dataclass(frozen=True, kw_only=True)
class Overloaded:
    """Outcomes by times the sustainable rate, with refusals and without."""

    sustainable: float
    refusing: dict[int, Outcome]
    never_refusing: dict[int, Outcome]

    @property
    def kept(self) -> float:
        """At four times the sustainable rate, of the highest goodput."""
        return self.refusing[TIMES[-1]].goodput / max(outcome.goodput for outcome in self.refusing.values())


def measure(stage: Stage, say: Callable[[str], None], *, seconds: int) -> tuple[Overloaded, list[str]]:
    """Newcomers enroll in many courses, at a rate that rises; and again on a service that refuses nobody."""
    requests, port = _requests(stage), stage.service.port
    closed = enrolling(stage, "many").run(seconds)
    sustainable = _sustainable(port, requests, closed.rate, seconds, say)
    refusing = _rising(port, requests, sustainable, seconds, say)
    with service.running(stage.database.url, *_NEVER_REFUSING) as patient:
        say("The same, refusing nobody …")
        open_loop.run(patient.port, _take(requests, 400), rate=200)
        never_refusing = _rising(patient.port, requests, sustainable, seconds, say)
    # Of the service that refuses nobody, clients give up in their own ways.
    answers = {status for outcome in refusing.values() for status in outcome.statuses}
    strange = answers - {"201", "503", "unanswered", "broken"}
    measured = Overloaded(sustainable=sustainable, refusing=refusing, never_refusing=never_refusing)
    return measured, [f"Enrolling under overload was answered with {status}." for status in sorted(strange)]


def _sustainable(
    port: int, requests: Iterator[bytes], closed: float, seconds: int, say: Callable[[str], None]
) -> float:
    rate = closed * _FIRST
    while (outcome := open_loop.run(port, _take(requests, int(rate * seconds)), rate=rate)).share >= _NEARLY_ALL:
        say(f"{rate:,.0f} requests/s: {outcome.share:.1%} in time")
        rate *= _STEP
    say(f"{rate:,.0f} requests/s: {outcome.share:.1%} in time")
    return rate / _STEP


def _rising(
    port: int, requests: Iterator[bytes], sustainable: float, seconds: int, say: Callable[[str], None]
) -> dict[int, Outcome]:
    outcomes = {}
    for times in TIMES:
        rate = sustainable * times
        outcomes[times] = outcome = open_loop.run(port, _take(requests, int(rate * seconds)), rate=rate)
        say(f"{times} × the sustainable rate, {rate:,.0f}: {outcome.goodput:,.0f} in time {outcome.statuses}")
    return outcomes


def _take(requests: Iterator[bytes], count: int) -> list[bytes]:
    return [next(requests) for _ in range(count)]


def _requests(stage: Stage) -> Iterator[bytes]:
    """Enrollments of newcomers, one after the other, each in the next of many courses."""
    courses = cycle(ids.encode(ids.COURSE, course(number)) for number in range(2, MANY + 2))
    while True:
        for token in access_tokens(stage.take_newcomers(1_000)):
            head = f"POST /api/v1/courses/{next(courses)}/enrollments HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            head += f"X-Forwarded-Proto: https\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\n\r\n"
            yield head.encode()
