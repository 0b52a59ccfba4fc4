"""Reviews over HTTP."""

from typing import cast
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from common import clock, ids
from common.api import ApiView, answer
from common.operations import Access, PageOf, Tag, operation
from common.preconditions import check_match, etag_of, representation
from reviews import services as reviews
from reviews.serializers import (
    DecidedView,
    DecisionBody,
    ModeratedReviewView,
    OwnReviewView,
    QueueQuery,
    ReportBody,
    ReviewBody,
    ReviewFileView,
    ReviewQuery,
    ReviewReportView,
    ReviewSummaryView,
    ReviewView,
    RewriteBody,
)

TAG = Tag("Reviews", "What learners say about a course that they are, or were, in.")
STAFF_TAG = Tag("Moderation", "What moderators do: look through reviews and decide on them.")
MODERATE = "reviews.moderate_review"


def _course_id(text: str) -> UUID:
    course_id = ids.decode(ids.COURSE, text)
    if course_id is None:
        raise reviews.CourseNotFound
    return course_id


def _own_course_id(text: str) -> UUID:
    course_id = ids.decode(ids.COURSE, text)
    if course_id is None:
        raise reviews.ReviewNotFound("There is no course with this id, so you have not reviewed it.")
    return course_id


def _review_id(text: str) -> UUID:
    review_id = ids.decode(ids.REVIEW, text)
    if review_id is None:
        raise reviews.ReviewNotFound
    return review_id


class CourseReviews(ApiView):
    """What learners say about a course."""

    @operation(
        id="reviews.list",
        tag=TAG,
        summary="Read the published reviews of a course",
        description="By anyone. Texts that wait for a moderator, and hidden ones, are not among them.",
        access=Access.ANYONE,
        query=ReviewQuery,
        answers={200: PageOf(ReviewView)},
        errors=[reviews.CourseNotFound],
    )
    def get(self, request: Request, course_id: str) -> HttpResponse:
        page = reviews.list_public(
            course_id=_course_id(course_id),
            sort=reviews.ReviewSort(self.query["sort"]),
            rating=self.query.get("rating"),
            page=self.page_request(),
            now=clock.now(),
        )
        return self.page(page, ReviewView)

    @operation(
        id="reviews.write",
        tag=TAG,
        summary="Review a course that one is, or was, in",
        description="A text that trips a hold rule waits for a moderator as `pending`.",
        access=Access.SIGNED_IN,
        body=ReviewBody,
        answers={201: OwnReviewView},
        errors=[
            reviews.CourseNotFound,
            reviews.ReviewNotAllowed,
            reviews.EvidenceUnavailable,
            reviews.ReviewAlreadyExists,
        ],
        idempotent=True,
        located=True,
        tagged=True,
        checks_account=True,
    )
    def post(self, request: Request, course_id: str) -> HttpResponse:
        own = reviews.write_review(
            course_id=_course_id(course_id),
            author_id=self.person().pk,
            actor=self.actor(),
            now=clock.now(),
            **self.body(),
        )
        body = OwnReviewView.render(own)
        response = answer(body, status=201, location=f"/api/v1/courses/{course_id}/reviews/me")
        response["ETag"] = etag_of(body, version=str(own.review.version))
        return response


class MyReview(ApiView):
    """One's own review of a course."""

    @operation(
        id="reviews.mine",
        tag=TAG,
        summary="Read one's own review",
        description="The newest text with its status; `public` is what others see.",
        access=Access.SIGNED_IN,
        answers={200: OwnReviewView},
        errors=[reviews.ReviewNotFound],
        tagged=True,
    )
    def get(self, request: Request, course_id: str) -> HttpResponse:
        own = reviews.get_own(course_id=_own_course_id(course_id), author_id=self.person().pk)
        return representation(request, OwnReviewView.render(own), version=str(own.review.version))

    @operation(
        id="reviews.rewrite",
        tag=TAG,
        summary="Change one's own review",
        description="A text that trips a hold rule waits as `pending` while what was published before stays public.",
        access=Access.SIGNED_IN,
        body=RewriteBody,
        answers={200: OwnReviewView},
        errors=[reviews.ReviewNotFound, reviews.ReviewNotAllowed, reviews.EvidenceUnavailable],
        conditional=True,
        tagged=True,
    )
    def patch(self, request: Request, course_id: str) -> HttpResponse:
        before = reviews.get_own_to_rewrite(course_id=_own_course_id(course_id), author_id=self.person().pk)
        expected = check_match(request, str(before.review.version))
        own = reviews.rewrite_review(
            course_id=before.review.course_id,
            author_id=self.person().pk,
            changes=cast("reviews.TextChanges", self.body()),
            expected_version=int(expected) if expected else None,
            actor=self.actor(),
            now=clock.now(),
        )
        return representation(request, OwnReviewView.render(own), version=str(own.review.version))

    @operation(
        id="reviews.retract",
        tag=TAG,
        summary="Take one's own review back",
        description="Possible also without an enrollment. One may write another afterwards.",
        access=Access.SIGNED_IN,
        answers={204: None},
        errors=[reviews.ReviewNotFound],
        conditional=True,
    )
    def delete(self, request: Request, course_id: str) -> HttpResponse:
        own = reviews.get_own(course_id=_own_course_id(course_id), author_id=self.person().pk)
        expected = check_match(request, str(own.review.version))
        self.refuse_body()
        reviews.retract_review(
            course_id=own.review.course_id,
            author_id=self.person().pk,
            expected_version=int(expected) if expected else None,
            actor=self.actor(),
        )
        return HttpResponse(status=204)


