"""The catalogue of problem types: the one table that says which code has which status, and what it means to clients.

`GET /problems` is made from it, as are the OpenAPI document's lists. A type is stable for ever; types may be added.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from common import examples


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One kind of problem. `code` is its name in bodies, `slug` in its type URI.

    By way of example: `detail` is what its body may say, `when` if empty, and `members` are the further members that
    its body has.
    """

    code: str
    status: int
    title: str
    when: str
    advice: str
    detail: str = ""
    members: Mapping[str, Any] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        return self.code.replace("_", "-")

    @property
    def uri(self) -> str:
        return f"/problems/{self.slug}"

    def example(self, instance: str) -> dict[str, Any]:
        """The body of such a problem with the request at the path `instance`."""
        return {
            "type": self.uri,
            "title": self.title,
            "status": self.status,
            "detail": self.detail or self.when,
            "instance": instance,
            "code": self.code,
            "request_id": examples.REQUEST_ID,
            **self.members,
        }


_AGAIN_AFTER = "Wait as long as Retry-After says, then send the same request again with the same Idempotency-Key."

CATALOGUE: dict[str, ProblemType] = {
    problem.code: problem
    for problem in (
        ProblemType(
            "invalid_request",
            400,
            "The request is not valid",
            "A field of the body, a query parameter or a header is missing, unknown or has a wrong value.",
            "Read `errors`: each entry names a place (`pointer` in the body, `parameter` in the query). Correct it.",
            detail="/email: Must be an email address.",
            members={
                "errors": [
                    {"pointer": "/email", "parameter": None, "code": "invalid", "detail": "Must be an email address."}
                ]
            },
        ),
        ProblemType(
            "invalid_cursor",
            400,
            "The cursor is not valid",
            "The cursor is damaged, expired, or was made for another list, filter, sort or caller.",
            "Start the list again without a cursor.",
        ),
        ProblemType(
            "unauthenticated",
            401,
            "Sign in first",
            "There are no credentials, or the token or key is malformed, expired or revoked, or its account is gone.",
            "Get a new access token (POST /api/v1/auth/token/refresh or /api/v1/auth/token) and try again.",
        ),
        ProblemType(
            "invalid_credentials",
            401,
            "Wrong email or password",
            "The pair of email and password is not that of an active account.",
            "Let the person correct them.",
        ),
        ProblemType(
            "permission_denied",
            403,
            "Not allowed",
            "The caller is known, but does not have the permission that this operation needs.",
            "Use an account that has it, or ask an administrator for it.",
        ),
        ProblemType(
            "review_not_allowed",
            403,
            "Only learners of the course may review it",
            "The caller has neither an active nor a completed enrollment in the course.",
            "Enroll first.",
        ),
        ProblemType(
            "not_found",
            404,
            "Not found",
            "There is nothing at this address, or nothing that the caller may know of.",
            "Check the address.",
        ),
        ProblemType(
            "course_not_found",
            404,
            "There is no such course",
            "No course has this id, or it is a draft that the caller may not see.",
            "Check the id; find courses with GET /api/v1/courses.",
            detail="There is no course with this id.",
        ),
        ProblemType(
            "enrollment_not_found",
            404,
            "There is no such enrollment",
            "No enrollment has this id, or the learner neither is in the course nor waits for it.",
            "Check the id; a learner's own are at GET /api/v1/enrollments.",
            detail="You are neither enrolled in this course nor in line for it.",
        ),
        ProblemType(
            "review_not_found",
            404,
            "There is no such review",
            "No review has this id, or the caller has not written one, or may not see it.",
            "Check the id.",
        ),
        ProblemType(
            "import_not_found",
            404,
            "There is no such import",
            "No import of this partner has this id.",
            "Check the id.",
        ),
        ProblemType(
            "webhook_not_found",
            404,
            "There is no such webhook",
            "No webhook of this partner has this id.",
            "Check the id.",
        ),
        ProblemType(
            "method_not_allowed",
            405,
            "This method is not allowed here",
            "The address exists, but does not know the method.",
            "Use one of the methods in the Allow header.",
        ),
        ProblemType(
            "not_acceptable",
            406,
            "No acceptable representation",
            "The Accept header excludes application/json.",
            "Accept application/json.",
        ),
        ProblemType(
            "payload_too_large",
            413,
            "The body is too large",
            "The body is larger than this operation takes.",
            "Send less at once.",
        ),
        ProblemType(
            "unsupported_media_type",
            415,
            "This media type is not supported",
            "The Content-Type is not one that this operation reads, or the body is compressed.",
            "Send application/json, uncompressed.",
        ),
        ProblemType(
            "course_closed",
            409,
            "The course is not open",
            "The course is closed or archived, or now lies outside its enrollment window. It takes nobody.",
            "Tell the learner; watch `is_open` and the enrollment window of the course.",
            detail="This course takes nobody now: it is closed.",
        ),
        ProblemType(
            "course_full",
            409,
            "The course is full",
            "All seats are taken and the course keeps no waitlist.",
            "Try again when `seats_available` of the course is above zero.",
            detail="All 30 seats of this course are taken and it keeps no waitlist.",
        ),
        ProblemType(
            "already_enrolled",
            409,
            "Already enrolled",
            "The learner has an active or completed enrollment in the course; `enrollment_id` names it.",
            "Nothing: the learner is in.",
            detail="The learner is enrolled in this course already.",
            members={"enrollment_id": examples.ENROLLMENT},
        ),
        ProblemType(
            "already_waitlisted",
            409,
            "Already in line",
            "The learner waits for a seat already; `waitlist_entry_id` names the place in line.",
            "Nothing: the learner keeps the place.",
            detail="The learner is in line for this course already.",
            members={"waitlist_entry_id": examples.WAITLIST_ENTRY},
        ),
        ProblemType(
            "enrollment_completed",
            409,
            "The enrollment is completed",
            "A completed enrollment keeps its seat and cannot be withdrawn.",
            "Nothing: what is completed stays completed.",
            members={"enrollment_id": examples.ENROLLMENT},
        ),
        ProblemType(
            "capacity_below_enrollment",
            409,
            "More seats are taken than that",
            "The new capacity is below the number of seats taken.",
            "Choose a capacity of at least `seats_taken`, or revoke enrollments first.",
            detail="12 seats are taken, so the capacity cannot be 10.",
            members={"seats_taken": 12},
        ),
        ProblemType(
            "invalid_transition",
            409,
            "That step is not possible from this state",
            "The present state of the thing does not allow this transition.",
            "Read it again and offer only the steps that its state allows.",
            detail="A course that is archived cannot become open.",
            members={"current_status": "archived"},
        ),
        ProblemType(
            "review_already_exists",
            409,
            "There is a review already",
            "The learner has a review of this course; `review_id` names it.",
            "Change it with PATCH /api/v1/courses/{course_id}/reviews/me.",
            detail="You have reviewed this course already.",
            members={"review_id": examples.REVIEW},
        ),
        ProblemType(
            "already_reported",
            409,
            "Already reported",
            "The caller has reported this review before.",
            "Nothing: the report counts.",
            members={"review_id": examples.REVIEW},
        ),
        ProblemType(
            "moderation_conflict",
            409,
            "The review has changed",
            "Another decision or a new text came between; `version` is not the current one.",
            "Read the review again and decide anew.",
            detail="The review has changed: approved by another moderator. Read it again.",
            members={"current_version": 3},
        ),
        ProblemType(
            "email_already_registered",
            409,
            "This email is registered",
            "There is an account with this email; upper and lower case do not count.",
            "Sign in instead.",
        ),
        ProblemType(
            "slug_already_used",
            409,
            "This slug is used",
            "Another course has this slug.",
            "Choose another slug, or leave it out to have one made from the title.",
        ),
        ProblemType(
            "idempotency_key_in_flight",
            409,
            "The first request is still running",
            "A request with the same Idempotency-Key has not been answered yet.",
            _AGAIN_AFTER,
        ),
        ProblemType(
            "precondition_failed",
            412,
            "It has changed meanwhile",
            "If-Match names an older version.",
            "Read it again, decide anew, and send the new ETag.",
        ),
        ProblemType(
            "idempotency_key_reused",
            422,
            "This key belongs to another request",
            "The Idempotency-Key was used before with another method, path or body.",
            "Use a new key for each new request.",
        ),
        ProblemType(
            "rate_limited",
            429,
            "Too many requests",
            "The caller sent more requests than allowed in a span of time, or too many sign-ins failed.",
            _AGAIN_AFTER,
        ),
        ProblemType(
            "internal_error",
            500,
            "An error on our side",
            "Something broke that should not. It has been logged under `request_id`.",
            "Send the same request again with the same Idempotency-Key; report `request_id` if it persists.",
        ),
        ProblemType(
            "overloaded",
            503,
            "Too much to do",
            "More requests are waiting than can be answered in time. Nothing was done.",
            _AGAIN_AFTER,
        ),
        ProblemType(
            "dependency_unavailable",
            503,
            "Temporarily unavailable",
            "The database cannot be reached, or did not answer in time. Unless the connection broke, nothing was done.",
            _AGAIN_AFTER,
        ),
    )
}
