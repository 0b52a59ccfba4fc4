"""Each call of the public contract, written out by hand: who may make it, and everything that it may answer."""

from typing import Any

import pytest

from common import openapi

PERSON, ANYBODY, NOBODY, PARTNER = "a signed-in person", "anyone", "without credentials", "a partner"

# Call · who · successes · problems of its own · takes: a body (b), pages (p), Idempotency-Key (i), If-Match (m);
# gives: ETag (e), Location (l).
# fmt: off
CALLS = [
    ("POST /auth/register",      NOBODY, "201", "409 email-already-registered", "b"),
    ("POST /auth/token",         NOBODY, "200", "401 invalid-credentials", "b"),
    ("POST /auth/token/refresh", NOBODY, "200", "401 unauthenticated", "b"),
    ("POST /auth/token/revoke",  NOBODY, "204", "", "b"),
    ("GET /users/me",            PERSON, "200 304", "", "e"),
    ("PATCH /users/me",          PERSON, "200", "", "bme"),

    ("GET /courses",                      ANYBODY, "200", "", "p"),
    ("POST /courses",                     "courses.add_course", "201", "409 slug-already-used", "biel"),
    ("GET /courses/{course_id}",          ANYBODY, "200 304", "404 course-not-found", "e"),
    ("PATCH /courses/{course_id}",        "courses.change_course", "200",
     "404 course-not-found, 409 capacity-below-enrollment, 409 slug-already-used", "bme"),
    ("POST /courses/{course_id}/open",    "courses.change_course", "200",
     "404 course-not-found, 409 invalid-transition", "bi"),
    ("POST /courses/{course_id}/close",   "courses.change_course", "200",
     "404 course-not-found, 409 invalid-transition", "bi"),
    ("POST /courses/{course_id}/archive", "courses.change_course", "200",
     "404 course-not-found, 409 invalid-transition", "bi"),

    ("POST /courses/{course_id}/enrollments",      PERSON, "201 202",
     "404 course-not-found, 409 course-closed, 409 already-enrolled, 409 already-waitlisted, 409 course-full", "bil"),
    ("GET /courses/{course_id}/enrollments/me",    PERSON, "200 304", "404 enrollment-not-found", "e"),
    ("DELETE /courses/{course_id}/enrollments/me", PERSON, "200",
     "404 enrollment-not-found, 409 enrollment-completed", "m"),
    ("GET /enrollments",                           PERSON, "200", "", "p"),
    ("GET /courses/{course_id}/enrollments",       "enrollments.view_enrollment", "200", "404 course-not-found", "p"),
    ("GET /courses/{course_id}/waitlist",          "enrollments.view_enrollment", "200", "404 course-not-found", "p"),
    ("POST /enrollments/{enrollment_id}/complete", "enrollments.change_enrollment", "200",
     "404 enrollment-not-found, 409 invalid-transition", "bi"),
    ("POST /enrollments/{enrollment_id}/revoke",   "enrollments.change_enrollment", "200",
     "404 enrollment-not-found, 409 invalid-transition", "bi"),

    ("GET /courses/{course_id}/reviews",         ANYBODY, "200", "404 course-not-found", "p"),
    ("POST /courses/{course_id}/reviews",        PERSON, "201",
     "404 course-not-found, 403 review-not-allowed, 409 review-already-exists", "biel"),
    ("GET /courses/{course_id}/reviews/me",      PERSON, "200 304", "404 review-not-found", "e"),
    ("PATCH /courses/{course_id}/reviews/me",    PERSON, "200", "404 review-not-found, 403 review-not-allowed", "bme"),
    ("DELETE /courses/{course_id}/reviews/me",   PERSON, "204", "404 review-not-found", "m"),
    ("GET /courses/{course_id}/reviews/summary", ANYBODY, "200", "404 course-not-found", ""),
    ("POST /courses/{course_id}/reviews/{review_id}/reports", PERSON, "201",
     "404 course-not-found, 404 review-not-found, 403 permission-denied, 409 already-reported", "bi"),
    ("GET /moderation/reviews",                       "reviews.moderate_review", "200", "404 course-not-found", "p"),
    ("GET /moderation/reviews/{review_id}",           "reviews.moderate_review", "200 304",
     "404 review-not-found", "e"),
    ("POST /moderation/reviews/{review_id}/decisions", "reviews.moderate_review", "200",
     "404 review-not-found, 409 moderation-conflict, 409 invalid-transition", "bi"),

    ("POST /partner/enrollments",               PARTNER, "201 202",
     "404 course-not-found, 409 course-closed, 409 already-enrolled, 409 already-waitlisted, 409 course-full", "bi"),
    ("GET /partner/enrollments",                PARTNER, "200", "404 course-not-found", "p"),
    ("DELETE /partner/enrollments/{reference}", PARTNER, "200",
     "404 enrollment-not-found, 409 enrollment-completed", ""),
    ("POST /partner/imports",                        PARTNER, "202", "", "bil"),
    ("GET /partner/imports",                         PARTNER, "200", "", "p"),
    ("GET /partner/imports/{import_id}",             PARTNER, "200", "404 import-not-found", ""),
    ("GET /partner/imports/{import_id}/rows",        PARTNER, "200", "404 import-not-found", "p"),
    ("GET /partner/imports/{import_id}/report.csv",  PARTNER, "200", "404 import-not-found", ""),
    ("POST /partner/imports/{import_id}/retry",      PARTNER, "202",
     "404 import-not-found, 409 invalid-transition", "bi"),
    ("POST /partner/imports/{import_id}/cancel",     PARTNER, "200",
     "404 import-not-found, 409 invalid-transition", "bi"),

    ("GET /events", "common.view_event", "200", "", "p"),
    ("GET /partner/events", PARTNER, "200", "", "p"),

    ("POST /partner/webhooks",                         PARTNER, "201", "", "bil"),
    ("GET /partner/webhooks",                          PARTNER, "200", "", "p"),
    ("GET /partner/webhooks/{webhook_id}",             PARTNER, "200", "404 webhook-not-found", ""),
    ("DELETE /partner/webhooks/{webhook_id}",          PARTNER, "204", "404 webhook-not-found", ""),
    ("POST /partner/webhooks/{webhook_id}/secret",     PARTNER, "200", "404 webhook-not-found", "bi"),
    ("GET /partner/webhooks/{webhook_id}/deliveries",  PARTNER, "200", "404 webhook-not-found", "p"),
    ("POST /partner/webhooks/{webhook_id}/deliveries/{event_id}/resend", PARTNER, "200",
     "404 webhook-not-found, 404 not-found, 409 invalid-transition", "bi"),
]
# fmt: on
ALWAYS = {
    "400 invalid-request",
    "406 not-acceptable",
    "429 rate-limited",
    "500 internal-error",
    "503 dependency-unavailable",
    "503 overloaded",
}
WITH = {
    "b": {"413 payload-too-large", "415 unsupported-media-type"},
    "p": {"400 invalid-cursor"},
    "i": {"409 idempotency-key-in-flight", "422 idempotency-key-reused"},
    "m": {"412 precondition-failed"},
}
SECURITY = {NOBODY: [], ANYBODY: [{}, {"bearerAuth": []}], PARTNER: [{"apiKeyAuth": []}]}

