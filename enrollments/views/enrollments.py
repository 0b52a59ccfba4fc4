"""Enrolling, waiting and leaving over HTTP."""

from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from common import clock, ids
from common.api import ApiView, answer
from common.operations import Access, EmptyBody, PageOf, Tag, operation
from common.preconditions import check_match, representation
from enrollments import services as enrollments
from enrollments.serializers.enrollments import (
    EnrolledView,
    EnrollmentChangedView,
    EnrollmentQuery,
    EnrollmentView,
    MyEnrollmentView,
    MyStandingView,
    ReasonBody,
    RosterRowView,
    WaitlistedView,
    WaitlistEntryView,
    WaitlistRowView,
    WithdrawnView,
    render_outcome,
)

TAG = Tag("Enrollments", "What learners do: enroll, wait in line, withdraw.")
STAFF_TAG = Tag("Rosters", "What course staff do: who is in a course, who waits, completing and revoking.")
VIEW = "enrollments.view_enrollment"
CHANGE = "enrollments.change_enrollment"

_STANDINGS = {
    enrollments.Status.ACTIVE: "enrolled",
    enrollments.Status.COMPLETED: "completed",
    enrollments.Status.WAITING: "waitlisted",
}


def course_id_from(text: str) -> UUID:
    """The course with this public id.

    Raises:
        CourseNotFound: it is malformed or of another type.
    """
    course_id = ids.decode(ids.COURSE, text)
    if course_id is None:
        raise enrollments.CourseNotFound
    return course_id


def enrollment_id_from(text: str) -> UUID:
    """The enrollment with this public id.

    Raises:
        EnrollmentNotFound: it is malformed or of another type.
    """
    enrollment_id = ids.decode(ids.ENROLLMENT, text)
    if enrollment_id is None:
        raise enrollments.EnrollmentNotFound
    return enrollment_id


class CourseEnrollments(ApiView):
    """Enrolling in a course; its roster."""

    @operation(
        id="enrollments.enroll",
        tag=TAG,
        summary="Enroll, or wait in line if the course is full",
        description="201 with a seat, 202 with a place in line. While anyone waits, a newcomer waits too.",
        access=Access.SIGNED_IN,
        body=EmptyBody,
        answers={201: EnrolledView, 202: WaitlistedView},
        errors=[
            enrollments.CourseNotFound,
            enrollments.CourseClosed,
            enrollments.AlreadyEnrolled,
            enrollments.AlreadyWaitlisted,
            enrollments.CourseFull,
        ],
        idempotent=True,
        located=True,
        checks_account=True,
    )
    def post(self, request: Request, course_id: str) -> HttpResponse:
        self.body()
        outcome = enrollments.enroll(
            course_id=course_id_from(course_id),
            learner_id=self.person().pk,
            source=enrollments.Source.SELF,
            actor=self.actor(),
            now=clock.now(),
        )
        status = 201 if isinstance(outcome, enrollments.Enrolled) else 202
        return answer(render_outcome(outcome), status=status, location=f"/api/v1/courses/{course_id}/enrollments/me")

    @operation(
        id="rosters.list",
        tag=STAFF_TAG,
        summary="List the enrollments of a course",
        description="Newest first, each with its learner.",
        access=VIEW,
        query=EnrollmentQuery,
        answers={200: PageOf(RosterRowView)},
        errors=[enrollments.CourseNotFound],
    )
    def get(self, request: Request, course_id: str) -> HttpResponse:
        page = enrollments.list_roster(
            course_id=course_id_from(course_id), status=self.query.get("status"), page=self.page_request()
        )
        return self.page(page, RosterRowView)


class CourseWaitlist(ApiView):
    """Who waits for a course."""

    @operation(
        id="rosters.waitlist",
        tag=STAFF_TAG,
        summary="List who waits for a course",
        description="In queue order: the head of the line first.",
        access=VIEW,
        answers={200: PageOf(WaitlistRowView)},
        errors=[enrollments.CourseNotFound],
    )
    def get(self, request: Request, course_id: str) -> HttpResponse:
        page = enrollments.list_waitlist(course_id=course_id_from(course_id), page=self.page_request())
        return self.page(page, WaitlistRowView)


