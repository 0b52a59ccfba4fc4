"""Everything that can be done to the reviews of a course, in any order, against a model in plain Python."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from common import clock, ids
from common.errors import DomainError
from common.models import Event, User
from common.tests.factories import a_person
from common.types import PageRequest
from courses.tests.factories import an_open_course, crs
from enrollments.tests.factories import an_enrollment, withdraw
from reviews import services as reviews
from reviews.models import HistoryEntry, Report, Review
from reviews.tests.factories import (
    APPROVE,
    HIDE,
    Written,
    decide,
    report,
    retract,
    rewrite,
    summary_is_true,
    undo,
    write,
)

LINK, SHOUT = "See https://spam.example for more.", "THIS IS THE WORST COURSE EVER"
TRIPS = {LINK: "links", SHOUT: "shouting"}
WHO = st.integers(0, 5)
RATINGS = st.sampled_from([None, 1, 3, 5])
COMMENTS = st.sampled_from([None, "", "Good.", "Bad.", LINK, SHOUT])
# One rule for all, since Hypothesis leaves out whole rules from most examples: what matters here is how they meet.
ACTIONS = st.one_of(
    st.tuples(st.just("write"), WHO, RATINGS, COMMENTS),
    st.tuples(st.just("rewrite"), WHO, RATINGS, COMMENTS),
    st.tuples(st.just("rewrite"), WHO, RATINGS, COMMENTS),
    st.tuples(st.just("retract"), WHO),
    st.tuples(st.just("report"), WHO, st.lists(WHO, min_size=1, max_size=4)),
    st.tuples(st.just("report"), WHO, st.lists(WHO, min_size=1, max_size=4)),
    st.tuples(st.just("decide"), WHO, WHO, st.sampled_from([APPROVE, HIDE]), st.sampled_from([True] * 5 + [False])),
    st.tuples(st.just("decide"), WHO, WHO, st.sampled_from([APPROVE, HIDE]), st.just(True)),
    st.tuples(st.just("decide_and_undo"), WHO, WHO, st.sampled_from([APPROVE, HIDE])),
    st.tuples(st.just("undo"), WHO, WHO),
    st.tuples(st.just("leave_or_come_back"), WHO),
)
_FIELDS = (
    *("status", "held_reason", "rating", "comment", "revision", "public_rating", "public_comment", "public_revision"),
    *("kept_revision", "version"),
)


@dataclass(frozen=True)
class Text:
    """What a review is at an instant."""

    status: str = ""
    held_reason: str = ""
    rating: int = 0
    comment: str = ""
    revision: int = 0
    public_rating: int | None = None
    public_comment: str = ""
    public_revision: int | None = None
    kept_revision: int | None = None
    version: int = 0

    def shown(self) -> "Text":
        return replace(
            self, status="published", held_reason="", public_rating=self.rating, public_comment=self.comment,
            public_revision=self.revision,
        )  # fmt: skip

    def unpublished(self, **changes: Any) -> "Text":
        return replace(self, public_rating=None, public_comment="", public_revision=None, **changes)

    def was_taken_off(self) -> bool:
        return self.status == "hidden" or self.held_reason in {"hidden_before", "reports"}


@dataclass
class Model:
    """One review. `reports` holds each reporter's revision and answer; `undoable` what the last decision changed."""

    author: User
    text: Text = field(default_factory=Text)
    is_retracted: bool = False
    reports: dict[User, tuple[int, str]] = field(default_factory=dict)
    history: list[tuple[str, str, str, int]] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    undoable: tuple[User, Text, dict[User, tuple[int, str]]] | None = None

    def is_public(self) -> bool:
        return self.text.public_revision is not None

    def open(self) -> list[User]:
        return [reporter for reporter, (_, answer) in self.reports.items() if not answer]

    def become(self, text: Text, change: str, *, event: str = "", revision: int | None = None) -> None:
        """The review is this now, at a new version, and the change is told."""
        self.history.append((change, self.text.status, text.status, revision or text.revision))
        self.events.append(f"review.{event or change}")
        self.text = replace(text, version=self.text.version + 1)
        self.undoable = None

    def judge(self, rating: int, comment: str, *, change: str, was_taken_off: bool, others: int) -> None:
        new = replace(self.text, rating=rating, comment=comment, revision=self.text.revision + 1)
        held = "hidden_before" if was_taken_off else TRIPS.get(comment, "too_many_reviews" if others >= 5 else "")
        if (self.is_public() and comment == self.text.public_comment) or not held:
            self.become(new.shown(), change)
            return
        self.become(replace(new, status="pending", held_reason=held), change)
        self.history.append(("held", "pending", "pending", self.text.revision))
        self.events.append("review.held")

    def answer(self, answers: Callable[[int], str]) -> None:
        for reporter in self.open():
            revision, _ = self.reports[reporter]
            self.reports[reporter] = revision, answers(revision)

    def retract(self) -> None:
        self.become(self.text.unpublished(), "retracted")
        self.is_retracted = True
        self.answer(lambda _: "retracted")

    def report(self, reporter: User) -> str:
        if not self.is_public():
            return "ReviewNotFound"
        if reporter == self.author:
            return "OwnReviewRefused"
        if reporter in self.reports:
            return "AlreadyReported"
        public = self.text.public_revision or 0
        is_kept = public == self.text.kept_revision
        self.reports[reporter] = public, "kept" if is_kept else ""
        self.events.append("review.reported")
        if not is_kept and len(self.open()) >= 3:
            held = self.text.unpublished(status="pending", held_reason="reports")
            self.become(held, "held", revision=public)
        return "Report"

    def decide(self, moderator: User, decision: reviews.Decision, is_current: bool) -> str:
        if moderator == self.author:
            return "OwnReviewRefused"
        if not is_current:
            return "ModerationConflict"
        keeps = self.text.status == "published" and decision is APPROVE
        if self.is_retracted or (self.text.status == "hidden" and decision is HIDE) or (keeps and not self.open()):
            return "InvalidDecision"
        before = moderator, self.text, dict(self.reports)
        if decision is APPROVE:
            revision = self.text.revision
            self.become(replace(self.text.shown(), kept_revision=revision), "approved")
            self.answer(lambda about: "unfounded" if about == revision else "superseded")
        else:
            self.become(self.text.unpublished(status="hidden", held_reason=""), "hidden")
            self.answer(lambda _: "upheld")
        self.undoable = before
        return "Decided"

    def undo(self, moderator: User) -> str:
        if moderator == self.author:
            return "OwnReviewRefused"
        if self.undoable is None or self.undoable[0] != moderator:
            return "UndoRefused"
        _, text, reports = self.undoable
        event = {"published": "approved", "hidden": "hidden", "pending": "held"}[text.status]
        self.become(text, "undone", event=event)
        self.reports |= reports
        return "ModeratedReview"


