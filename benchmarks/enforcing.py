"""Whether a contender really enforces the rules: a fast service that lets too many in is none."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from benchmarks import service
from benchmarks.contenders import Contender
from benchmarks.people import access_tokens
from benchmarks.world import course

_RIVALS = 24
_FREE = 5


def faults_of(contender: Contender) -> list[str]:
    """What this contender answered or wrote otherwise than the rules say."""
    return [
        f"{contender.name}: {fault}"
        for rule in (_waits_in_line, _refuses, _never_too_many, _reviews_once)
        for fault in rule(_Asker(contender))
    ]


class _Asker:
    def __init__(self, contender: Contender) -> None:
        self.stage = contender.stage
        self.number = next(self.stage.filling)

    def people(self, count: int) -> list[str]:
        return access_tokens(self.stage.take_newcomers(count))

    def set(self, assignments: str) -> None:
        with self.stage.database.connect() as connection:
            statement = f"UPDATE courses_courseplaces SET {assignments} WHERE course_id = %s"
            connection.execute(statement, [course(self.number)])

    def count(self, of: str) -> int:
        with self.stage.database.connect() as connection:
            row = connection.execute(f"SELECT count(*) FROM {of}").fetchone()
        return int(row[0]) if row else 0

    def enroll(self, token: str) -> int:
        path = f"/api/v1/courses/{self.stage.name_of(self.number)}/enrollments"
        return service.ask(self.stage.service.port, "POST", path, body="{}", Authorization=f"Bearer {token}")

    def review(self, token: str, number: int) -> int:
        path = f"/api/v1/courses/{self.stage.name_of(number)}/reviews"
        body = '{"rating": 4, "comment": "As good as they say."}'
        return service.ask(self.stage.service.port, "POST", path, body=body, Authorization=f"Bearer {token}")


def _waits_in_line(asker: _Asker) -> Iterator[str]:
    """The last seat, then a place in line, and neither of them twice; an event for each that got in."""
    asker.set("capacity = seats_taken + 1, waitlist_enabled = true")
    first, second = asker.people(2)
    events = asker.count("common_event")
    yield from _unlike("the last seat", lambda: asker.enroll(first), {201})
    yield from _unlike("a seat twice", lambda: asker.enroll(first), {409})
    yield from _unlike("a place in line", lambda: asker.enroll(second), {202})
    yield from _unlike("a place in line twice", lambda: asker.enroll(second), {409})
    yield from _unlike("events of two who got in", lambda: asker.count("common_event") - events, {2})


def _refuses(asker: _Asker) -> Iterator[str]:
    """Nobody gets into a full course without a line, or a closed one; nobody without a token of ours."""
    (token,) = asker.people(1)
    asker.set("capacity = seats_taken, waitlist_enabled = false")
    yield from _unlike("a full course", lambda: asker.enroll(token), {409})
    asker.set("capacity = NULL, status = 'closed'")
    yield from _unlike("a closed course", lambda: asker.enroll(token), {409})
    asker.set("status = 'open'")
    yield from _unlike("a forged token", lambda: asker.enroll(token[:-4] + "AAAA"), {401})
    yield from _unlike("the same course, open", lambda: asker.enroll(token), {201})


def _never_too_many(asker: _Asker) -> Iterator[str]:
    """Of many at one instant, as many get in as there are seats."""
    asker.set(f"capacity = seats_taken + {_FREE}, waitlist_enabled = false")
    with ThreadPoolExecutor(_RIVALS) as rivals:
        answers = list(rivals.map(asker.enroll, asker.people(_RIVALS)))
    yield from _unlike("seats for rivals", lambda: answers.count(201), {_FREE})
    yield from _unlike("refusals for rivals", lambda: answers.count(409), {_RIVALS - _FREE})


def _reviews_once(asker: _Asker) -> Iterator[str]:
    """Who is in a course reviews it once; who is not, does not."""
    (stranger,), (writer,) = asker.people(1), access_tokens(asker.stage.take_writers(1))
    yield from _unlike("a review by a stranger", lambda: asker.review(stranger, 1), {403, 409})
    yield from _unlike("a review", lambda: asker.review(writer, 1), {201})
    yield from _unlike("a second review", lambda: asker.review(writer, 1), {409})


def _unlike(what: str, ask: Callable[[], int], expected: set[int]) -> Iterator[str]:
    found = ask()
    if found not in expected:
        yield f"{what}: {found} instead of {' or '.join(map(str, sorted(expected)))}"
