"""Everything that can be done to a course and to those in it, in any order, against a model of forty lines."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
import pytest
from django.db import connection
from hypothesis import Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from common import clock, ids, jobs
from common.errors import DomainError, InvalidInput
from common.models import Event
from common.tests.factories import NOW, SYSTEM, a_learner
from courses.tests.factories import a_draft, crs
from enrollments import services as enrollments
from enrollments.jobs import sweep_waitlists
from enrollments.models import Enrollment as EnrollmentRow
from enrollments.services import enrolling

courses = enrolling.courses
PEOPLE = st.integers(0, 30)
CAPACITIES = st.sampled_from([1, 2, 3, 4, 5, 0, None])
LINES = st.sampled_from([True, True, True, True, False])
OPENS_IN = st.sampled_from([None, -1, 1, 2])
CLOSES_IN = st.sampled_from([None, 3, 2, 0])
HOURS = st.sampled_from([0, 0, 1, 2])
# One rule for all, since Hypothesis leaves out whole rules from most examples: what matters here is how they meet.
ACTIONS = st.one_of(
    st.tuples(st.just("let_some_come"), PEOPLE, st.integers(1, 3)),
    st.tuples(st.just("let_some_come"), PEOPLE, st.integers(1, 3)),
    st.tuples(st.just("withdraw"), PEOPLE),
    st.tuples(st.just("end"), PEOPLE, st.sampled_from(["completed", "revoked"])),
    st.tuples(st.just("change_status"), st.sampled_from(["open", "closed", "archived"])),
    st.tuples(st.just("change"), st.fixed_dictionaries({"capacity": CAPACITIES})),
    st.tuples(st.just("change"), st.fixed_dictionaries({"waitlist_enabled": LINES, "capacity": CAPACITIES})),
    st.tuples(
        st.just("change"), st.fixed_dictionaries({"enrollment_opens_at": OPENS_IN, "enrollment_closes_at": CLOSES_IN})
    ),
    st.tuples(st.just("let_the_worker_run"), HOURS),
    st.tuples(st.just("let_the_sweep_run"), HOURS),
)
HOUR = timedelta(hours=1)
NEXT = {"draft": ("open", "archived"), "open": ("closed",), "closed": ("open", "archived"), "archived": ()}


class Model:
    """What a course should be, in plain Python. `rows` holds each learner's newest row as its state."""

    def __init__(self, capacity: int | None, waitlist: bool) -> None:
        self.status = "draft"
        self.capacity = capacity
        self.waitlist = waitlist
        self.opens_at: Any = None
        self.closes_at: Any = None
        self.now = NOW
        self.rows: dict[UUID, str] = {}
        self.queue: list[UUID] = []
        self.numbers = 0
        self.events: list[tuple[str, UUID | None]] = []
        self.jobs: list[str] = []

    def seats_taken(self) -> int:
        return sum(state in {"active", "completed"} for state in self.rows.values())

    def is_open(self) -> bool:
        begun = self.opens_at is None or self.opens_at <= self.now
        return self.status == "open" and begun and (self.closes_at is None or self.now < self.closes_at)

    def has_room(self) -> bool:
        return self.capacity is None or self.seats_taken() < self.capacity

    def is_idle(self) -> bool:
        return self.is_open() and self.has_room() and bool(self.queue)

    def put(self, learner: UUID, state: str, event: str) -> None:
        self.rows[learner] = state
        self.events.append((event, learner))

    def promote(self, at_most: int = 1_000_000) -> None:
        while self.is_idle() and at_most > 0:
            self.put(self.queue.pop(0), "active", "waitlist.promoted")
            at_most -= 1

    def expire(self) -> None:
        while self.status == "archived" and self.queue:
            self.put(self.queue.pop(0), "expired", "waitlist.expired")

    def enroll(self, learner: UUID) -> str:
        standing = self.rows.get(learner)
        if self.status == "draft":
            return "CourseNotFound"
        if not self.is_open():
            return "CourseClosed"
        if standing in {"active", "completed", "waiting"}:
            return "AlreadyWaitlisted" if standing == "waiting" else "AlreadyEnrolled"
        if not self.queue and self.has_room():
            self.put(learner, "active", "enrollment.created")
            return "enrolled"
        if not self.waitlist:
            return "CourseFull"
        self.queue.append(learner)
        self.numbers += 1
        self.put(learner, "waiting", "waitlist.joined")
        return f"waitlisted at {len(self.queue)}"

    def withdraw(self, learner: UUID) -> str:
        standing = self.rows.get(learner)
        if standing == "completed":
            return "EnrollmentCompleted"
        if standing == "waiting":
            self.queue.remove(learner)
            self.put(learner, "left", "waitlist.left")
            return "left_waitlist"
        if standing != "active":
            return "EnrollmentNotFound"
        self.put(learner, "withdrawn", "enrollment.withdrawn")
        self.promote(at_most=1)
        return "withdrawn"

    def end(self, learner: UUID, state: str) -> str:
        standing = self.rows.get(learner)
        if standing in {None, "waiting", "left", "expired"}:
            return "EnrollmentNotFound"
        if standing != "active":
            return "InvalidEnrollmentTransition"
        self.put(learner, state, f"enrollment.{state}")
        if state == "revoked":
            self.promote(at_most=1)
        return state

    def go(self, status: str, outcome: str) -> str:
        if status not in NEXT[self.status]:
            return "InvalidTransition"
        self.status = status
        self.events.append((f"course.{outcome}", None))
        if self.is_idle():
            self.jobs.append("enrollments.promote_waitlist")
        if status == "archived" and self.queue:
            self.jobs.append("enrollments.expire_waitlist")
        return outcome

    def change(self, changes: dict[str, Any]) -> str:
        opens_at = changes.get("enrollment_opens_at", self.opens_at)
        closes_at = changes.get("enrollment_closes_at", self.closes_at)
        capacity = changes.get("capacity", self.capacity)
        if "capacity" in changes and capacity is not None and capacity < self.seats_taken():
            return "CapacityBelowEnrollment"
        if opens_at is not None and closes_at is not None and closes_at <= opens_at:
            return "InvalidInput"
        self.opens_at, self.closes_at, self.capacity = opens_at, closes_at, capacity
        self.waitlist = changes.get("waitlist_enabled", self.waitlist)
        self.events.append(("course.updated", None))
        if self.is_idle():
            self.jobs.append("enrollments.promote_waitlist")
        return "updated"