class ReviewSummary(ApiView):
    """The published ratings of a course."""

    @operation(
        id="reviews.summary",
        tag=TAG,
        summary="Read the rating of a course",
        description="Published reviews only, always in step with their list.",
        access=Access.ANYONE,
        answers={200: ReviewSummaryView},
        errors=[reviews.CourseNotFound],
    )
    def get(self, request: Request, course_id: str) -> HttpResponse:
        summary = reviews.get_summary(course_id=_course_id(course_id), now=clock.now())
        return answer(ReviewSummaryView.render(summary))


class ReviewReports(ApiView):
    """Reports on a review."""

    @operation(
        id="reviews.report",
        tag=TAG,
        summary="Report a review",
        description="By any signed-in person but its author, once. Three by different people hold it for a moderator.",
        access=Access.SIGNED_IN,
        body=ReportBody,
        answers={201: ReviewReportView},
        errors=[reviews.CourseNotFound, reviews.ReviewNotFound, reviews.OwnReviewRefused, reviews.AlreadyReported],
        idempotent=True,
    )
    def post(self, request: Request, course_id: str, review_id: str) -> HttpResponse:
        body = self.body()
        report = reviews.report_review(
            course_id=_course_id(course_id),
            review_id=_review_id(review_id),
            reporter_id=self.person().pk,
            reason=reviews.ReportReason(body["reason"]),
            note=body.get("note", ""),
            actor=self.actor(),
        )
        return answer(ReviewReportView.render(report), status=201)


class ModerationQueue(ApiView):
    """What moderators look through."""

    @operation(
        id="moderation.list",
        tag=STAFF_TAG,
        summary="List reviews for moderation",
        description="The newest text of each, whatever its status; by default what has waited longest comes first.",
        access=MODERATE,
        query=QueueQuery,
        answers={200: PageOf(ModeratedReviewView)},
        errors=[reviews.CourseNotFound],
    )
    def get(self, request: Request) -> HttpResponse:
        course_id = self.query.get("course_id")
        page = reviews.list_queue(
            status=reviews.Status(self.query["status"]) if "status" in self.query else None,
            course_id=_course_id(course_id) if course_id else None,
            sort=reviews.QueueSort(self.query["sort"]),
            page=self.page_request(),
            now=clock.now(),
        )
        return self.page(page, ModeratedReviewView)


class ModerationReview(ApiView):
    """One review with all that is known of it."""

    @operation(
        id="moderation.get",
        tag=STAFF_TAG,
        summary="Read a review with its history and reports",
        description="Also one that its author has taken back.",
        access=MODERATE,
        answers={200: ReviewFileView},
        errors=[reviews.ReviewNotFound],
        tagged=True,
    )
    def get(self, request: Request, review_id: str) -> HttpResponse:
        file = reviews.get_file(review_id=_review_id(review_id))
        return representation(request, ReviewFileView.render(file), version=str(file.moderated.review.version))


class ModerationDecisions(ApiView):
    """Decisions on a review."""

    @operation(
        id="moderation.decide",
        tag=STAFF_TAG,
        summary="Approve or hide a review",
        description="On the version that the moderator has seen; never on one's own review.",
        access=MODERATE,
        body=DecisionBody,
        answers={200: DecidedView},
        errors=[
            reviews.ReviewNotFound,
            reviews.OwnReviewRefused,
            reviews.ModerationConflict,
            reviews.InvalidDecision,
        ],
        idempotent=True,
    )
    def post(self, request: Request, review_id: str) -> HttpResponse:
        body = self.body()
        decided = reviews.decide_review(
            review_id=_review_id(review_id),
            moderator_id=self.person().pk,
            decision=reviews.Decision(body["decision"]),
            reason=body.get("reason", ""),
            note=body.get("note", ""),
            version=body["version"],
            actor=self.actor(),
        )
        rendered = {
            "outcome": decided.outcome,
            "message": decided.message,
            "review": ModeratedReviewView.render(decided.moderated),
            "reports_resolved": decided.reports_resolved,
        }
        return answer(rendered)
