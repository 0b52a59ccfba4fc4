"""Demonstration reviews: three weeks of learners who write, readers who report, and moderators who decide.

Times of record come from the database, and history cannot be written for another day than today. So before the next
thing happens, all that has happened is moved into the past; in a database that was empty there is nothing else in it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import cycle
from uuid import UUID

from common import db, ids
from common.types import Actor
from reviews import services as reviews
from reviews.services import Decision, RatingDetails, ReportReason

Seat = tuple[UUID, UUID]
Moment = tuple[float, Callable[[], object]]

_TIMES = {
    "common_user": ("created_at",),
    "common_event": ("time",),
    "courses_course": ("created_at", "updated_at"),
    "enrollments_enrollment": ("joined_at", "enrolled_at", "ended_at"),
    "reviews_review": ("created_at", "updated_at", "submitted_at", "public_updated_at", "retracted_at"),
    "reviews_revision": ("created_at",),
    "reviews_historyentry": ("at",),
    "reviews_report": ("created_at",),
}
_GUARDED = ("common_event", "reviews_revision", "reviews_historyentry")
_BEGINNING_HOURS = 30 * 24

# fmt: off
_PUBLIC = (
    (5, "I told my grandmother all about it. She cried, I did not."),
    (4, "Well prepared, and patient with slow people like me. The room was cold."),
    (5, "Best evening of my week. Signing up for the next one."),
    (3, "Good teacher, too many people. I had hoped for more practice."),
    (4, "Finally somebody who explains why and not only how."),
    (5, "Worth every evening."), (4, "Would come again."), (3, "Fine, but long."), (4, "Kind and clear."),
    (5, ""), (5, "I learned so much!"), (4, "Good teacher, good room."), (2, "Not for me."), (5, "More, please."),
)
# Held by a rule and decided on since: how many hours ago it was written, how many it waited, and the reason given.
_DECIDED = (
    (316, 5, 5, "All of my notes are at https://notes-of-a-learner.example if anybody wants them.", ""),
    (310, 2, 1, "Do not pay for this. Cheaper at https://cheap-courses.example", "advertising"),
    (291, 9, 4, "Questions? Call me: +49 170 5550177", "personal_data"),
    (268, 3, 5, "FIVE STARS, AND I WOULD GIVE SIX IF THEY LET ME", "fine"),
    (266, 1, 1, "Everybody who likes this is an idiot.", "abuse"),
    (243, 22, 3, "The slides say less than https://encyclopedia.example on the subject.", "fine"),
    (221, 2, 5, "Win at the casino with what you learn here!", "advertising"),
    (219, 5, 4, "The tutor says that one may quote her site: https://tutor.example/notes", "fine"),
    (197, 4, 2, "One half of the group slept, and the other was one idiot.", "abuse"),
    (172, 1, 5, "Write to me on telegram @bestcourses for a discount", "advertising"),
    (170, 7, 4, "WHAT A LOVELY GROUP OF PEOPLE WE WERE, THANK YOU ALL", "fine"),
    (148, 3, 5, "Bitcoin paid for my seat, and the course was still worth it.", "fine"),
    (124, 6, 1, "Take mine instead, it is free: www.better-course.example", "advertising"),
    (101, 2, 4, "My address for a study group: study.group@mail.example", "personal_data"),
    (76, 1, 5, "What I made of the homework: https://homework.example/first", "fine"),
    (74, 4, 2, "A scam would at least have been exciting.", ""),
    (51, 2, 1, "Viagra, cheap and discreet. Ask me how.", "advertising"),
    (30, 5, 4, "LOUD TEACHER, LOUD STREET, AND STILL I HEARD EVERY WORD", "fine"),
    (27, 1, 1, "escort service near the course, see my profile", "advertising"),
    (9, 1, 5, "All exercises, solved: https://solved-for-you.example", "advertising"),
)
_WAITING = (
    (31, 5, "Great! More of the same for less money at https://cheap-courses.example"),
    (22, 4, "Lovely. Call me for private lessons: +49 170 5550123"),
    (14, 1, "THIS WAS NOTHING LIKE WHAT THE DESCRIPTION PROMISED, GIVE ME MY EVENINGS BACK"),
    (7, 2, "The other students talk like idiots, and one idiot never stops."),
    (5, 4, "Well prepared, and patient with slow people like me. The room was cold."),
    (3.5, 5, "The reading list that she mentions is here: https://reading-lists.example/all"),
    (0.8, 3, "I paid with bitcoin and still wait for the receipt. The course itself is fine."),
)
# A text that stands, and the one that its author wants instead.
_EDITED = (
    (12, 4, "A patient teacher and a friendly group. Bring something to write, the room has nothing.",
         "A patient teacher and a friendly group. Bring something to write: I sell pens at https://pens.example"),
    (2, 2, "Half of it I knew already; the description should say so.",
        "Half of it I knew already, AND THE OTHER HALF NOBODY ON THIS EARTH NEEDS TO KNOW"),
)
# Public, and objected to. The last by enough people to be taken off the list.
_REPORTED = (
    (26, 4, "Nice course. My sister teaches the same, only better.", [(ReportReason.SPAM, "Advertises her sister.")]),
    (11, 1, "The teacher is boring and so is his cat.",
         [(ReportReason.ABUSE, "About the teacher's looks and pets."), (ReportReason.OFF_TOPIC, "")]),
    (6, 3, "The café next door has better cake.", [(ReportReason.OFF_TOPIC, "Not about the course at all.")]),
    (4, 2, "I hear that the tutor once lost a lawsuit.",
        [(ReportReason.OTHER, "A rumour about a person."), (ReportReason.ABUSE, ""), (ReportReason.OFF_TOPIC, "")]),
)
# fmt: on
# Not everybody says what the stars are for.
_DETAILS = (
    RatingDetails(clarity=5, pace=4, support=5),
    None,
    RatingDetails(clarity=4, pace=2, support=4),
    None,
    None,
)


def fill(*, seats: Iterator[Seat], readers: list[UUID], moderators: list[UUID], now: datetime) -> None:
    """Reviews of these learners of these courses are there, with their past. Rows made before are a month old."""
    story = sorted(_Story(seats, readers, moderators, now).moments(), key=lambda moment: -moment[0])
    before = float(_BEGINNING_HOURS)
    with _past_that_can_be_written():
        for hours_ago, happens in [*story, (0.0, lambda: None)]:
            _let_pass(before - hours_ago)
            happens()
            before = hours_ago


class _Story:
    """What is written, reported and decided."""

    def __init__(self, seats: Iterator[Seat], readers: list[UUID], moderators: list[UUID], now: datetime) -> None:
        self._seats = seats
        self._readers = cycle(readers)
        self._moderators = cycle(moderators)
        self._details = cycle(_DETAILS)
        self._now = now

    def moments(self) -> Iterator[Moment]:
        """Everything that happens, each thing with how many hours ago, in no order."""
        for days, (rating, comment) in enumerate(_PUBLIC, start=7):
            yield from self._written(days * 24 - 5, rating, comment)
        for written, waited, rating, comment, reason in _DECIDED:
            yield from self._written(written, rating, comment, (waited, self._decided(reason)))
        for waiting, rating, comment in _WAITING:
            yield from self._written(waiting, rating, comment)
        for waiting, rating, before, after in _EDITED:
            yield from self._written(waiting + 60, rating, before, (60, self._rewritten(after)))
        for first, rating, comment, reports in _REPORTED:
            told = [(30 + number / 4, self._reported(*report)) for number, report in enumerate(reports)]
            yield from self._written(first + 30, rating, comment, *told)
        again = "This is what I meant: the evenings were too short, that is all."
        yield from self._written(
            96, 1, "Only an idiot would pay for this.", (2, self._decided("abuse")), (86, self._rewritten(again))
        )
        yield from self._written(40, 5, "See https://my-shop.example", (1, self._retracted))

    def _written(
        self, hours: float, rating: int, comment: str, *then: tuple[float, Callable[[Seat], object]]
    ) -> Iterator[Moment]:
        """A review is written, and so many hours later something else happens to it."""
        seat = next(self._seats)
        yield hours, lambda: self._write(seat, rating, comment)
        for later, act in then:
            yield hours - later, lambda act=act: act(seat)

    def _write(self, seat: Seat, rating: int, comment: str) -> None:
        learner_id, course_id = seat
        reviews.write_review(
            course_id=course_id,
            author_id=learner_id,
            rating=rating,
            comment=comment,
            rating_details=next(self._details),
            actor=_by(learner_id),
            now=self._now,
        )

    def _rewritten(self, comment: str) -> Callable[[Seat], object]:
        def act(seat: Seat) -> None:
            learner_id, course_id = seat
            reviews.rewrite_review(
                course_id=course_id,
                author_id=learner_id,
                changes={"comment": comment},
                expected_version=None,
                actor=_by(learner_id),
                now=self._now,
            )

        return act

    def _retracted(self, seat: Seat) -> None:
        learner_id, course_id = seat
        reviews.retract_review(course_id=course_id, author_id=learner_id, expected_version=None, actor=_by(learner_id))

    def _reported(self, reason: ReportReason, note: str) -> Callable[[Seat], object]:
        def act(seat: Seat) -> None:
            own = _own(seat)
            reader = next(each for each in self._readers if each != own.author.id)
            reviews.report_review(
                course_id=own.course_id,
                review_id=own.id,
                reporter_id=reader,
                reason=reason,
                note=note,
                actor=_by(reader),
            )

        return act

    def _decided(self, reason: str) -> Callable[[Seat], object]:
        def act(seat: Seat) -> None:
            own, moderator = _own(seat), next(self._moderators)
            reviews.decide_review(
                review_id=own.id,
                moderator_id=moderator,
                decision=Decision.APPROVE if reason in {"", "fine"} else Decision.HIDE,
                reason=reason,
                note="",
                version=own.version,
                actor=_by(moderator),
            )

        return act


def _own(seat: Seat) -> reviews.Review:
    learner_id, course_id = seat
    return reviews.get_own(course_id=course_id, author_id=learner_id).review


def _by(person_id: UUID) -> Actor:
    return Actor(name=ids.encode(ids.USER, person_id))


@contextmanager
def _past_that_can_be_written() -> Iterator[None]:
    """Inside, tables that only grow can be changed. Constraints are checked at once, as a table's guard needs."""
    db.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table in _GUARDED:
        db.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    yield
    for table in _GUARDED:
        db.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    db.execute("SET CONSTRAINTS ALL DEFERRED")


def _let_pass(hours: float) -> None:
    """Everything there is happened so many hours earlier."""
    for table, columns in _TIMES.items():
        earlier = ", ".join(f"{column} = {column} - %(time)s" for column in columns)
        db.execute(f"UPDATE {table} SET {earlier}", {"time": timedelta(hours=hours)})  # noqa: S608