class Reviewing(RuleBasedStateMachine):
    """Each action does one thing to the course's reviews and to the model, and both must say the same."""

    readers: list[User]
    told: set[str]

    @initialize()
    def begin(self) -> None:
        self.course_id = an_open_course()
        self.authors = [a_person() for _ in range(3)]
        self.admitted: set[User] = set()
        self.written: list[tuple[Written, Model]] = []
        for number in range(3):
            self.leave_or_come_back(number)
        for number in range(2):
            self.write(number, 3, "Good.")
        self.seen = Event.objects.latest("id").pk
        for _, model in self.written:
            model.events.clear()

    def same(self, expected: str, work: Callable[[], object]) -> None:
        """What `work` comes to is what the model said."""
        try:
            came_of_it = type(work()).__name__
        except DomainError as refusal:
            came_of_it = type(refusal).__name__
        assert came_of_it == expected
        self.told.add(expected)

    def someone(self, who: int) -> User:
        """A reader, who may moderate too, or one of the authors."""
        people = [*self.readers, self.authors[0]]
        return people[who % len(people)]

    def live(self, author: User) -> tuple[Written, Model] | None:
        mine = [(review, model) for review, model in self.written if model.author == author and not model.is_retracted]
        return mine[0] if mine else None

    def some_review(self, who: int) -> tuple[Written, Model]:
        """A live review, more often than not; else one of all that there ever were."""
        live = [found for author in self.authors if (found := self.live(author))]
        return (live if live and who < 5 else self.written)[who % len(live if live and who < 5 else self.written)]

    @rule(action=ACTIONS)
    def act(self, action: tuple[Any, ...]) -> None:
        name, *arguments = action
        getattr(self, name)(*arguments)

    def leave_or_come_back(self, who: int) -> None:
        author = self.authors[who % 3]
        if author in self.admitted and who > 3:
            withdraw(self.course_id, author.pk)
            self.admitted.remove(author)
        elif author not in self.admitted:
            an_enrollment(self.course_id, author.pk)
            self.admitted.add(author)

    def write(self, who: int, rating: int | None, comment: str | None) -> None:
        author, rating, comment = self.authors[who % 3], rating or 2, comment or ""
        if author not in self.admitted:
            self.same("ReviewNotAllowed", lambda: write(self.course_id, author, rating, comment))
        elif self.live(author):
            self.same("ReviewAlreadyExists", lambda: write(self.course_id, author, rating, comment))
        else:
            earlier = [model for _, model in self.written if model.author == author]
            model = Model(author)
            taken_off = bool(earlier) and earlier[-1].text.was_taken_off()
            model.judge(rating, comment, change="created", was_taken_off=taken_off, others=len(earlier))
            own = write(self.course_id, author, rating, comment)
            self.written.append((Written(own.review.id, self.course_id, author), model))

    def rewrite(self, who: int, rating: int | None, comment: str | None) -> None:
        author = self.authors[who % 3]
        review, model = self.live(author) or (Written(ids.new_uuid(), self.course_id, author), None)
        expected = "OwnReview"
        if model is None or author not in self.admitted:
            expected = "ReviewNotFound" if model is None else "ReviewNotAllowed"
        else:
            text = model.text
            wanted = text.rating if rating is None else rating, text.comment if comment is None else comment
            if wanted != (text.rating, text.comment):
                others = sum(other.author == author for _, other in self.written) - 1
                model.judge(*wanted, change="updated", was_taken_off=text.was_taken_off(), others=others)
        changes = {name: value for name, value in (("rating", rating), ("comment", comment)) if value is not None}
        self.same(expected, lambda: rewrite(review, **changes))

    def retract(self, who: int) -> None:
        author = self.authors[who % 3]
        found = self.live(author)
        if found:
            found[1].retract()
        review = found[0] if found else Written(ids.new_uuid(), self.course_id, author)
        self.same("NoneType" if found else "ReviewNotFound", lambda: retract(review))

    def report(self, who: int, reporters: list[int]) -> None:
        review, model = self.some_review(who)
        for reporter in map(self.someone, reporters):
            self.same(model.report(reporter), lambda reporter=reporter: report(review, reporter))  # type: ignore[misc]

    def decide(self, who: int, moderator: int, decision: reviews.Decision, is_current: bool) -> None:
        review, model = self.some_review(who)
        person, version = self.someone(moderator), model.text.version
        self.same(
            model.decide(person, decision, is_current),
            lambda: decide(review, decision, moderator=person, version=version if is_current else version + 1),
        )

    def undo(self, who: int, moderator: int) -> None:
        review, model = self.some_review(who)
        person = self.someone(moderator)
        self.same(model.undo(person), lambda: undo(review, person))

    def decide_and_undo(self, who: int, moderator: int, decision: reviews.Decision) -> None:
        self.decide(who, moderator, decision, is_current=True)
        self.undo(who, moderator)

    @invariant()
    def the_rows_are_the_models(self) -> None:
        rows = {row.pk: row for row in Review.objects.filter(course_id=self.course_id)}
        answers: dict[UUID, dict[UUID, tuple[int, str]]] = {review_id: {} for review_id in rows}
        for given in Report.objects.filter(review__course_id=self.course_id):
            answers[given.review_id][given.reporter_id] = given.revision, given.resolution
        assert len(rows) == len(self.written)
        for review, model in self.written:
            row = rows[review.id]
            assert Text(**{name: getattr(row, name) for name in _FIELDS}) == model.text
            assert (row.retracted_at is not None, row.open_reports) == (model.is_retracted, len(model.open()))
            assert answers[review.id] == {reporter.pk: about for reporter, about in model.reports.items()}

    @invariant()
    def the_history_tells_every_change_and_begins_where_it_ended(self) -> None:
        told: dict[UUID, list[tuple[str, str, str, int]]] = {review.id: [] for review, _ in self.written}
        for entry in HistoryEntry.objects.filter(review__course_id=self.course_id).order_by("id"):
            told[entry.review_id].append((entry.change, entry.from_status, entry.to_status, entry.revision))
            assert (entry.change == "held") == entry.automated
        for review, model in self.written:
            assert told[review.id] == model.history
            assert all(before[2] == after[1] for before, after in pairwise(model.history))
            assert model.history[-1][2] == model.text.status

    @invariant()
    def each_change_left_its_events(self) -> None:
        events = Event.objects.filter(course=crs(self.course_id), type__startswith="review.", id__gt=self.seen)
        told = list(events.order_by("id").values_list("subject", "type"))
        for review, model in self.written:
            assert [type for subject, type in told if subject == ids.encode(ids.REVIEW, review.id)] == model.events
            model.events.clear()
        self.told.update(type for _, type in told)
        self.seen = Event.objects.latest("id").pk

    @invariant()
    def the_summary_and_the_list_are_what_is_public(self) -> None:
        public = {review.id: model.text.public_rating for review, model in self.written if model.is_public()}
        listed = reviews.list_public(
            course_id=self.course_id,
            sort=reviews.ReviewSort.NEWEST,
            rating=None,
            page=PageRequest(limit=100),
            now=clock.now(),
        )
        assert {review.id: review.rating for review in listed.rows} == public
        assert summary_is_true(self.course_id)

    @invariant()
    def an_author_sees_the_newest_text(self) -> None:
        found = self.live(self.authors[0])
        if found:
            own = reviews.get_own(course_id=self.course_id, author_id=self.authors[0].pk).review
            text = found[1].text
            assert (own.rating, own.comment, own.status) == (text.rating, text.comment, text.status)


