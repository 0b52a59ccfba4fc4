from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from common.models import User
from common.tests.factories import a_learner, a_person
from common.tests.traversal import everything, pages
from common.types import Page, PageRequest, Person
from courses.tests.factories import an_open_course, change, close
from enrollments import services as enrollments
from enrollments.models import Enrollment as EnrollmentRow
from enrollments.tests.factories import (
    a_full_course,
    a_place_in_line,
    an_enrollment,
    complete,
    line,
    promote,
    revoke,
    withdraw,
)

pytestmark = pytest.mark.django_db
UNKNOWN = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


def mine(page: PageRequest, *, learner_id: UUID, status: Any = None) -> Page[enrollments.EnrollmentOfMine]:
    return enrollments.list_enrollments_of_learner(learner_id=learner_id, status=status, page=page)


def roster(page: PageRequest, *, course_id: UUID, status: Any = None) -> Page[enrollments.RosterRow]:
    return enrollments.list_roster(course_id=course_id, status=status, page=page)


def waitlist(page: PageRequest, *, course_id: UUID) -> Page[enrollments.WaitlistRow]:
    return enrollments.list_waitlist(course_id=course_id, page=page)


def person(learner_id: UUID) -> Person:
    user = User.objects.get(pk=learner_id)
    return Person(id=user.pk, email=user.email, display_name=user.display_name)


class TestGetStanding:
    def test_is_the_enrollment_of_whoever_is_in(self) -> None:
        course_id = an_open_course()
        enrollment = an_enrollment(course_id)
        standing = enrollments.get_standing(course_id=course_id, learner_id=enrollment.learner_id)
        assert standing == enrollments.Standing(
            id=enrollment.id, status=enrollments.Status.ACTIVE, enrollment=enrollment, waitlist_entry=None
        )
        completed = complete(enrollment.id).enrollment
        standing = enrollments.get_standing(course_id=course_id, learner_id=enrollment.learner_id)
        assert (standing.status, standing.enrollment) == ("completed", completed)

    def test_is_the_place_in_line_of_whoever_waits(self) -> None:
        course_id, _, (first, _) = a_full_course(waiting=2)
        entry = a_place_in_line(course_id)
        withdraw(course_id, first)
        standing = enrollments.get_standing(course_id=course_id, learner_id=entry.learner_id)
        assert (standing.status, standing.enrollment) == ("waiting", None)
        assert standing.waitlist_entry is not None
        assert (standing.waitlist_entry.id, standing.waitlist_entry.position) == (entry.id, 2)
        assert standing.waitlist_entry.joined_at == entry.joined_at

    @pytest.mark.parametrize("end", ["withdrawn", "revoked", "left"])
    def test_is_none_once_it_has_ended(self, end: str) -> None:
        course_id, (seated,), (waits,) = a_full_course(waiting=1)
        learner_id = waits if end == "left" else seated
        if end == "revoked":
            revoke(EnrollmentRow.objects.get(learner_id=learner_id).pk)
        else:
            withdraw(course_id, learner_id)
        with pytest.raises(enrollments.EnrollmentNotFound):
            enrollments.get_standing(course_id=course_id, learner_id=learner_id)

    def test_belongs_to_one_course_and_one_learner(self) -> None:
        course_id, other_id = an_open_course(), an_open_course()
        enrollment = an_enrollment(course_id)
        for place in ((other_id, enrollment.learner_id), (course_id, a_learner()), (UNKNOWN, enrollment.learner_id)):
            with pytest.raises(enrollments.EnrollmentNotFound):
                enrollments.get_standing(course_id=place[0], learner_id=place[1])

    def test_has_another_version_after_each_change(self) -> None:
        course_id, (seated,), (waits,) = a_full_course(waiting=1)
        versions = [enrollments.get_standing(course_id=course_id, learner_id=waits).version]
        withdraw(course_id, seated)
        versions.append(enrollments.get_standing(course_id=course_id, learner_id=waits).version)
        complete(EnrollmentRow.objects.get(learner_id=waits).pk)
        versions.append(enrollments.get_standing(course_id=course_id, learner_id=waits).version)
        assert len(set(versions)) == 3


