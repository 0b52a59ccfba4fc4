"""What a partner's system does: enroll the partner's people, list them, take them out."""

from django.http import HttpResponse
from rest_framework.request import Request

from common import clock, ids
from common.api import ApiView, answer
from common.operations import Access, PageOf, Tag, operation
from enrollments import services as enrollments
from enrollments.serializers.partners import (
    PartnerEnrollBody,
    PartnerEnrolledView,
    PartnerEnrollmentQuery,
    PartnerEnrollmentView,
    PartnerWaitlistedView,
    PartnerWithdrawnView,
    render_placed,
)
from enrollments.views.enrollments import course_id_from, enrollment_id_from

TAG = Tag("Partners", "What a partner's system does with an API key. It sees what came through itself, and no more.")


class PartnerEnrollments(ApiView):
    """The enrollments and places in line that came through the partner."""

    @operation(
        id="partners.enroll",
        tag=TAG,
        summary="Enroll one of the partner's people",
        description="The learner is who `external_id` meant before, else who has the email, else somebody new, who "
        "gets an account without a password. 201 with a seat, 202 with a place in line; the rules are those for all.",
        access=Access.PARTNER,
        body=PartnerEnrollBody,
        answers={201: PartnerEnrolledView, 202: PartnerWaitlistedView},
        errors=[
            enrollments.CourseNotFound,
            enrollments.CourseClosed,
            enrollments.AlreadyEnrolled,
            enrollments.AlreadyWaitlisted,
            enrollments.CourseFull,
        ],
        idempotent=True,
    )
    def post(self, request: Request) -> HttpResponse:
        body = self.body()
        course_id, learner = course_id_from(body["course_id"]), enrollments.LearnerOfPartner(**body["learner"])
        outcome = enrollments.enroll_through_partner(
            partner_id=self.partner_id(), course_id=course_id, learner=learner, actor=self.actor(), now=clock.now()
        )
        seated = isinstance(outcome, enrollments.Enrolled)
        placed = outcome.enrollment if isinstance(outcome, enrollments.Enrolled) else outcome.waitlist_entry
        rendered = render_placed(
            result="enrolled" if seated else "waitlisted",
            reference=placed.id,
            course_id=course_id,
            external_id=learner.external_id,
            waitlist_position=getattr(placed, "position", None),
        )
        return answer(rendered, status=201 if seated else 202)

    @operation(
        id="partners.list",
        tag=TAG,
        summary="List what came through the partner",
        description="Newest first, whatever has become of it.",
        access=Access.PARTNER,
        query=PartnerEnrollmentQuery,
        answers={200: PageOf(PartnerEnrollmentView)},
        errors=[enrollments.CourseNotFound],
    )
    def get(self, request: Request) -> HttpResponse:
        course = self.query.get("course_id")
        status = self.query.get("status")
        wanted = enrollments.PartnerFilter(
            course_id=None if course is None else course_id_from(course),
            external_id=self.query.get("external_id"),
            status=None if status is None else enrollments.PartnerStatus(status),
        )
        page = enrollments.list_enrollments_of_partner(
            partner_id=self.partner_id(), wanted=wanted, page=self.page_request()
        )
        return self.page(page, PartnerEnrollmentView)


class PartnerEnrollment(ApiView):
    """One of them."""

    @operation(
        id="partners.withdraw",
        tag=TAG,
        summary="Take one of the partner's people out",
        description="Of the course, or of its line. Always possible, also when the course is closed. A freed seat goes "
        "to the head of the line.",
        access=Access.PARTNER,
        answers={200: PartnerWithdrawnView},
        errors=[enrollments.EnrollmentNotFound, enrollments.EnrollmentCompleted],
    )
    def delete(self, request: Request, reference: str) -> HttpResponse:
        row_id = enrollment_id_from(reference)
        self.refuse_body()
        withdrawn = enrollments.withdraw_through_partner(
            partner_id=self.partner_id(), reference=row_id, actor=self.actor(), now=clock.now()
        )
        return answer({"result": withdrawn.outcome, "reference": ids.encode(ids.ENROLLMENT, row_id)})