# What a run must have seen, or it proves little: each change and each refusal that there is.
SEEN = {
    *("review.created", "review.updated", "review.retracted", "review.reported"),
    *("review.held", "review.approved", "review.hidden"),
    *("OwnReview", "NoneType", "Report", "Decided", "ModeratedReview"),
    *("ReviewNotAllowed", "ReviewAlreadyExists", "ReviewNotFound", "OwnReviewRefused", "AlreadyReported"),
    *("ModerationConflict", "InvalidDecision", "UndoRefused"),
}


@pytest.mark.django_db
def test_whatever_is_done_to_reviews_comes_to_what_the_rules_say(pytestconfig: pytest.Config) -> None:
    """The same examples each time, not shrunk; with --hypothesis-seed=1 many others, and their failures shrunk."""
    explores = pytestconfig.getoption("--hypothesis-seed") is not None
    Reviewing.readers = [a_person() for _ in range(5)]
    Reviewing.told = set()
    run_state_machine_as_test(
        Reviewing,
        settings=settings(
            max_examples=1000 if explores else 10,
            stateful_step_count=40,
            deadline=None,
            database=None,
            derandomize=not explores,
            phases=tuple(Phase) if explores else (Phase.generate,),
        ),
    )
    assert Reviewing.told == SEEN