class TestGetEnrollment:
    def test_is_found_in_whatever_state_it_ended(self) -> None:
        course_id = an_open_course()
        enrollment = an_enrollment(course_id)
        withdraw(course_id, enrollment.learner_id)
        assert enrollments.get_enrollment(enrollment_id=enrollment.id).status is enrollments.Status.WITHDRAWN

    @pytest.mark.parametrize("left", [False, True])
    def test_is_not_a_place_in_line(self, left: bool) -> None:
        course_id, _, _ = a_full_course()
        entry = a_place_in_line(course_id)
        if left:
            withdraw(course_id, entry.learner_id)
        with pytest.raises(enrollments.EnrollmentNotFound):
            enrollments.get_enrollment(enrollment_id=entry.id)


class TestListEnrollmentsOfLearner:
    def test_has_all_courses_newest_first_with_their_names(self) -> None:
        learner_id = a_learner()
        made = [an_enrollment(an_open_course(title=f"Knots {number}"), learner_id) for number in range(5)]
        an_enrollment(made[0].course_id)
        rows = everything(partial(mine, learner_id=learner_id), limit=2)
        assert [row.enrollment for row in rows] == made[::-1]
        assert [(row.course.id, row.course.title, row.course.slug) for row in rows] == [
            (enrollment.course_id, f"Knots {number}", f"knots-{number}")
            for number, enrollment in reversed(list(enumerate(made)))
        ]

    def test_has_no_place_in_line_but_what_became_of_it(self) -> None:
        course_id, (seated,), (waits,) = a_full_course(waiting=1)
        assert everything(partial(mine, learner_id=waits)) == []
        withdraw(course_id, seated)
        (row,) = everything(partial(mine, learner_id=waits))
        assert (row.enrollment.status, row.enrollment.source) == ("active", "waitlist")

    @pytest.mark.parametrize("status", ["active", "completed", "withdrawn", "revoked"])
    def test_can_be_of_one_status(self, status: str) -> None:
        learner_id = a_learner()
        active, completed, withdrawn, revoked = (an_enrollment(an_open_course(), learner_id) for _ in range(4))
        complete(completed.id)
        withdraw(withdrawn.course_id, learner_id)
        revoke(revoked.id)
        expected = {"active": active, "completed": completed, "withdrawn": withdrawn, "revoked": revoked}[status]
        rows = everything(partial(mine, learner_id=learner_id, status=enrollments.Status(status)))
        assert [row.enrollment.id for row in rows] == [expected.id]

    @pytest.mark.parametrize("count", [1, 20])
    def test_costs_two_statements_however_many_there_are(
        self, count: int, django_assert_num_queries: Callable[[int], Any]
    ) -> None:
        learner_id = a_learner()
        for _ in range(count):
            an_enrollment(an_open_course(), learner_id)
        with django_assert_num_queries(2):
            mine(PageRequest(limit=10), learner_id=learner_id)


class TestListRoster:
    def test_has_the_learners_newest_first(self) -> None:
        course_id = an_open_course()
        made = [an_enrollment(course_id, a_person(display_name=f"Ada {number}").pk) for number in range(5)]
        an_enrollment(an_open_course())
        rows = everything(partial(roster, course_id=course_id), limit=2)
        assert [row.enrollment for row in rows] == made[::-1]
        assert [row.learner for row in rows] == [person(each.learner_id) for each in made[::-1]]

    def test_does_not_have_those_who_wait(self) -> None:
        course_id, (seated,), _ = a_full_course(waiting=2)
        assert [row.learner.id for row in everything(partial(roster, course_id=course_id))] == [seated]

    def test_can_be_of_one_status(self) -> None:
        course_id, (one, other), _ = a_full_course(capacity=2)
        withdraw(course_id, one)
        of = partial(roster, course_id=course_id)
        assert [row.learner.id for row in everything(partial(of, status=enrollments.Status.ACTIVE))] == [other]
        assert [row.learner.id for row in everything(partial(of, status=enrollments.Status.WITHDRAWN))] == [one]
        assert everything(partial(of, status=enrollments.Status.REVOKED)) == []

    def test_shows_who_is_there_throughout_exactly_once_while_others_come_and_go(self) -> None:
        course_id = an_open_course()
        made = [an_enrollment(course_id) for _ in range(20)]
        staying, going = made[::2], made[1::2]
        walked: list[UUID] = []
        for rows in pages(partial(roster, course_id=course_id, status=enrollments.Status.ACTIVE), limit=3):
            walked += [row.enrollment.id for row in rows]
            an_enrollment(course_id)
            for _ in range(2):
                if going:
                    withdraw(course_id, going.pop().learner_id)
        assert len(walked) == len(set(walked))
        ours = {enrollment.id for enrollment in staying}
        assert [each for each in walked if each in ours] == [enrollment.id for enrollment in staying[::-1]]

    @pytest.mark.parametrize("count", [1, 20])
    def test_costs_two_statements_however_many_there_are(
        self, count: int, django_assert_num_queries: Callable[[int], Any]
    ) -> None:
        course_id = an_open_course()
        for _ in range(count):
            an_enrollment(course_id)
        with django_assert_num_queries(2):
            roster(PageRequest(limit=10), course_id=course_id)

    def test_does_not_know_a_course_that_is_none(self) -> None:
        with pytest.raises(enrollments.CourseNotFound):
            roster(PageRequest(limit=10), course_id=UNKNOWN)