each_call = pytest.mark.parametrize(
    ("call", "who", "successes", "problems", "traits"), CALLS, ids=[c[0] for c in CALLS]
)


def entry_of(call: str) -> dict[str, Any]:
    method, path = call.split()
    entry: dict[str, Any] = openapi.document()["paths"][f"/api/v1{path}"][method.lower()]
    return entry


def split(problems: str) -> set[str]:
    return set(problems.split(", ")) if problems else set()


def test_there_is_no_other_call() -> None:
    documented = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, methods in openapi.document()["paths"].items()
        for method in methods
    }
    assert documented == {call for call, *_ in CALLS}


@each_call
def test_answers(call: str, who: str, successes: str, problems: str, traits: str) -> None:
    expected = ALWAYS | split(problems) | {problem for trait in traits for problem in WITH.get(trait, ())}
    if who != NOBODY:
        expected.add("401 unauthenticated")
    if "." in who:
        expected.add("403 permission-denied")
    responses = entry_of(call)["responses"]
    assert {
        f"{status} {uri.removeprefix('/problems/')}"
        for status, answer in responses.items()
        for uri in answer.get("x-problem-types", ())
    } == expected
    assert {status for status, answer in responses.items() if "x-problem-types" not in answer} == set(successes.split())


@each_call
def test_callers(call: str, who: str, successes: str, problems: str, traits: str) -> None:
    entry = entry_of(call)
    assert entry["security"] == SECURITY.get(who, [{"bearerAuth": []}])
    assert ("Needs the permission" in entry["description"]) == ("." in who)
    assert "." not in who or f"`{who}`" in entry["description"]
    assert entry.get("x-permission") == (who if "." in who else None)


