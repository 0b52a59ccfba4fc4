"""Repairs beside live traffic: no seat too many, nobody lost, no deadlock that is given up on."""

from collections.abc import Sequence
from threading import Event, Thread
from uuid import UUID

import pytest
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from common.ops import kinds
from common.ops.holding import alone
from common.ops.types import Item, Result, Work
from common.tests.factories import a_learner
from common.tests.operating import Ran, apply, operate
from common.tests.patience import PATIENCE_SECONDS
from common.tests.races import holding, rival, wave
from courses.tests.factories import an_open_course, crs, places_of, seats_and_line
from enrollments.models import Enrollment as EnrollmentRow
from enrollments.tests.broken import a_stray_row, set_places
from enrollments.tests.factories import (
    a_full_course,
    an_enrollment,
    counters_equal_rows,
    enroll,
    learners,
    line,
    withdraw,
)

pytestmark = pytest.mark.django_db(transaction=True)

REPAIR = "repair_enrollments"
CLIENTS = 16


def repair(course_id: UUID) -> Ran:
    return apply(REPAIR, "--course", crs(course_id))


class TestOneRival:
    def test_who_enrolls_meanwhile_is_counted(self) -> None:
        course_id = an_open_course(capacity=5)
        an_enrollment(course_id)
        set_places(course_id, seats_taken=0)
        newcomer = a_learner()
        with holding(lambda: enroll(course_id, newcomer)) as first, rival(lambda: repair(course_id)) as operator:
            assert operator.waits_for(first)
            first.commit()
            assert operator.result().code == 0
        assert seats_and_line(course_id) == (2, 0)

    def test_who_leaves_meanwhile_has_no_seat_given_away_twice(self) -> None:
        course_id, (seated, other), (head, last) = a_full_course(capacity=2, waiting=2)
        set_places(course_id, capacity=3)
        with holding(lambda: withdraw(course_id, seated)) as first, rival(lambda: repair(course_id)) as operator:
            assert operator.waits_for(first)
            first.commit()
            ran = operator.result()
        # The seat that was found free is; but whom it was to be given to has got the one that came free since.
        assert ran.outcomes == [("idle-seats", "unneeded", "")]
        assert set(learners(course_id, "active")) == {other, head}
        assert repair(course_id).outcomes == [("idle-seats", "done", "promoted")]
        assert (set(learners(course_id, "active")), line(course_id)) == ({other, head, last}, [])
        assert counters_equal_rows(course_id)

    def test_a_newcomer_waits_for_the_repair_and_takes_no_seat_that_is_taken(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        course_id, *_ = a_full_course(capacity=2)
        set_places(course_id, seats_taken=0)
        check, newcomer = kinds.checks()["seat-counters"], a_learner()
        mend, mended, may_commit = check.mend, Event(), Event()

        def stopping(items: Sequence[Item], work: Work) -> list[Result]:
            results = mend(items, work)
            mended.set()
            assert may_commit.wait(PATIENCE_SECONDS)
            return results

        monkeypatch.setattr(check, "mend", stopping)
        with rival(lambda: repair(course_id)) as operator:
            assert mended.wait(PATIENCE_SECONDS)
            with rival(lambda: enroll(course_id, newcomer)) as client:
                assert client.waits_for(operator)
                may_commit.set()
                client.result()
            assert operator.result().code == 0
        assert (len(learners(course_id, "active")), line(course_id)) == (2, [newcomer])


class TestSixteenClients:
    def test_enroll_and_withdraw_while_everything_is_repaired_again_and_again(self) -> None:
        courses = sorted(a_full_course(capacity=6, waiting=2)[0] for _ in range(4))
        people = [a_learner() for _ in range(CLIENTS * 3)]
        ended, repairs = Event(), []

        def drift_and_repair() -> None:
            """Each time the counter of another course is too high: too low, it would give away what is taken."""
            try:
                for turn in range(200):
                    if ended.is_set():
                        return
                    drift(courses[turn % len(courses)])
                    repairs.append(apply(REPAIR, "--all", "--batch-size", "3"))
            finally:
                connections.close_all()

        def client(number: int) -> None:
            learner = people[number]
            for course_id in courses[number % 4 :] + courses[: number % 4]:
                enroll(course_id, learner)
                withdraw(course_id, learner)
                enroll(course_id, learner)

        operator = Thread(target=drift_and_repair)
        operator.start()
        try:
            outcomes = wave(client, range(len(people)))
        finally:
            ended.set()
            operator.join()
        assert outcomes == [None] * len(people)
        assert len(repairs) >= 2
        assert [(ran.code, ran.err) for ran in repairs if not ran.out] == []
        failed = [item for ran in repairs for item in ran.items if item["outcome"] == "failed"]
        assert failed == []
        last = apply(REPAIR, "--all")
        assert last.code == 0
        assert operate(REPAIR, "--all").code == 0
        for course_id in courses:
            assert counters_equal_rows(course_id)
            assert places_of(course_id).seats_taken <= 6
            live = EnrollmentRow.objects.filter(course_id=course_id, status__in=["active", "waiting"])
            assert live.count() == 6 + 2 + len(people)


def drift(course_id: UUID) -> None:
    """One person more waits, by the counter, than by the rows."""
    set_places(course_id, waiting=places_of(course_id).waiting + 1)


class TestOperators:
    def test_two_do_not_run_the_same_repair(self) -> None:
        course_id = an_open_course(capacity=1)
        a_stray_row(course_id, "active")
        set_places(course_id, capacity=2)
        newcomer = a_learner()
        with holding(lambda: enroll(course_id, newcomer)) as client, rival(lambda: repair(course_id)) as first:
            assert first.waits_for(client)
            second = apply(REPAIR, "--all")
            client.commit()
            assert first.result().code == 0
        assert second.code == 2
        assert "Somebody runs repair_enrollments at the moment (perhaps ada, run_" in second.err

    def test_the_next_is_not_refused_because_the_server_has_not_heard_yet_that_the_last_is_gone(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        left_open = []

        def leave_open(wrapper: BaseDatabaseWrapper) -> None:
            left_open.append(wrapper)

        with monkeypatch.context() as patched:
            patched.setattr(BaseDatabaseWrapper, "close", leave_open)
            with alone(REPAIR):
                pass
            with pytest.raises(RuntimeError), alone(REPAIR):
                raise RuntimeError
            with alone(REPAIR):
                pass
        for each in left_open:
            each.close()
