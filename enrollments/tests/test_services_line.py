from datetime import datetime, timedelta
from uuid import UUID

import pytest

from common import db, jobs
from common.tests.factories import NOW, SYSTEM, usr
from common.tests.recorded import recording
from common.tests.unchanged import nothing_changed
from common.types import Actor
from courses.tests.factories import (
    an_open_course,
    archive,
    change,
    close,
    crs,
    reopen,
    seats_and_line,
)
from enrollments import services as enrollments
from enrollments.jobs import sweep_waitlists
from enrollments.models import Enrollment as EnrollmentRow
from enrollments.services import line as moving_line
from enrollments.tests.factories import (
    a_full_course,
    a_place_in_line,
    counters_equal_rows,
    enr,
    learners,
    line,
    promote,
    withdraw,
    wle,
)

pytestmark = pytest.mark.django_db
UNKNOWN = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
HOUR = timedelta(hours=1)


def expire(course_id: UUID) -> int:
    return enrollments.expire_waitlist(course_id=course_id, actor=SYSTEM)


def changed_together(source: str) -> list[int]:
    """How many who once waited were changed by each transaction, in the order of the queue."""
    return [
        count
        for (count,) in db.fetch_all(
            "SELECT count(*) FROM enrollments_enrollment WHERE queue_number IS NOT NULL AND source = %s "
            "AND status <> 'waiting' GROUP BY xmin::text ORDER BY min(queue_number)",
            [source],
        )
    ]


@pytest.fixture
def batches_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving_line, "_BATCH", 2)


class TestPromoteWaitlist:
    def test_gives_the_free_seats_to_the_head_of_the_line(self) -> None:
        course_id, _, waiting = a_full_course(waiting=4)
        change(course_id, capacity=3)
        assert promote(course_id) == 2
        assert (learners(course_id, "active")[:2], line(course_id)) == (waiting[:2], waiting[2:])
        assert seats_and_line(course_id) == (3, 2)

    def test_gives_a_seat_to_everybody_in_a_course_that_became_unlimited(self) -> None:
        course_id, _, waiting = a_full_course(waiting=3)
        change(course_id, capacity=None)
        assert promote(course_id) == 3
        assert (learners(course_id, "active")[:3], seats_and_line(course_id)) == (waiting, (4, 0))

    def test_makes_the_place_in_line_an_enrollment_of_the_same_id(self) -> None:
        course_id, _, _ = a_full_course()
        entry = a_place_in_line(course_id)
        change(course_id, capacity=2)
        promote(course_id)
        enrollment = enrollments.get_enrollment(enrollment_id=entry.id)
        assert (enrollment.status, enrollment.source, enrollment.ended_at) == ("active", "waitlist", None)

    def test_changes_nothing_when_repeated(self) -> None:
        course_id, _, _ = a_full_course(waiting=2)
        change(course_id, capacity=2)
        assert promote(course_id) == 1
        with nothing_changed():
            assert promote(course_id) == 0

    @pytest.mark.parametrize("state", ["closed", "archived", "outside the window"])
    def test_gives_nobody_a_seat_in_a_course_that_is_not_open(self, state: str) -> None:
        course_id, _, _ = a_full_course(waiting=1)
        change(course_id, capacity=5)
        if state == "outside the window":
            change(course_id, enrollment_opens_at=NOW + HOUR)
        else:
            close(course_id)
        if state == "archived":
            archive(course_id)
        with nothing_changed():
            assert promote(course_id) == 0

    def test_refuses_in_a_course_that_is_none(self) -> None:
        with pytest.raises(enrollments.CourseNotFound):
            promote(UNKNOWN)

    def test_works_through_a_long_line_in_short_transactions_and_in_order(self, batches_of_two: None) -> None:
        course_id, _, waiting = a_full_course(waiting=7)
        change(course_id, capacity=6)
        with recording() as events:
            assert promote(course_id) == 5
        assert [event.data["learner_id"] for event in events] == [usr(learner_id) for learner_id in waiting[:5]]
        assert line(course_id) == waiting[5:]
        assert changed_together("waitlist") == [2, 2, 1]
        assert counters_equal_rows(course_id)

    def test_records_one_event_for_each_who_got_a_seat(self) -> None:
        course_id, _, waiting = a_full_course(waiting=2)
        change(course_id, capacity=3)
        with recording() as events:
            promote(course_id)
        ids = [EnrollmentRow.objects.get(learner_id=learner_id).pk for learner_id in waiting]
        assert [(event.type, event.subject) for event in events] == [("waitlist.promoted", wle(id)) for id in ids]
        assert [event.data for event in events] == [
            {"course_id": crs(course_id), "learner_id": usr(learner_id), "enrollment_id": enr(id)}
            for id, learner_id in zip(ids, waiting, strict=True)
        ]
        assert {(event.course, event.actor, event.request_id) for event in events} == {
            (crs(course_id), SYSTEM.name, SYSTEM.request_id)
        }

    def test_is_woken_by_more_capacity_in_the_name_of_the_request_that_brought_it(self) -> None:
        course_id, _, waiting = a_full_course(waiting=2)
        assert change(course_id, capacity=2).triggered == ["waitlist_promotion"]
        with recording() as events:
            assert jobs.run_pending() == 1
        assert learners(course_id, "active")[:1] == waiting[:1]
        assert [(event.actor, event.request_id) for event in events] == [
            ("system:waitlist-promotion", SYSTEM.request_id)
        ]

    def test_is_woken_by_reopening_a_course_with_free_seats(self) -> None:
        course_id, (seated,), (waits,) = a_full_course(waiting=1)
        close(course_id)
        withdraw(course_id, seated)
        assert reopen(course_id).triggered == ["waitlist_promotion"]
        jobs.run_pending()
        assert learners(course_id, "active") == [waits]