class TestListWaitlist:
    def test_has_those_who_wait_in_queue_order_with_their_positions(self) -> None:
        course_id, _, waiting = a_full_course(waiting=6)
        withdraw(course_id, waiting.pop(1))
        a_full_course(waiting=1)
        rows = everything(partial(waitlist, course_id=course_id), limit=2)
        assert [row.learner for row in rows] == [person(learner_id) for learner_id in waiting]
        assert [row.waitlist_entry.position for row in rows] == [1, 2, 3, 4, 5]
        assert {row.waitlist_entry.status for row in rows} == {"waiting"}
        assert [row.queue_number for row in rows] == [1, 3, 4, 5, 6]

    def test_shows_who_waits_throughout_exactly_once_while_others_come_and_go(self) -> None:
        course_id, (seated,), waiting = a_full_course(waiting=18)
        staying, going = waiting[2::2], waiting[1::2]
        walked: list[UUID] = []
        for number, rows in enumerate(pages(partial(waitlist, course_id=course_id), limit=3)):
            walked += [row.learner.id for row in rows]
            a_place_in_line(course_id)
            if number == 0:
                withdraw(course_id, seated)  # takes the head away
            if going:
                withdraw(course_id, going.pop())
        assert len(walked) == len(set(walked))
        assert [each for each in walked if each in set(staying)] == staying

    def test_is_empty_when_nobody_waits(self) -> None:
        course_id, _, _ = a_full_course(waiting=1)
        change(course_id, capacity=2)
        promote(course_id)
        assert line(course_id) == []
        assert waitlist(PageRequest(limit=10), course_id=course_id) == Page(rows=[], next_after=None, has_more=False)

    def test_stays_while_the_course_is_closed(self) -> None:
        course_id, _, (waits,) = a_full_course(waiting=1)
        close(course_id)
        assert [row.learner.id for row in everything(partial(waitlist, course_id=course_id))] == [waits]

    @pytest.mark.parametrize("count", [1, 20])
    def test_costs_three_statements_however_many_there_are(
        self, count: int, django_assert_num_queries: Callable[[int], Any]
    ) -> None:
        course_id, _, _ = a_full_course(waiting=count)
        with django_assert_num_queries(3):
            waitlist(PageRequest(limit=10), course_id=course_id)

    def test_does_not_know_a_course_that_is_none(self) -> None:
        with pytest.raises(enrollments.CourseNotFound):
            waitlist(PageRequest(limit=10), course_id=UNKNOWN)


class TestHasBeenAdmitted:
    def test_is_so_for_whoever_is_in_and_nobody_else(self) -> None:
        course_id, (one, other), (waits,) = a_full_course(capacity=2, waiting=1)
        has = partial(enrollments.has_been_admitted, course_id=course_id)
        assert [has(learner_id=each) for each in (one, other, waits, a_learner())] == [True, True, False, False]
        complete(EnrollmentRow.objects.get(learner_id=one).pk)
        withdraw(course_id, other)
        assert [has(learner_id=each) for each in (one, other, waits)] == [True, False, True]
