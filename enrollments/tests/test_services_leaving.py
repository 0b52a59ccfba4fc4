from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from common.errors import PreconditionFailed
from common.models import Event
from common.tests.factories import NOW, SYSTEM, a_learner, usr
from common.tests.recorded import recording
from common.tests.unchanged import nothing_changed
from courses.tests.factories import an_open_course, archive, change, close, crs, seats_and_line
from enrollments import services as enrollments
from enrollments.models import Enrollment as EnrollmentRow
from enrollments.tests.factories import (
    a_full_course,
    a_place_in_line,
    an_enrollment,
    complete,
    enr,
    learners,
    line,
    promote,
    revoke,
    status_of,
    withdraw,
    wle,
)

pytestmark = pytest.mark.django_db
UNKNOWN = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


def told(events: list[Event]) -> list[tuple[str, str]]:
    """Type and subject of each event, all of which have the actor and the request of their cause."""
    assert {(event.actor, event.request_id) for event in events} <= {(SYSTEM.name, SYSTEM.request_id)}
    return [(event.type, event.subject) for event in events]


def row_of(learner_id: UUID) -> EnrollmentRow:
    """The learner's only row."""
    return EnrollmentRow.objects.get(learner_id=learner_id)


class TestWithdraw:
    def test_frees_the_seat_if_nobody_waits(self) -> None:
        course_id, (seated,), _ = a_full_course()
        assert withdraw(course_id, seated) == "withdrawn"
        row = row_of(seated)
        assert (row.status, row.ended_at is not None) == ("withdrawn", True)
        assert seats_and_line(course_id) == (0, 0)

    def test_hands_the_seat_to_the_head_of_the_line(self) -> None:
        course_id, (seated,), (first, second) = a_full_course(waiting=2)
        entry_id = row_of(first).pk
        withdraw(course_id, seated)
        promoted = enrollments.get_enrollment(enrollment_id=entry_id)
        assert (promoted.status, promoted.source, promoted.learner_id) == ("active", "waitlist", first)
        assert (row_of(first).joined_at <= promoted.enrolled_at, promoted.ended_at) == (True, None)
        assert (seats_and_line(course_id), line(course_id)) == ((1, 1), [second])

    def test_moves_the_line_in_the_order_in_which_it_was_joined(self) -> None:
        course_id, seated, waiting = a_full_course(capacity=3, waiting=3)
        for index, learner_id in enumerate(reversed(seated), start=1):
            withdraw(course_id, learner_id)
            assert [each for each in waiting if status_of(course_id, each) == "active"] == waiting[:index]
        assert seats_and_line(course_id) == (3, 0)

    @pytest.mark.parametrize("state", ["closed", "archived", "before the window", "after the window"])
    def test_hands_no_seat_over_in_a_course_that_is_not_open(self, state: str) -> None:
        course_id, (seated,), (waits,) = a_full_course(waiting=1)
        match state:
            case "closed":
                close(course_id)
            case "archived":
                close(course_id)
                archive(course_id)
            case "before the window":
                change(course_id, enrollment_opens_at=NOW + timedelta(hours=1))
            case "after the window":
                change(course_id, enrollment_closes_at=NOW)
        with recording() as events:
            assert withdraw(course_id, seated) == "withdrawn"
        assert told(events) == [("enrollment.withdrawn", enr(row_of(seated).pk))]
        assert (seats_and_line(course_id), line(course_id)) == ((0, 1), [waits])

    def test_hands_the_seat_over_also_when_the_line_takes_no_more(self) -> None:
        course_id, (seated,), (waits,) = a_full_course(waiting=1)
        change(course_id, waitlist_enabled=False)
        withdraw(course_id, seated)
        assert learners(course_id, "active") == [waits]

    def test_hands_over_one_seat_and_not_those_whose_promotion_is_under_way(self) -> None:
        course_id, (seated,), waiting = a_full_course(waiting=3)
        change(course_id, capacity=3)
        withdraw(course_id, seated)
        assert (learners(course_id, "active"), line(course_id)) == (waiting[:1], waiting[1:])
        assert promote(course_id) == 2
        assert learners(course_id, "active") == waiting

    def test_lets_whoever_waits_leave_the_line_and_those_behind_move_up(self) -> None:
        course_id, _, (first, second, third) = a_full_course(waiting=3)
        assert withdraw(course_id, second) == "left_waitlist"
        row = row_of(second)
        assert (row.status, row.enrolled_at, row.ended_at is not None) == ("left", None, True)
        assert (seats_and_line(course_id), line(course_id)) == ((1, 2), [first, third])
        assert _position(course_id, third) == 2

    def test_refuses_a_completed_enrollment(self) -> None:
        course_id = an_open_course()
        enrollment = an_enrollment(course_id)
        complete(enrollment.id)
        with nothing_changed(), pytest.raises(enrollments.EnrollmentCompleted) as refusal:
            withdraw(course_id, enrollment.learner_id)
        assert refusal.value.details == {"enrollment_id": enr(enrollment.id)}

    def test_refuses_whoever_neither_is_in_nor_waits(self) -> None:
        course_id, (seated,), (waits,) = a_full_course(waiting=1)
        withdraw(course_id, waits)
        withdraw(course_id, seated)
        for learner_id in (seated, waits, a_learner()):
            with nothing_changed(), pytest.raises(enrollments.EnrollmentNotFound):
                withdraw(course_id, learner_id)

    def test_refuses_in_a_course_that_is_none(self) -> None:
        learner_id = a_learner()
        with nothing_changed(), pytest.raises(enrollments.EnrollmentNotFound):
            withdraw(UNKNOWN, learner_id)

    def test_refuses_when_the_place_in_line_has_become_a_seat_since_the_caller_looked(self) -> None:
        course_id, (seated,), (waits,) = a_full_course(waiting=1)
        version = enrollments.get_standing(course_id=course_id, learner_id=waits).version
        withdraw(course_id, seated)
        with nothing_changed(), pytest.raises(PreconditionFailed):
            _withdraw_at(course_id, waits, version)
        version = enrollments.get_standing(course_id=course_id, learner_id=waits).version
        assert _withdraw_at(course_id, waits, version).outcome == "withdrawn"

    def test_takes_a_version_from_before_the_line_moved(self) -> None:
        course_id, _, (first, second) = a_full_course(waiting=2)
        version = enrollments.get_standing(course_id=course_id, learner_id=second).version
        withdraw(course_id, first)
        assert _withdraw_at(course_id, second, version).outcome == "left_waitlist"

    def test_records_the_withdrawal_and_then_the_promotion(self) -> None:
        course_id, (seated,), (waits,) = a_full_course(waiting=1)
        with recording() as events:
            withdraw(course_id, seated)
        left, came = row_of(seated).pk, row_of(waits).pk
        assert told(events) == [("enrollment.withdrawn", enr(left)), ("waitlist.promoted", wle(came))]
        assert [event.course for event in events] == [crs(course_id)] * 2
        assert [event.data for event in events] == [
            {"course_id": crs(course_id), "learner_id": usr(seated), "enrollment_id": enr(left)},
            {"course_id": crs(course_id), "learner_id": usr(waits), "enrollment_id": enr(came)},
        ]

    def test_records_one_event_for_leaving_the_line(self) -> None:
        course_id, _, (waits,) = a_full_course(waiting=1)
        with recording() as events:
            withdraw(course_id, waits)
        entry_id = row_of(waits).pk
        assert told(events) == [("waitlist.left", wle(entry_id))]
        expected = {"course_id": crs(course_id), "learner_id": usr(waits), "enrollment_id": enr(entry_id)}
        assert events[0].data == expected