@each_call
def test_headers(call: str, who: str, successes: str, problems: str, traits: str) -> None:
    entry = entry_of(call)
    taken = {each["name"] for each in entry.get("parameters", ()) if each["in"] == "header"}
    wanted = {"i": "Idempotency-Key", "m": "If-Match"}
    expected = {header for trait, header in wanted.items() if trait in traits}
    assert taken - {"If-None-Match"} == expected
    assert ("If-None-Match" in taken) == (call.startswith("GET") and "e" in traits)
    for status in successes.split():
        given = set(entry["responses"][status]["headers"])
        assert ("ETag" in given) == ("e" in traits)
        assert ("Location" in given) == ("l" in traits)
        assert ("Idempotency-Replayed" in given) == ("i" in traits)


@each_call
def test_problem_headers(call: str, who: str, successes: str, problems: str, traits: str) -> None:
    responses = entry_of(call)["responses"]
    assert all("X-Request-ID" in answer["headers"] for answer in responses.values())
    assert {status for status, answer in responses.items() if "WWW-Authenticate" in answer["headers"]} <= {"401"}
    assert "401" not in responses or "WWW-Authenticate" in responses["401"]["headers"]
    waits = {status for status, answer in responses.items() if "Retry-After" in answer["headers"]}
    assert waits == {"429", "503"} | ({"409"} if "i" in traits else set())


@each_call
def test_bodies(call: str, who: str, successes: str, problems: str, traits: str) -> None:
    assert ("requestBody" in entry_of(call)) == ("b" in traits)