class MyStanding(ApiView):
    """How the signed-in learner stands in a course."""

    @operation(
        id="enrollments.standing",
        tag=TAG,
        summary="Read one's own standing in a course",
        description="A seat, a completed enrollment, or a place in line with its position as of now.",
        access=Access.SIGNED_IN,
        answers={200: MyStandingView},
        errors=[enrollments.EnrollmentNotFound],
        tagged=True,
    )
    def get(self, request: Request, course_id: str) -> HttpResponse:
        standing = self._standing(request, course_id)
        body: dict[str, object] = {
            "standing": _STANDINGS[standing.status],
            "enrollment": EnrollmentView.render(standing.enrollment) if standing.enrollment else None,
            "waitlist_entry": WaitlistEntryView.render(standing.waitlist_entry) if standing.waitlist_entry else None,
        }
        return representation(request, body, version=standing.version)

    @operation(
        id="enrollments.withdraw",
        tag=TAG,
        summary="Withdraw from a course, or leave its line",
        description="Always possible, also when the course is closed. A freed seat goes to the head of the line.",
        access=Access.SIGNED_IN,
        answers={200: WithdrawnView},
        errors=[enrollments.EnrollmentNotFound, enrollments.EnrollmentCompleted],
        conditional=True,
    )
    def delete(self, request: Request, course_id: str) -> HttpResponse:
        standing = self._standing(request, course_id)
        expected = check_match(request, standing.version)
        self.refuse_body()
        withdrawn = enrollments.withdraw(
            course_id=course_id_from(course_id),
            learner_id=self.person().pk,
            expected_version=expected,
            actor=self.actor(),
            now=clock.now(),
        )
        message = "You are no longer enrolled." if withdrawn.outcome == "withdrawn" else "You left the line."
        return answer({"outcome": withdrawn.outcome, "message": message})

    def _standing(self, request: Request, course_id: str) -> enrollments.Standing:
        known = ids.decode(ids.COURSE, course_id)
        if known is None:
            raise enrollments.EnrollmentNotFound("There is no course with this id, so you are not in it.")
        return enrollments.get_standing(course_id=known, learner_id=self.person().pk)


class MyEnrollments(ApiView):
    """The signed-in learner's enrollments over all courses."""

    @operation(
        id="enrollments.list",
        tag=TAG,
        summary="List one's own enrollments",
        description="Over all courses, newest first, past ones included. Places in line are not among them.",
        access=Access.SIGNED_IN,
        query=EnrollmentQuery,
        answers={200: PageOf(MyEnrollmentView)},
    )
    def get(self, request: Request) -> HttpResponse:
        page = enrollments.list_enrollments_of_learner(
            learner_id=self.person().pk, status=self.query.get("status"), page=self.page_request()
        )
        return self.page(page, MyEnrollmentView)


class CompleteEnrollment(ApiView):
    """active → completed."""

    @operation(
        id="rosters.complete",
        tag=STAFF_TAG,
        summary="Complete an enrollment",
        description="A completed enrollment keeps its seat and cannot be withdrawn.",
        access=CHANGE,
        body=ReasonBody,
        answers={200: EnrollmentChangedView},
        errors=[enrollments.EnrollmentNotFound, enrollments.InvalidEnrollmentTransition],
        idempotent=True,
    )
    def post(self, request: Request, enrollment_id: str) -> HttpResponse:
        changed = enrollments.complete(
            enrollment_id=enrollment_id_from(enrollment_id),
            reason=self.body().get("reason", ""),
            actor=self.actor(),
            now=clock.now(),
        )
        return answer(EnrollmentChangedView.render(changed))


class RevokeEnrollment(ApiView):
    """active → revoked."""

    @operation(
        id="rosters.revoke",
        tag=STAFF_TAG,
        summary="Revoke an enrollment",
        description="The freed seat goes to the head of the line: `triggered` then holds `waitlist_promotion`.",
        access=CHANGE,
        body=ReasonBody,
        answers={200: EnrollmentChangedView},
        errors=[enrollments.EnrollmentNotFound, enrollments.InvalidEnrollmentTransition],
        idempotent=True,
    )
    def post(self, request: Request, enrollment_id: str) -> HttpResponse:
        changed = enrollments.revoke(
            enrollment_id=enrollment_id_from(enrollment_id),
            reason=self.body().get("reason", ""),
            actor=self.actor(),
            now=clock.now(),
        )
        return answer(EnrollmentChangedView.render(changed))
