"""What each check finds, and what becomes of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common import clock
from common.models import ArchivedMonth
from common.tests.factories import a_learner, usr
from common.tests.operating import apply, operate
from common.tests.recorded import recording
from courses.tests.factories import (
    an_archived_course,
    an_open_course,
    change,
    close,
    crs,
    places_of,
    reopen,
    seats_and_line,
)
from enrollments.models import Enrollment as EnrollmentRow
from enrollments.tests.broken import a_stray_row, forget_events, set_places, set_row, without_live_index
from enrollments.tests.factories import (
    a_full_course,
    a_partner,
    an_enrollment,
    complete,
    counters_equal_rows,
    enr,
    learners,
    line,
    ptn,
    row_of,
    status_of,
    withdraw,
    wle,
)

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def check(name: str, *scope: str) -> list[dict[str, Any]]:
    """What a dry run of this check finds."""
    ran = operate("repair_enrollments", *(scope or ("--all",)), "--check", name)
    assert ran.code == (3 if ran.items else 0)
    return ran.items


def mend(name: str, *options: str) -> list[tuple[str, str]]:
    """What each finding of this check came to; nothing is found afterwards, unless something was left as it was."""
    ran = apply("repair_enrollments", "--all", "--check", name, *options)
    assert ran.code == (0 if all(item["outcome"] == "done" for item in ran.items) else 1)
    if ran.code == 0:
        assert check(name) == []
    return [(item["outcome"], item["code"]) for item in ran.items]


class TestSeatCounters:
    def test_finds_a_wrong_number_and_says_the_right_one(self) -> None:
        course_id, *_ = a_full_course(capacity=2, waiting=1)
        an_open_course(capacity=3)
        set_places(course_id, seats_taken=1, waiting=4)
        (found,) = check("seat-counters")
        assert (found["subject"], found["course_id"], found["outcome"]) == (crs(course_id), crs(course_id), "planned")
        assert found["before"] == {"seats_taken": 1, "waiting": 4, "last_queue_number": 1}
        assert found["after"] == {"seats_taken": 2, "waiting": 1, "last_queue_number": 1}

    def test_counts_anew_and_tells_of_it(self) -> None:
        course_id, *_ = a_full_course(capacity=2, waiting=1)
        set_places(course_id, seats_taken=0, waiting=0)
        with recording() as events:
            assert mend("seat-counters") == [("done", "recounted")]
        assert seats_and_line(course_id) == (2, 1)
        (event,) = events
        assert (event.type, event.subject, event.course) == ("enrollment.repaired", crs(course_id), crs(course_id))
        assert (event.actor, event.request_id[:4]) == ("operator:ada", "run_")
        assert event.data["check"] == "seat-counters"
        assert (event.data["before"]["seats_taken"], event.data["after"]["seats_taken"]) == (0, 2)

    def test_brings_a_queue_number_back_up_but_never_down(self) -> None:
        course_id, *_ = a_full_course(waiting=2)
        set_places(course_id, last_queue_number=1)
        assert mend("seat-counters") == [("done", "recounted")]
        set_places(course_id, last_queue_number=7)
        assert check("seat-counters") == []

    def test_of_a_course_without_rows_counts_nothing(self) -> None:
        course_id = an_open_course(capacity=3)
        set_places(course_id, seats_taken=3)
        assert mend("seat-counters") == [("done", "recounted")]
        assert seats_and_line(course_id) == (0, 0)

    def test_can_only_say_of_a_crowded_course_that_all_seats_are_taken(self) -> None:
        course_id, *_ = a_full_course(capacity=2)
        a_stray_row(course_id, "active")
        assert check("seat-counters") == []
        set_places(course_id, seats_taken=0)
        assert mend("seat-counters") == [("done", "recounted")]
        assert seats_and_line(course_id) == (2, 0)


class TestIdleSeats:
    def test_are_given_to_the_heads_of_the_line(self) -> None:
        course_id, _, (first, second, third) = a_full_course(capacity=1, waiting=3)
        set_places(course_id, capacity=3)
        found = check("idle-seats")
        assert [item["subject"] for item in found] == [enr(row_of(course_id, each)) for each in (first, second)]
        with recording() as events:
            assert mend("idle-seats") == [("done", "promoted")] * 2
        assert line(course_id) == [third]
        assert [EnrollmentRow.objects.get(learner=each).source for each in (first, second)] == ["waitlist"] * 2
        assert counters_equal_rows(course_id)
        assert [(event.type, event.subject) for event in events] == [
            ("waitlist.promoted", wle(row_of(course_id, each))) for each in (first, second)
        ]

    def test_of_an_unlimited_course_are_for_everybody(self) -> None:
        course_id, *_ = a_full_course(waiting=3)
        set_places(course_id, capacity=None)
        assert mend("idle-seats") == [("done", "promoted")] * 3

    def test_are_none_while_the_course_takes_nobody(self) -> None:
        course_id, *_ = a_full_course(waiting=1)
        set_places(course_id, capacity=2)
        close(course_id)
        assert check("idle-seats") == []
        reopen(course_id)
        assert len(check("idle-seats")) == 1
        set_places(course_id, enrollment_opens_at=clock.now() + HOUR)
        assert check("idle-seats") == []

    def test_are_seen_through_wrong_counters_but_not_given_by_them(self) -> None:
        course_id, *_ = a_full_course(waiting=1)
        set_places(course_id, capacity=2, seats_taken=2)
        assert len(check("idle-seats")) == 1
        assert mend("idle-seats") == [("refused", "counters_differ")]
        ran = apply("repair_enrollments", "--all")
        assert ran.outcomes == [("seat-counters", "done", "recounted"), ("idle-seats", "done", "promoted")]


class TestOverCapacity:
    def test_is_only_reported_unless_told_what_to_do(self) -> None:
        course_id, *_ = a_full_course(capacity=2)
        last = a_stray_row(course_id, "active")
        (found,) = check("over-capacity")
        assert found["subject"] == enr(last)
        assert "--move-to-waitlist" in str(found["detail"])
        assert mend("over-capacity") == [("refused", "needs_a_decision")]
        assert len(learners(course_id, "active")) == 3

    def test_moves_the_last_to_come_to_the_head_of_the_line_in_their_order(self) -> None:
        course_id, (early, late), waiting = a_full_course(capacity=2, waiting=2)
        now = clock.now()
        later, last = (a_learner(), a_learner())
        for learner, at in ((last, now + 2 * HOUR), (later, now + HOUR)):
            a_stray_row(course_id, "active", learner_id=learner, at=at)
        with recording() as events:
            assert mend("over-capacity", "--move-to-waitlist") == [("done", "moved_to_waitlist")] * 2
        assert learners(course_id, "active") == [early, late]
        assert line(course_id) == [later, last, *waiting]
        assert counters_equal_rows(course_id)
        assert {event.type for event in events} == {"enrollment.repaired"}
        assert {event.data["learner_id"] for event in events} == {usr(later), usr(last)}

    def test_finds_the_right_order_also_when_they_are_moved_one_by_one(self) -> None:
        course_id, _, waiting = a_full_course(capacity=1, waiting=1)
        now, crowd = clock.now(), [a_learner() for _ in range(3)]
        for number, learner in enumerate(crowd, start=1):
            a_stray_row(course_id, "active", learner_id=learner, at=now + number * HOUR)
        mend("over-capacity", "--move-to-waitlist", "--batch-size", "1")
        assert line(course_id) == [*crowd, *waiting]

    def test_moves_again_whom_it_has_moved_before(self) -> None:
        course_id, (seated,), waiting = a_full_course(capacity=1, waiting=1)
        set_places(course_id, capacity=0, seats_taken=0)
        mend("over-capacity", "--move-to-waitlist")
        change(course_id, capacity=1)
        apply("repair_enrollments", "--all", "--check", "idle-seats")
        set_places(course_id, capacity=0, seats_taken=0)
        mend("over-capacity", "--move-to-waitlist")
        assert line(course_id) == [seated, *waiting]

    def test_never_takes_the_seat_of_a_completed_enrollment(self) -> None:
        course_id = an_open_course(capacity=2)
        first, second = an_enrollment(course_id), an_enrollment(course_id)
        complete(second.id)
        set_places(course_id, capacity=1, seats_taken=1)
        assert mend("over-capacity", "--move-to-waitlist") == [("done", "moved_to_waitlist")]
        assert line(course_id) == [first.learner_id]
        set_places(course_id, capacity=0, seats_taken=0)
        assert mend("over-capacity", "--move-to-waitlist") == [("refused", "enrollment_completed")]

    def test_lets_nobody_wait_for_an_archived_course(self) -> None:
        course_id = an_archived_course(capacity=0)
        a_stray_row(course_id, "active")
        assert mend("over-capacity", "--move-to-waitlist") == [("refused", "course_archived")]


class TestBothStandings:
    def test_leaves_the_seat_and_takes_the_place_in_line(self) -> None:
        course_id, (seated,), _ = a_full_course(waiting=1)
        with without_live_index():
            doubled = a_stray_row(course_id, "waiting", learner_id=seated, queue_number=2)
            set_places(course_id, waiting=2, last_queue_number=2)
            (found,) = check("both-standings")
            assert (found["subject"], found["after"]) == (enr(doubled), {"status": "left"})
            assert mend("both-standings") == [("done", "ended")]
        assert seats_and_line(course_id) == (1, 1)
        assert learners(course_id, "active", "left") == [seated, seated]

    def test_leaves_what_the_learner_would_miss_most(self) -> None:
        course_id, learner = an_open_course(), a_learner()
        with without_live_index():
            kept = a_stray_row(course_id, "completed", learner_id=learner)
            a_stray_row(course_id, "active", learner_id=learner, at=clock.now() - HOUR)
            a_stray_row(course_id, "waiting", learner_id=learner, queue_number=1)
            set_places(course_id, seats_taken=2, waiting=1)
            assert mend("both-standings") == [("done", "ended")] * 2
        assert seats_and_line(course_id) == (1, 0)
        statuses = dict(EnrollmentRow.objects.values_list("pk", "status"))
        assert statuses.pop(kept) == "completed"
        assert sorted(statuses.values()) == ["left", "revoked"]

    def test_lets_the_same_learner_be_in_two_courses(self) -> None:
        learner = a_learner()
        an_enrollment(an_open_course(), learner)
        an_enrollment(an_open_course(), learner)
        assert check("both-standings") == []


class TestOrphanedWaiting:
    def test_ends(self) -> None:
        course_id, _, waiting = a_full_course(waiting=2)
        a_full_course(waiting=1)
        set_places(course_id, status="archived")
        with recording() as events:
            assert mend("orphaned-waiting") == [("done", "expired")] * 2
        assert [status_of(course_id, each) for each in waiting] == ["expired"] * 2
        assert seats_and_line(course_id) == (1, 0)
        assert [event.type for event in events] == ["waitlist.expired"] * 2

    def test_ends_also_where_the_counter_knew_of_nobody(self) -> None:
        course_id, *_ = a_full_course(waiting=2)
        set_places(course_id, status="archived", waiting=1)
        assert mend("orphaned-waiting") == [("done", "expired")] * 2
        assert seats_and_line(course_id) == (1, 0)


class TestMissingEvents:
    def test_are_recorded_with_the_time_at_which_they_should_have_been(self) -> None:
        course_id = an_open_course()
        row_id = a_stray_row(course_id, "withdrawn")
        (found,) = check("missing-events")
        row = EnrollmentRow.objects.get(pk=row_id)
        with recording() as events:
            assert mend("missing-events") == [("done", "recorded")]
        assert [(event.type, event.subject) for event in events] == [
            ("enrollment.created", enr(row_id)),
            ("enrollment.withdrawn", enr(row_id)),
        ]
        times = {"enrollment.created": row.enrolled_at, "enrollment.withdrawn": row.ended_at}
        told = {event.type: event.data["happened_at"] for event in events}
        assert all(time.endswith("Z") for time in told.values())
        assert {type: datetime.fromisoformat(time) for type, time in told.items()} == times
        missing = found["after"]["missing"]
        assert {type: datetime.fromisoformat(time) for type, time in missing.items()} == times
        assert events[0].data["learner_id"] == usr(row.learner_id)

    def test_are_none_after_whatever_use_cases_do(self) -> None:
        course_id, (first, _), (head, *_, tail) = a_full_course(capacity=2, waiting=4)
        withdraw(course_id, first)
        withdraw(course_id, tail)
        complete(row_of(course_id, head))
        close(course_id)
        assert check("missing-events") == []
        for subject, type in (
            (enr(row_of(course_id, first)), "enrollment.withdrawn"),
            (enr(row_of(course_id, head)), "enrollment.completed"),
            (wle(row_of(course_id, head)), "waitlist.promoted"),
            (wle(row_of(course_id, tail)), "waitlist.joined"),
            (wle(row_of(course_id, tail)), "waitlist.left"),
        ):
            forget_events(subject, type)
        found = {(item["subject"], type) for item in check("missing-events") for type in item["after"]["missing"]}
        assert found == {
            (enr(row_of(course_id, first)), "enrollment.withdrawn"),
            (enr(row_of(course_id, head)), "enrollment.completed"),
            (enr(row_of(course_id, head)), "waitlist.promoted"),
            (enr(row_of(course_id, tail)), "waitlist.joined"),
            (enr(row_of(course_id, tail)), "waitlist.left"),
        }

    def test_are_none_where_a_repair_told_of_what_it_changed(self) -> None:
        course_id, (seated,), _ = a_full_course()
        set_places(course_id, capacity=0, seats_taken=0)
        mend("over-capacity", "--move-to-waitlist")
        assert check("missing-events") == []
        forget_events(enr(row_of(course_id, seated)), "enrollment.repaired")
        assert len(check("missing-events")) == 1

    def test_are_none_of_a_time_that_was_moved_out_of_the_log(self) -> None:
        then = datetime(2024, 2, 1, tzinfo=UTC)
        course_id = an_open_course(capacity=5)
        a_stray_row(course_id, "active", at=then - timedelta(days=1))
        later = a_stray_row(course_id, "active", at=then + timedelta(days=1))
        ArchivedMonth.objects.create(number=202401, events=1, last_position=1, last_time=then)
        assert [item["subject"] for item in check("missing-events")] == [enr(later)]


class TestScope:
    def test_is_one_course(self) -> None:
        here, there = an_open_course(), an_open_course()
        for course_id in (here, there):
            set_places(course_id, seats_taken=3)
            a_stray_row(course_id, "active")
        found = operate("repair_enrollments", "--course", crs(here)).items
        assert {item["course_id"] for item in found} == {crs(here)}
        assert [item["check"] for item in found] == ["seat-counters", "missing-events"]
        both = operate("repair_enrollments", "--course", crs(here), "--course", crs(there)).items
        assert len(both) == 4

    def test_is_what_came_through_a_partner_and_the_courses_of_that(self) -> None:
        partner_id, here, there = a_partner(), an_open_course(), an_open_course()
        mine, others = a_stray_row(here, "active"), a_stray_row(here, "active")
        set_row(mine, partner_id=partner_id, external_id="e-1")
        a_stray_row(there, "active")
        found = operate("repair_enrollments", "--partner", ptn(partner_id)).items
        assert [(item["check"], item["subject"]) for item in found] == [
            ("seat-counters", crs(here)),
            ("missing-events", enr(mine)),
        ]
        assert places_of(here).seats_taken == 0
        assert others != mine