class CourseLife(RuleBasedStateMachine):
    """Each action does one thing to the course and to the model, and both must say the same."""

    people: list[UUID]
    told: set[str]

    @initialize(
        capacity=CAPACITIES,
        waitlist=LINES,
        is_draft=st.sampled_from([False] * 7 + [True]),
        crowd=st.sampled_from([5, 6, 7, 4, 5, 6, 0]),
    )
    def begin(self, capacity: int | None, waitlist: bool, is_draft: bool, crowd: int) -> None:
        self.model = Model(capacity, waitlist)
        self.course_id = a_draft(capacity=capacity, waitlist_enabled=waitlist)
        self.seen = Event.objects.latest("id").pk
        if not is_draft:
            self.change_status("open")
        for learner in self.people[:crowd]:
            self.enroll(learner)

    def teardown(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_jobs")

    def same(self, expected: str, work: Callable[[], Any]) -> None:
        """What `work` comes to is what the model said."""
        try:
            came_of_it = outcome_of(work())
        except (DomainError, InvalidInput) as refusal:
            came_of_it = type(refusal).__name__
        assert came_of_it == expected

    @rule(action=ACTIONS)
    def act(self, action: tuple[Any, ...]) -> None:
        name, *arguments = action
        getattr(self, name)(*arguments)

    def someone(self, who: int) -> UUID:
        """One of those who are in or wait, more often than not; else one of those who ever were, or of all."""
        live = [each for each, state in self.model.rows.items() if state in {"active", "completed", "waiting"}]
        known = (live if who < 25 else []) or list(self.model.rows) or self.people
        return known[who % len(known)]

    def row_id(self, learner: UUID) -> UUID:
        rows = EnrollmentRow.objects.filter(course_id=self.course_id, learner_id=learner).order_by("-id")
        return rows.values_list("pk", flat=True).first() or ids.new_uuid()

    def let_some_come(self, who: int, count: int) -> None:
        for number in range(count):
            self.enroll(self.people[(who + number) % len(self.people)])

    def enroll(self, learner: UUID) -> None:
        self.same(
            self.model.enroll(learner),
            lambda: enrollments.enroll(
                course_id=self.course_id,
                learner_id=learner,
                source=enrollments.Source.SELF,
                actor=SYSTEM,
                now=self.model.now,
            ),
        )

    def withdraw(self, who: int) -> None:
        learner = self.someone(who)
        self.same(
            self.model.withdraw(learner),
            lambda: enrollments.withdraw(
                course_id=self.course_id,
                learner_id=learner,
                expected_version=None,
                actor=SYSTEM,
                now=self.model.now,
            ),
        )

    def end(self, who: int, end: str) -> None:
        learner = self.someone(who)
        use_case = enrollments.complete if end == "completed" else enrollments.revoke
        enrollment_id = self.row_id(learner)
        self.same(
            self.model.end(learner, end),
            lambda: use_case(enrollment_id=enrollment_id, reason="", actor=SYSTEM, now=self.model.now),
        )

    def change_status(self, status: str) -> None:
        use_case, outcome = {
            "open": (courses.open_course, "opened"),
            "closed": (courses.close_course, "closed"),
            "archived": (courses.archive_course, "archived"),
        }[status]
        self.same(
            self.model.go(status, outcome),
            lambda: use_case(course_id=self.course_id, actor=SYSTEM, now=self.model.now),
        )

    def change(self, changes: dict[str, Any]) -> None:
        for name in {"enrollment_opens_at", "enrollment_closes_at"} & set(changes):
            changes[name] = None if changes[name] is None else self.model.now + changes[name] * HOUR
        self.same(
            self.model.change(changes),
            lambda: courses.update_course(
                course_id=self.course_id, changes=changes, expected_version=None, actor=SYSTEM, now=self.model.now
            ),
        )

    def let_the_worker_run(self, hours: int) -> None:
        self.model.now += hours * HOUR
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(clock, "now", lambda: self.model.now)
            assert jobs.run_pending() == len(self.model.jobs)
        for job in self.model.jobs:
            self.model.promote() if job.endswith("promote_waitlist") else self.model.expire()
        self.model.jobs.clear()

    def let_the_sweep_run(self, hours: int) -> None:
        self.model.now += hours * HOUR
        assert (self.course_id in enrollments.courses_to_promote_in(now=self.model.now)) == self.model.is_idle()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(clock, "now", lambda: self.model.now)
            sweep_waitlists()
        self.model.promote()

    @invariant()
    def the_places_are_the_models(self) -> None:
        places, model = courses.CoursePlaces.objects.get(pk=self.course_id), self.model
        assert (places.status, places.capacity, places.waitlist_enabled) == (
            model.status,
            model.capacity,
            model.waitlist,
        )
        assert (places.enrollment_opens_at, places.enrollment_closes_at) == (model.opens_at, model.closes_at)
        assert (places.seats_taken, places.waiting) == (model.seats_taken(), len(model.queue))
        assert places.last_queue_number == model.numbers
        assert places.capacity is None or places.seats_taken <= places.capacity

    @invariant()
    def the_rows_are_the_models(self) -> None:
        rows = EnrollmentRow.objects.filter(course_id=self.course_id).order_by("id")
        newest = dict(rows.values_list("learner_id", "status"))
        assert newest == self.model.rows
        states = [row.status for row in rows]
        assert states.count("active") + states.count("completed") == self.model.seats_taken()
        line = rows.filter(status="waiting").order_by("queue_number").values_list("learner_id", flat=True)
        assert list(line) == self.model.queue

    @invariant()
    def each_change_left_one_event(self) -> None:
        events = list(Event.objects.filter(course=crs(self.course_id), id__gt=self.seen).order_by("id"))
        told = [(event.type, ids.decode(ids.USER, event.data.get("learner_id", ""))) for event in events]
        assert told == self.model.events
        self.told.update(type for type, _ in told)
        self.seen = events[-1].pk if events else self.seen
        self.model.events.clear()

    @invariant()
    def what_was_set_in_motion_waits_for_the_worker(self) -> None:
        waiting = [name for name, arguments in jobs.waiting() if arguments["course_id"] == crs(self.course_id)]
        assert waiting == self.model.jobs


def outcome_of(result: Any) -> str:
    """What a use case came to, in a word or two."""
    match result:
        case enrollments.Enrolled():
            return "enrolled"
        case enrollments.Waitlisted(waitlist_entry=entry):
            return f"waitlisted at {entry.position}"
    return str(result.outcome)


# What a run must have seen, or it proves little: each change that there is.
CHANGED = {
    *("course.opened", "course.closed", "course.archived", "course.updated"),
    *("enrollment.created", "enrollment.withdrawn", "enrollment.completed", "enrollment.revoked"),
    *("waitlist.joined", "waitlist.left", "waitlist.promoted", "waitlist.expired"),
}


@pytest.mark.django_db
def test_whatever_is_done_to_a_course_comes_to_what_the_rules_say(pytestconfig: pytest.Config) -> None:
    """The same examples each time, not shrunk; with --hypothesis-seed=1 many others, and their failures shrunk."""
    explores = pytestconfig.getoption("--hypothesis-seed") is not None
    CourseLife.people = [a_learner() for _ in range(7)]
    CourseLife.told = set()
    run_state_machine_as_test(
        CourseLife,
        settings=settings(
            max_examples=1000 if explores else 40,
            stateful_step_count=30,
            deadline=None,
            database=None,
            derandomize=not explores,
            phases=tuple(Phase) if explores else (Phase.generate,),
        ),
    )
    assert CourseLife.told == CHANGED
