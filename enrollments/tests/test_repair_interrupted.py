"""Repairs that are interrupted, by whatever, and go on: in the end all is as if nothing had happened."""

import signal
from collections import Counter
from datetime import timedelta
from itertools import cycle
from uuid import UUID

import pytest
from django.db import OperationalError

from common import clock, ids
from common.models import Event, OpsItem, OpsRun
from common.ops import holding, kinds, runs
from common.tests.apart import run_apart
from common.tests.factories import a_learner
from common.tests.operating import Ran, apply, operate
from common.tests.races import rival
from common.tests.workers import query, wait_until_others_are_gone
from courses.tests.factories import an_open_course, crs, seats_and_line
from enrollments.models import Enrollment as EnrollmentRow
from enrollments.tests.broken import a_stray_row, set_places
from enrollments.tests.dying_repair import repair
from enrollments.tests.factories import a_full_course

REPAIR = "repair_enrollments"


def broken_courses(count: int) -> list[str]:
    """Courses with wrong counters, in the order in which they are mended."""
    courses = [an_open_course(capacity=5) for _ in range(count)]
    for course_id in courses:
        set_places(course_id, seats_taken=3)
    return sorted(map(crs, courses))


def at_item(monkeypatch: pytest.MonkeyPatch, number: int, act) -> None:  # type: ignore[no-untyped-def]
    """In the middle of the item with this number, counted from 1, `act` is called."""
    check, seen = kinds.checks()["seat-counters"], [0]
    mend = check.mend

    def interrupted(items, work):  # type: ignore[no-untyped-def]
        results = mend(items, work)
        seen[0] += 1
        if seen[0] == number:
            act()
        return results

    monkeypatch.setattr(check, "mend", interrupted)


def done(ran: Ran) -> list[str]:
    """What the items that were done are about."""
    return [item["subject"] for item in ran.items if item["outcome"] == "done"]


