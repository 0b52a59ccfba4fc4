from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from common.errors import DomainError
from common.tests.factories import NOW, SYSTEM, a_learner, usr
from common.tests.recorded import recording
from common.tests.unchanged import nothing_changed
from courses.tests.factories import (
    a_closed_course,
    a_draft,
    an_archived_course,
    an_open_course,
    archive,
    change,
    close,
    crs,
    reopen,
    seats_and_line,
)
from enrollments import services as enrollments
from enrollments.models import Enrollment as EnrollmentRow
from enrollments.tests.factories import (
    a_full_course,
    a_place_in_line,
    an_enrollment,
    complete,
    counters_equal_rows,
    enr,
    enroll,
    learners,
    line,
    promote,
    revoke,
    status_of,
    withdraw,
    wle,
)

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
UNKNOWN = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


class TestTheSixRules:
    """What holds from every entry point."""

    def test_a_course_that_is_not_open_takes_nobody_and_withdrawing_is_always_possible(self) -> None:
        course_id, (seated,), (waits,) = a_full_course(waiting=1)
        newcomer = a_learner()
        close(course_id)
        with nothing_changed(), pytest.raises(enrollments.CourseClosed):
            enroll(course_id, newcomer)
        assert withdraw(course_id, seated) == "withdrawn"
        archive(course_id)
        with nothing_changed(), pytest.raises(enrollments.CourseClosed):
            enroll(course_id, newcomer)
        assert withdraw(course_id, waits) == "left_waitlist"
        assert seats_and_line(course_id) == (0, 0)

    def test_those_who_are_in_are_never_more_than_the_capacity(self) -> None:
        course_id = an_open_course(capacity=3, waitlist_enabled=True)
        for _ in range(7):
            enroll(course_id)
        revoke(EnrollmentRow.objects.filter(course_id=course_id, status="active")[0].pk)
        change(course_id, capacity=4)
        promote(course_id)
        enroll(course_id)
        assert (len(learners(course_id, "active")), len(line(course_id))) == (4, 3)

    def test_a_learner_is_in_or_waits_never_both_and_never_twice(self) -> None:
        course_id, (seated,), (waits,) = a_full_course(waiting=1)
        for learner_id, refusal in ((seated, enrollments.AlreadyEnrolled), (waits, enrollments.AlreadyWaitlisted)):
            with nothing_changed(), pytest.raises(refusal):
                enroll(course_id, learner_id)
        withdraw(course_id, seated)
        assert (learners(course_id, "active"), line(course_id)) == ([waits], [])
        a_place_in_line(course_id, seated)
        assert (learners(course_id, "active"), line(course_id)) == ([waits], [seated])

    def test_while_anyone_waits_a_newcomer_waits_too_even_if_a_seat_is_free(self) -> None:
        course_id, _, waiting = a_full_course(waiting=2)
        change(course_id, capacity=9)
        late = a_place_in_line(course_id)
        assert late.position == 3
        assert promote(course_id) == 3
        assert learners(course_id, "active")[:3] == [*waiting, late.learner_id]

    def test_a_freed_seat_goes_to_the_head_of_the_line_in_the_same_transaction(self) -> None:
        course_id, (seated,), (first, second) = a_full_course(waiting=2)
        with recording() as events, transaction.atomic():
            withdraw(course_id, seated)
            assert (learners(course_id, "active"), line(course_id)) == ([first], [second])
        assert [event.type for event in events] == ["enrollment.withdrawn", "waitlist.promoted"]
        assert seats_and_line(course_id) == (1, 1)

    def test_a_completed_enrollment_keeps_its_seat(self) -> None:
        course_id, (seated,), (waits,) = a_full_course(waiting=1)
        completed = complete(EnrollmentRow.objects.get(learner_id=seated).pk).enrollment
        with nothing_changed(), pytest.raises(enrollments.EnrollmentCompleted) as refusal:
            withdraw(course_id, seated)
        assert refusal.value.details == {"enrollment_id": enr(completed.id)}
        assert line(course_id) == [waits]
        assert seats_and_line(course_id) == (1, 1)