class TestComplete:
    def test_ends_the_enrollment_and_keeps_its_seat(self) -> None:
        course_id, (seated,), (waits,) = a_full_course(waiting=1)
        outcome = complete(row_of(seated).pk)
        row = row_of(seated)
        assert (outcome.outcome, outcome.triggered) == ("completed", [])
        assert (outcome.enrollment.status, outcome.enrollment.ended_at) == ("completed", row.ended_at)
        assert row.ended_at is not None
        assert (seats_and_line(course_id), line(course_id)) == ((1, 1), [waits])

    def test_is_possible_whatever_the_state_of_the_course(self) -> None:
        course_id, (seated, other), _ = a_full_course(capacity=2)
        close(course_id)
        assert complete(row_of(seated).pk).outcome == "completed"
        archive(course_id)
        assert complete(row_of(other).pk).outcome == "completed"

    def test_records_one_event_with_the_reason(self) -> None:
        course_id, (seated,), _ = a_full_course(waiting=1)
        enrollment_id = row_of(seated).pk
        with recording() as events:
            complete(enrollment_id, "Passed the exam.")
        assert told(events) == [("enrollment.completed", enr(enrollment_id))]
        assert events[0].data == {
            "course_id": crs(course_id),
            "learner_id": usr(seated),
            "enrollment_id": enr(enrollment_id),
            "reason": "Passed the exam.",
        }