@pytest.mark.django_db
class TestSignals:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_finish_the_item_at_hand_and_say_how_to_go_on(
        self, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        courses = broken_courses(3)
        at_item(monkeypatch, 2, lambda: signal.raise_signal(number))
        ran = apply(REPAIR, "--all", "--batch-size", "1")
        assert (ran.code, ran.report["status"], done(ran)) == (130, "interrupted", courses[:2])
        assert ran.report["next"]["resume"] == f"manage.py {REPAIR} --resume {ran.run}"
        assert f"manage.py {REPAIR} --resume {ran.run}" in ran.err
        resumed = operate(REPAIR, "--resume", ran.run, "--yes")
        assert (resumed.code, resumed.run, done(resumed)) == (0, ran.run, courses)
        assert OpsRun.objects.get().status == "completed"

    def test_leave_the_checks_that_are_still_to_be_made_for_the_resumed_run(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broken_courses(1)
        a_stray_row(an_open_course(), "active")
        at_item(monkeypatch, 1, lambda: signal.raise_signal(signal.SIGINT))
        ran = apply(REPAIR, "--all", "--check", "seat-counters", "--check", "missing-events")
        assert {item["check"] for item in ran.items} == {"seat-counters"}
        resumed = operate(REPAIR, "--resume", ran.run, "--yes")
        assert [item["check"] for item in resumed.items if item["outcome"] == "done"].count("missing-events") == 1

    def test_the_second_time_drop_what_is_at_hand(self, monkeypatch: pytest.MonkeyPatch) -> None:
        courses = broken_courses(3)

        def twice() -> None:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

        at_item(monkeypatch, 2, twice)
        ran = apply(REPAIR, "--all", "--batch-size", "1")
        assert (ran.code, done(ran)) == (130, courses[:1])
        monkeypatch.undo()
        assert done(operate(REPAIR, "--resume", ran.run, "--yes")) == courses

    def test_end_a_dry_run_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        check = kinds.checks()["over-capacity"]
        course_id, *_ = a_full_course()
        a_stray_row(course_id, "active")
        monkeypatch.setattr(check, "foresee", lambda *_: signal.raise_signal(signal.SIGTERM))
        ran = operate(REPAIR, "--all")
        assert (ran.code, ran.out) == (130, "")
        assert "nothing was changed" in ran.err

    def test_have_their_usual_meaning_again_afterwards(self) -> None:
        before = signal.getsignal(signal.SIGINT)
        apply(REPAIR, "--all")
        assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.django_db(transaction=True)
class TestRivals:
    def test_take_a_run_over_and_nothing_is_done_twice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As when the connection with the lock is lost, and somebody resumes the run while its process still lives."""
        courses = broken_courses(3)

        def take_over() -> None:
            run_id = OpsRun.objects.get().pk
            with rival(lambda: runs.take_over(run_id=run_id, holder=ids.new_uuid())) as other:
                other.result()

        at_item(monkeypatch, 2, take_over)
        ran = apply(REPAIR, "--all", "--batch-size", "1", format="table")
        assert ran.code == 1
        assert "another process has resumed this run" in ran.err
        run = runs.public_id(OpsRun.objects.get().pk)
        assert run in ran.err
        monkeypatch.undo()
        assert done(operate(REPAIR, "--resume", run, "--yes")) == courses
        assert Event.objects.filter(type="enrollment.repaired").count() == 3


@pytest.mark.django_db(transaction=True)
class TestOutage:
    def test_stops_the_run_where_it_is(self, monkeypatch: pytest.MonkeyPatch) -> None:
        courses = broken_courses(3)
        at_item(monkeypatch, 2, lambda: query("SELECT pg_terminate_backend(pg_backend_pid())"))
        ran = apply(REPAIR, "--all", "--batch-size", "1", format="table")
        assert ran.code == 1
        run = runs.public_id(OpsRun.objects.get().pk)
        assert f"manage.py {REPAIR} --resume {run}" in ran.err
        monkeypatch.undo()
        assert done(operate(REPAIR, "--resume", run, "--yes")) == courses

    def test_lets_go_of_the_lock(self) -> None:
        with pytest.raises(OperationalError), holding.alone(REPAIR):
            raise OperationalError
        with holding.alone(REPAIR):
            pass

    def test_before_it_began_does_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def away(*_: object, **__: object) -> None:
            raise OperationalError("the database is away")

        broken_courses(1)
        monkeypatch.setattr(runs, "begin", away)
        ran = apply(REPAIR, "--all")
        assert (ran.code, OpsRun.objects.count()) == (1, 0)


def a_broken_world() -> list[UUID]:
    """Courses in which most things are wrong that can be."""
    archived, *_ = a_full_course(capacity=1, waiting=2)
    idle, *_ = a_full_course(capacity=1, waiting=3)
    crowded, *_ = a_full_course(capacity=3, waiting=1)
    set_places(archived, status="archived", waiting=1)
    set_places(idle, capacity=3)
    set_places(crowded, capacity=1, seats_taken=0)
    for number in range(1, 3):
        a_stray_row(idle, "withdrawn", learner_id=a_learner(), at=clock.now() + timedelta(hours=number))
    return [archived, idle, crowded]


def state_of(courses: list[UUID]) -> list[object]:
    """Everything that matters of the courses: their counters, their rows in their order, and what was told of them."""
    return [
        (
            seats_and_line(course_id),
            list(
                EnrollmentRow.objects.filter(course_id=course_id)
                .order_by("joined_at", "id")
                .values_list("status", "source", "queue_number")
            ),
            Counter(Event.objects.filter(course=crs(course_id)).values_list("type", flat=True)),
        )
        for course_id in courses
    ]


def scope_of(courses: list[UUID]) -> list[str]:
    return [word for course_id in courses for word in ("--course", crs(course_id))]


@pytest.mark.django_db(transaction=True)
class TestKilled:
    def die(self, instant: str, *arguments: str) -> int | None:
        """How the process ends that runs the command with these arguments and is killed at its first item."""
        code = run_apart(repair, instant, *arguments)
        wait_until_others_are_gone()
        return code

    def test_at_every_item_it_comes_to_what_one_run_comes_to(self) -> None:
        whole, pieces = a_broken_world(), a_broken_world()
        assert state_of(whole) == state_of(pieces)
        expected = apply(REPAIR, *scope_of(whole), "--move-to-waitlist", "--batch-size", "1")
        instants = cycle(["before the commit", "after the commit"])
        killed = self.die(next(instants), "--apply", "--move-to-waitlist", *scope_of(pieces))
        assert killed == -signal.SIGKILL
        run = runs.public_id(OpsRun.objects.latest("pk").pk)
        deaths = 1
        while (code := self.die(next(instants), "--resume", run)) == -signal.SIGKILL:
            deaths += 1
        assert code == 0
        assert deaths >= len(expected.items)
        assert state_of(pieces) == state_of(whole)
        # Each item was done once, and noted as the one run noted it.
        outcomes = [
            list(OpsItem.objects.filter(run=each).order_by("pk").values_list("kind", "outcome", "code"))
            for each in OpsRun.objects.order_by("pk")
        ]
        assert outcomes[0] == outcomes[1]