class TestEnroll:
    def test_gives_a_seat_while_one_is_free(self) -> None:
        course_id, learner_id = an_open_course(capacity=1), a_learner()
        outcome = enroll(course_id, learner_id)
        row = EnrollmentRow.objects.get(course_id=course_id)
        assert outcome == enrollments.Enrolled(
            enrollment=enrollments.Enrollment(
                id=row.pk,
                course_id=course_id,
                learner_id=learner_id,
                status=enrollments.Status.ACTIVE,
                source=enrollments.Source.SELF,
                enrolled_at=row.enrolled_at,
                ended_at=None,
            )
        )
        assert (row.status, row.source, row.queue_number) == ("active", "self", None)
        assert row.enrolled_at == row.joined_at
        assert seats_and_line(course_id) == (1, 0)

    def test_gives_seats_without_end_in_an_unlimited_course(self) -> None:
        course_id = an_open_course(capacity=None)
        for _ in range(5):
            an_enrollment(course_id)
        assert seats_and_line(course_id) == (5, 0)

    def test_gives_the_last_place_in_line_when_the_course_is_full(self) -> None:
        course_id, _, _ = a_full_course(waiting=2)
        learner_id = a_learner()
        outcome = enroll(course_id, learner_id)
        row = EnrollmentRow.objects.get(course_id=course_id, learner_id=learner_id)
        assert outcome == enrollments.Waitlisted(
            waitlist_entry=enrollments.WaitlistEntry(
                id=row.pk,
                course_id=course_id,
                learner_id=learner_id,
                status="waiting",
                position=3,
                joined_at=row.joined_at,
            )
        )
        assert (row.status, row.queue_number, row.enrolled_at) == ("waiting", 3, None)
        assert seats_and_line(course_id) == (1, 3)

    def test_gives_nobody_a_seat_in_a_course_with_none(self) -> None:
        course_id = an_open_course(capacity=0, waitlist_enabled=True)
        assert a_place_in_line(course_id).position == 1
        assert seats_and_line(course_id) == (0, 1)

    def test_counts_positions_anew_but_never_a_queue_number(self) -> None:
        course_id, _, (first, _) = a_full_course(waiting=2)
        withdraw(course_id, first)
        entry = a_place_in_line(course_id)
        assert entry.position == 2
        assert EnrollmentRow.objects.get(pk=entry.id).queue_number == 3

    def test_refuses_when_all_seats_are_taken_and_there_is_no_waitlist(self) -> None:
        course_id, _, _ = a_full_course(capacity=2, waitlist_enabled=False)
        newcomer = a_learner()
        with nothing_changed(), pytest.raises(enrollments.CourseFull) as refusal:
            enroll(course_id, newcomer)
        assert str(refusal.value) == "All 2 seats of this course are taken and it keeps no waitlist."

    def test_refuses_a_newcomer_while_somebody_waits_in_a_line_that_takes_no_more(self) -> None:
        course_id, _, _ = a_full_course(waiting=1)
        change(course_id, waitlist_enabled=False, capacity=5)
        newcomer = a_learner()
        with nothing_changed(), pytest.raises(enrollments.CourseFull):
            enroll(course_id, newcomer)

    @pytest.mark.parametrize(
        ("course", "values"),
        [
            (a_closed_course, {}),
            (an_archived_course, {}),
            (an_open_course, {"enrollment_opens_at": NOW + HOUR}),
            (an_open_course, {"enrollment_closes_at": NOW}),
        ],
    )
    def test_refuses_in_a_course_that_is_not_open(self, course: Any, values: dict[str, Any]) -> None:
        course_id, learner_id = course(**values), a_learner()
        with nothing_changed(), pytest.raises(enrollments.CourseClosed):
            enroll(course_id, learner_id)

    def test_does_not_know_a_draft(self) -> None:
        course_id, learner_id = a_draft(), a_learner()
        with nothing_changed(), pytest.raises(enrollments.CourseNotFound):
            enroll(course_id, learner_id)

    def test_does_not_know_a_course_that_is_none(self) -> None:
        learner_id = a_learner()
        with nothing_changed(), pytest.raises(enrollments.CourseNotFound):
            enroll(UNKNOWN, learner_id)

    @pytest.mark.parametrize("end", [withdraw, lambda course_id, learner_id: revoke(_row(course_id, learner_id).pk)])
    def test_makes_a_new_enrollment_after_the_old_one_has_ended(self, end: Any) -> None:
        course_id = an_open_course()
        first = an_enrollment(course_id)
        end(course_id, first.learner_id)
        second = an_enrollment(course_id, first.learner_id)
        assert second.id != first.id
        assert EnrollmentRow.objects.get(pk=first.id).status in {"withdrawn", "revoked"}
        assert seats_and_line(course_id) == (1, 0)

    def test_puts_whoever_left_the_line_at_its_end(self) -> None:
        course_id, _, (first, second) = a_full_course(waiting=2)
        withdraw(course_id, first)
        assert a_place_in_line(course_id, first).position == 2
        assert line(course_id) == [second, first]

    @pytest.mark.parametrize("completed", [False, True])
    def test_refuses_whoever_is_in_and_names_the_enrollment(self, completed: bool) -> None:
        course_id = an_open_course(capacity=1)
        enrollment = an_enrollment(course_id)
        if completed:
            complete(enrollment.id)
        with nothing_changed(), pytest.raises(enrollments.AlreadyEnrolled) as refusal:
            enroll(course_id, enrollment.learner_id)
        assert refusal.value.details == {"enrollment_id": enr(enrollment.id)}

    def test_refuses_whoever_waits_and_names_the_place_in_line(self) -> None:
        course_id, _, _ = a_full_course()
        entry = a_place_in_line(course_id)
        change(course_id, waitlist_enabled=False)
        with nothing_changed(), pytest.raises(enrollments.AlreadyWaitlisted) as refusal:
            enroll(course_id, entry.learner_id)
        assert refusal.value.details == {"waitlist_entry_id": wle(entry.id)}

    def test_says_closed_rather_than_already_in(self) -> None:
        course_id, (seated,), (waits,) = a_full_course(waiting=1)
        close(course_id)
        for learner_id in (seated, waits):
            with nothing_changed(), pytest.raises(enrollments.CourseClosed):
                enroll(course_id, learner_id)

    def test_records_one_event_for_a_seat(self) -> None:
        course_id, learner_id = an_open_course(), a_learner()
        with recording() as events:
            enrollment = an_enrollment(course_id, learner_id)
        (event,) = events
        assert (event.type, event.subject, event.course) == ("enrollment.created", enr(enrollment.id), crs(course_id))
        assert (event.actor, event.request_id) == (SYSTEM.name, SYSTEM.request_id)
        assert event.data == {
            "course_id": crs(course_id),
            "learner_id": usr(learner_id),
            "enrollment_id": enr(enrollment.id),
            "source": "self",
        }

    def test_records_one_event_for_a_place_in_line(self) -> None:
        course_id, _, _ = a_full_course(waiting=1)
        learner_id = a_learner()
        with recording() as events:
            entry = a_place_in_line(course_id, learner_id)
        (event,) = events
        assert (event.type, event.subject, event.course) == ("waitlist.joined", wle(entry.id), crs(course_id))
        assert (event.actor, event.request_id) == (SYSTEM.name, SYSTEM.request_id)
        assert event.data == {
            "course_id": crs(course_id),
            "learner_id": usr(learner_id),
            "enrollment_id": enr(entry.id),
            "source": "self",
            "position": 2,
        }

    @pytest.mark.parametrize("source", enrollments.Source)
    def test_keeps_through_which_door_the_learner_came(self, source: enrollments.Source) -> None:
        course_id, learner_id = an_open_course(), a_learner()
        enrollments.enroll(course_id=course_id, learner_id=learner_id, source=source, actor=SYSTEM, now=NOW)
        assert _row(course_id, learner_id).source == source

    def test_undoes_only_itself_when_a_larger_transaction_goes_on_after_the_refusal(self) -> None:
        full, _, _ = a_full_course(waitlist_enabled=False)
        open_to_all, learner_id = an_open_course(), a_learner()
        with transaction.atomic():
            an_enrollment(open_to_all, learner_id)
            with pytest.raises(DomainError):
                enroll(full, learner_id)
            with pytest.raises(DomainError):
                enroll(open_to_all, learner_id)
        assert status_of(open_to_all, learner_id) == "active"
        assert status_of(full, learner_id) is None
        assert counters_equal_rows(full)
        assert counters_equal_rows(open_to_all)

    def test_promises_nothing_to_newcomers_before_those_who_waited_while_the_course_was_closed(self) -> None:
        course_id, (seated,), (waits,) = a_full_course(waiting=1)
        close(course_id)
        withdraw(course_id, seated)
        assert reopen(course_id).triggered == ["waitlist_promotion"]
        newcomer = a_place_in_line(course_id)
        assert newcomer.position == 2
        assert promote(course_id) == 1
        assert (learners(course_id, "active"), line(course_id)) == ([waits], [newcomer.learner_id])


def _row(course_id: UUID, learner_id: UUID) -> EnrollmentRow:
    return EnrollmentRow.objects.filter(course_id=course_id, learner_id=learner_id).latest("id")