MEMBERS = {
    "User": "id email display_name created_at",
    "TokenPair": "access refresh token_type expires_in",
    "Course": "id slug title summary description instructor status is_open capacity seats_available waitlist_enabled "
    "waitlist_length enrollment_opens_at enrollment_closes_at rating created_at updated_at",
    "Rating": "average count",
    "CourseChanged": "outcome message course triggered",
    "Enrollment": "id course_id learner_id status source enrolled_at ended_at",
    "WaitlistEntry": "id course_id learner_id status position joined_at",
    "Enrolled": "outcome message enrollment waitlist_entry",
    "Waitlisted": "outcome message enrollment waitlist_entry",
    "MyStanding": "standing enrollment waitlist_entry",
    "Withdrawn": "outcome message",
    "CourseLabel": "id slug title",
    "Person": "id email display_name",
    "EnrollmentChanged": "outcome message enrollment triggered",
    "Event": "specversion id source type subject time datacontenttype actor requestid data",
    "PartnerEnrolled": "result reference course_id external_id waitlist_position",
    "PartnerWaitlisted": "result reference course_id external_id waitlist_position",
    "PartnerEnrollment": "reference course_id external_id status waitlist_position joined_at enrolled_at ended_at",
    "PartnerWithdrawn": "result reference",
    "Import": "id status file_name rows_total rows_processed counts created_at started_at finished_at",
    "ImportCounts": "enrolled waitlisted unchanged rejected failed",
    "ImportRow": "line course_id external_id email result code detail",
    "Webhook": "id url event_types status disabled_because created_at",
    "NewWebhook": "id url event_types status disabled_because created_at secret",
    "NewSecret": "secret previous_secret_until",
    "Delivery": "event_id event_type subject sequence status attempts next_attempt_at created_at",
    "Attempt": "at duration_ms status_code fault",
    "PageInfo": "limit next_cursor has_more",
    "FieldError": "pointer parameter code detail",
    "RegisterRequest": "email password display_name",
    "SignInRequest": "email password",
    "RefreshRequest": "refresh",
    "ProfileRequest": "display_name",
    "CreateCourseRequest": "title slug summary description instructor capacity waitlist_enabled enrollment_opens_at "
    "enrollment_closes_at",
    "UpdateCourseRequest": "title slug summary description instructor capacity waitlist_enabled enrollment_opens_at "
    "enrollment_closes_at",
    "ReasonRequest": "reason",
    "WebhookRequest": "url event_types",
    "PartnerEnrollRequest": "course_id learner",
    "ImportRowsRequest": "rows",
    "ImportRowRequest": "course_id external_id email name",
    "LearnerRequest": "external_id email name",
}
VALUES = {
    "CourseStatus": "draft open closed archived",
    "CourseSort": "newest title rating",
    "EnrollmentStatus": "active completed withdrawn revoked",
    "EnrollmentSource": "self waitlist partner import staff",
    "WaitlistEntryStatus": "waiting promoted left expired",
    "Standing": "enrolled completed waitlisted",
    "WebhookStatus": "active disabled",
    "WebhookDisabled": "gone staff",
    "DeliveryStatus": "pending delivered failed",
    "DeliveryFault": "address_refused name_unknown not_connected not_trusted timed_out cut_off not_http",
    "PartnerEnrollmentStatus": "enrolled waitlisted completed withdrawn revoked left_waitlist expired",
    "ImportStatus": "queued running completed cancelled",
    "ImportRowResult": "enrolled waitlisted unchanged rejected failed",
    "WithdrawalOutcome": "withdrawn left_waitlist",
    "EventType": "course.created course.updated course.opened course.closed course.archived enrollment.created "
    "enrollment.withdrawn enrollment.completed enrollment.revoked enrollment.repaired waitlist.joined waitlist.left "
    "waitlist.promoted waitlist.expired review.created review.updated review.retracted review.reported review.held "
    "review.approved review.hidden import.completed",
}


@pytest.mark.parametrize("name", MEMBERS)
def test_members(name: str) -> None:
    assert set(openapi.document()["components"]["schemas"][name]["properties"]) == set(MEMBERS[name].split())


@pytest.mark.parametrize("name", VALUES)
def test_values(name: str) -> None:
    assert set(openapi.document()["components"]["schemas"][name]["enum"]) == set(VALUES[name].split())


def test_limit_of_pages() -> None:
    for call, _, _, _, traits in CALLS:
        limits = [each["schema"] for each in entry_of(call).get("parameters", ()) if each["name"] == "limit"]
        assert limits == ([{"type": "integer", "default": 20, "minimum": 1, "maximum": 100}] if "p" in traits else [])


def test_query_parameters() -> None:
    taken = {
        call: {each["name"] for each in entry_of(call).get("parameters", ()) if each["in"] == "query"}
        for call, *_ in CALLS
    }
    assert {call: names for call, names in taken.items() if names} == {
        "GET /courses": {"search", "status", "is_open", "sort", "limit", "cursor"},
        "GET /enrollments": {"status", "limit", "cursor"},
        "GET /courses/{course_id}/enrollments": {"status", "limit", "cursor"},
        "GET /courses/{course_id}/waitlist": {"limit", "cursor"},
        "GET /courses/{course_id}/reviews": {"sort", "rating", "limit", "cursor"},
        "GET /moderation/reviews": {"status", "course_id", "sort", "limit", "cursor"},
        "GET /partner/enrollments": {"course_id", "external_id", "status", "limit", "cursor"},
        "GET /partner/imports": {"limit", "cursor"},
        "GET /partner/imports/{import_id}/rows": {"result", "limit", "cursor"},
        "GET /events": {"after", "type", "limit"},
        "GET /partner/events": {"after", "type", "limit"},
        "GET /partner/webhooks": {"limit", "cursor"},
        "GET /partner/webhooks/{webhook_id}/deliveries": {"status", "limit", "cursor"},
    }