class TestExpireWaitlist:
    def test_ends_the_waiting_of_everybody_in_an_archived_course(self) -> None:
        course_id, seated, waiting = a_full_course(waiting=3)
        close(course_id)
        archive(course_id)
        assert expire(course_id) == 3
        assert (learners(course_id, "expired"), learners(course_id, "active")) == (waiting, seated)
        assert not EnrollmentRow.objects.filter(status="expired", ended_at=None).exists()
        assert seats_and_line(course_id) == (1, 0)

    def test_changes_nothing_when_repeated(self) -> None:
        course_id, _, _ = a_full_course(waiting=1)
        close(course_id)
        archive(course_id)
        expire(course_id)
        with nothing_changed():
            assert expire(course_id) == 0

    @pytest.mark.parametrize("closed", [False, True])
    def test_ends_nothing_in_a_course_that_is_not_archived(self, closed: bool) -> None:
        course_id, _, _ = a_full_course(waiting=1)
        if closed:
            close(course_id)
        with nothing_changed():
            assert expire(course_id) == 0

    def test_works_through_a_long_line_in_short_transactions(self, batches_of_two: None) -> None:
        course_id, _, _ = a_full_course(waiting=5)
        close(course_id)
        archive(course_id)
        with recording() as events:
            assert expire(course_id) == 5
        assert [event.type for event in events] == ["waitlist.expired"] * 5
        assert changed_together("self") == [2, 2, 1]
        assert counters_equal_rows(course_id)

    def test_is_woken_by_archiving_and_records_one_event_for_each(self) -> None:
        course_id, _, waiting = a_full_course(waiting=2)
        close(course_id)
        assert archive(course_id).triggered == ["waitlist_expiry"]
        with recording() as events:
            jobs.run_pending()
        ids = [EnrollmentRow.objects.get(learner_id=learner_id).pk for learner_id in waiting]
        assert [(event.type, event.subject) for event in events] == [("waitlist.expired", wle(id)) for id in ids]
        assert [event.data["learner_id"] for event in events] == [usr(learner_id) for learner_id in waiting]
        assert {(event.actor, event.request_id) for event in events} == {("system:waitlist-expiry", SYSTEM.request_id)}


class TestCoursesToPromoteIn:
    def test_are_open_ones_in_which_people_wait_although_a_seat_is_free(self) -> None:
        idle, _, _ = a_full_course(waiting=1)
        change(idle, capacity=2)
        later, _, _ = a_full_course(waiting=1)
        change(later, capacity=2, enrollment_opens_at=NOW + HOUR)
        closed, _, _ = a_full_course(waiting=1)
        change(closed, capacity=2)
        close(closed)
        a_full_course(waiting=1)
        an_open_course(capacity=5)
        assert enrollments.courses_to_promote_in(now=NOW) == [idle]
        assert set(enrollments.courses_to_promote_in(now=NOW + HOUR)) == {idle, later}


class TestSweepWaitlists:
    def test_goes_on_after_a_course_that_fails_and_reports_it_at_the_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        courses = [a_full_course(waiting=1) for _ in range(3)]
        for course_id, _, _ in courses:
            change(course_id, capacity=2)
        promote_one = enrollments.promote_waitlist
        failing = courses[0][0]

        def promote_all_but_one(*, course_id: UUID, actor: Actor, now: datetime) -> int:
            if course_id == failing:
                raise TimeoutError("the first one")
            return promote_one(course_id=course_id, actor=actor, now=now)

        monkeypatch.setattr(enrollments, "promote_waitlist", promote_all_but_one)
        with pytest.raises(ExceptionGroup) as faults:
            sweep_waitlists()
        assert [str(fault) for fault in faults.value.exceptions] == ["the first one"]
        assert [len(line(course_id)) for course_id, _, _ in courses] == [1, 0, 0]
