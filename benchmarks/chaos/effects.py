"""What may come of an operation: effects and answers, also where nobody knows what became of a request."""

from collections import Counter

from benchmarks.chaos.evidence import Evidence
from benchmarks.chaos.journal import Operation

EFFECTS = {
    "enroll": {"enrollment.created", "waitlist.joined"},
    "leave": {"enrollment.withdrawn", "waitlist.left"},
    "review": {"review.created"},
}
_DONE_BEFORE = frozenset({"already_enrolled", "already_waitlisted", "enrollment_not_found"})
# What may come of each operation: at once, and also after a request of which nobody knows what became.
EXPECTED = {
    "enroll": ({"201", "202", "course_full"}, set()),
    "enroll without key": ({"201", "202", "course_full"}, {"already_enrolled", "already_waitlisted"}),
    "enroll again": ({"already_enrolled", "already_waitlisted"}, set()),
    "leave": ({"200"}, {"enrollment_not_found"}),
    "review": ({"201"}, set()),
    "look": ({"200"}, set()),
    "replay": ({"200", "201", "202"}, set()),
    "capacity": ({"200"}, set()),
}


def could_come_late(operation: Operation, evidence: Evidence) -> int:
    """How many of its requests may have been done after a later operation of the same person in the same course."""
    ended = operation.attempts[-1].ended
    went_on = any(
        (later.person, later.course) == (operation.person, operation.course) and later.attempts[0].sent >= ended
        for later in evidence.of(*EFFECTS)
    )
    return sum(each.is_unknown for each in operation.attempts) if operation.key is None and went_on else 0


def effects_of(operation: Operation) -> set[int]:
    """How many there may be. Who is told that it has been done already learns that an unanswered request did it."""
    if operation.status is None:
        return {0, 1}
    done_before = operation.was_unknown and operation.code in _DONE_BEFORE
    return {1} if done_before or not operation.code else {0}


def done_unawares(evidence: Evidence) -> str:
    """How many requests had their effect, and their client was not told so, by what it was told."""
    done = {event.request_id for event in evidence.tables["events"]}
    told = Counter(
        attempt.status or "no answer"
        for each in evidence.operations
        for number, attempt in enumerate(each.attempts)
        if attempt.is_unknown and f"{each.id}.{number}" in done
    )
    return ", ".join(f"{count} with {status}" for status, count in told.items()) or "none"