class TestRevoke:
    def test_ends_the_enrollment_and_frees_its_seat(self) -> None:
        course_id, (seated,), _ = a_full_course()
        outcome = revoke(row_of(seated).pk)
        assert (outcome.outcome, outcome.triggered) == ("revoked", [])
        assert outcome.message == "The enrollment is revoked."
        assert (outcome.enrollment.status, outcome.enrollment.ended_at) == ("revoked", row_of(seated).ended_at)
        assert seats_and_line(course_id) == (0, 0)

    def test_hands_the_seat_to_the_head_of_the_line_and_says_so(self) -> None:
        course_id, (seated,), (first, second) = a_full_course(waiting=2)
        outcome = revoke(row_of(seated).pk)
        assert outcome.triggered == ["waitlist_promotion"]
        assert outcome.message == "The enrollment is revoked. Its seat went to the head of the waitlist."
        assert (learners(course_id, "active"), line(course_id)) == ([first], [second])
        assert seats_and_line(course_id) == (1, 1)

    def test_hands_no_seat_over_in_a_closed_course(self) -> None:
        course_id, (seated,), (waits,) = a_full_course(waiting=1)
        close(course_id)
        assert revoke(row_of(seated).pk).triggered == []
        assert (seats_and_line(course_id), line(course_id)) == ((0, 1), [waits])

    def test_records_the_revocation_with_its_reason_and_then_the_promotion(self) -> None:
        course_id, (seated,), (waits,) = a_full_course(waiting=1)
        enrollment_id = row_of(seated).pk
        with recording() as events:
            revoke(enrollment_id, "Did not pay.")
        assert told(events) == [
            ("enrollment.revoked", enr(enrollment_id)),
            ("waitlist.promoted", wle(row_of(waits).pk)),
        ]
        assert events[0].data == {
            "course_id": crs(course_id),
            "learner_id": usr(seated),
            "enrollment_id": enr(enrollment_id),
            "reason": "Did not pay.",
        }


@pytest.mark.parametrize("use_case", [complete, revoke])
class TestCompleteAndRevoke:
    @pytest.mark.parametrize("end", ["completed", "revoked", "withdrawn"])
    def test_refuse_an_enrollment_that_has_ended(
        self, use_case: Callable[[UUID], enrollments.EnrollmentChanged], end: str
    ) -> None:
        course_id = an_open_course()
        enrollment = an_enrollment(course_id)
        match end:
            case "completed":
                complete(enrollment.id)
            case "revoked":
                revoke(enrollment.id)
            case "withdrawn":
                withdraw(course_id, enrollment.learner_id)
        with nothing_changed(), pytest.raises(enrollments.InvalidEnrollmentTransition) as refusal:
            use_case(enrollment.id)
        assert refusal.value.details == {"current_status": end}

    def test_do_not_know_a_place_in_line(self, use_case: Callable[[UUID], enrollments.EnrollmentChanged]) -> None:
        course_id, _, _ = a_full_course()
        entry = a_place_in_line(course_id)
        with nothing_changed(), pytest.raises(enrollments.EnrollmentNotFound):
            use_case(entry.id)

    def test_do_not_know_an_enrollment_that_is_none(
        self, use_case: Callable[[UUID], enrollments.EnrollmentChanged]
    ) -> None:
        with nothing_changed(), pytest.raises(enrollments.EnrollmentNotFound):
            use_case(UNKNOWN)

    def test_end_what_was_a_place_in_line_once_it_is_a_seat(
        self, use_case: Callable[[UUID], enrollments.EnrollmentChanged]
    ) -> None:
        course_id, (seated,), (waits,) = a_full_course(waiting=1)
        withdraw(course_id, seated)
        assert use_case(row_of(waits).pk).enrollment.source is enrollments.Source.WAITLIST


def _position(course_id: UUID, learner_id: UUID) -> int | None:
    entry = enrollments.get_standing(course_id=course_id, learner_id=learner_id).waitlist_entry
    assert entry is not None
    return entry.position


def _withdraw_at(course_id: UUID, learner_id: UUID, version: str) -> enrollments.Withdrawn:
    return enrollments.withdraw(
        course_id=course_id, learner_id=learner_id, expected_version=version, actor=SYSTEM, now=NOW
    )
