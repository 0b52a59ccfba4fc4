"""The order of each line: by the course's events, told again from the beginning, and by the clients' own clocks."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from benchmarks.chaos.journal import Operation


@dataclass
class Course:
    """A course as its events have it."""

    name: str
    seated: set[str] = field(default_factory=set)
    line: list[str] = field(default_factory=list)

    def apply(self, event: Any) -> str:
        """What is wrong with the event's coming now, empty if nothing is."""
        row = event.subject.partition("_")[2]
        if event.type == "enrollment.created":
            overtaken = f"{row} got a seat while {len(self.line)} waited" if self.line else ""
            self.seated.add(row)
            return overtaken
        if event.type == "waitlist.joined":
            self.line.append(row)
            position = event.data["position"]
            return (
                "" if position == len(self.line) else f"{row} was told position {position}, and is {len(self.line)}th"
            )
        if event.type == "waitlist.promoted":
            return self._promote(row)
        if event.type == "waitlist.left":
            return self._remove(self.line, row)
        return self._remove(self.seated, row) if event.type == "enrollment.withdrawn" else ""

    def _promote(self, row: str) -> str:
        overtaken = self.line[:1] != [row]
        if row in self.line:
            self.line.remove(row)
        self.seated.add(row)
        return f"{row} was promoted, and was not the first in line" if overtaken else ""

    def _remove(self, whom: Any, row: str) -> str:
        if row not in whom:
            return f"{row} left what it was not in"
        whom.remove(row)
        return ""


def told_again(events: Iterable[Any]) -> tuple[dict[str, Course], list[str]]:
    """Each course as its events have it, and which events cannot have come when they did."""
    courses: dict[str, Course] = {}
    findings = []
    for event in events:
        if event.type.startswith(("enrollment.", "waitlist.")):
            course = courses.setdefault(event.course, Course(event.course))
            if wrong := course.apply(event):
                findings.append(f"{event.course}: {wrong}")
    return courses, findings


def overtaken(waited: Iterable[tuple[Operation, int]]) -> Iterator[str]:
    """Who was told to wait before another asked for the first time, and stands behind that one all the same.

    `waited` are the operations that ended in one course's line, with their queue numbers.
    """
    by_question = sorted(waited, key=lambda each: each[0].attempts[0].sent)
    by_answer = sorted(by_question, key=lambda each: each[0].attempts[-1].ended)
    answered = 0
    highest: tuple[int, Operation] | None = None
    for operation, number in by_question:
        while answered < len(by_answer) and by_answer[answered][0].attempts[-1].ended < operation.attempts[0].sent:
            earlier, its_number = by_answer[answered]
            if highest is None or its_number > highest[0]:
                highest = its_number, earlier
            answered += 1
        if highest is not None and highest[0] > number:
            yield f"{operation.id} has number {number}, and {highest[1].id}, who was answered before, {highest[0]}"
