"""The story that the Python client tells: from the first sign-in to a moderator's decision.

LECTERN says where the service is, and whose passwords are known: `{"url", "staff", "moderator", "password"}`.
"""

import json
import os
from collections.abc import Callable
from uuid import uuid4

from lectern import Lectern, Problem, ProblemType, Refused
from lectern.api.courses import courses_get
from lectern.models import (
    CourseStatus,
    CreateCourseRequest,
    DecisionRequest,
    Enrolled,
    ModerationDecision,
    RegisterRequest,
    ReportReason,
    ReportRequest,
    ReviewRequest,
    ReviewStatus,
    SignInRequest,
    Standing,
    UpdateCourseRequest,
    Waitlisted,
)

WORLD = json.loads(os.environ["LECTERN"])
URL, PASSWORD = WORLD["url"], WORLD["password"]
RUN = uuid4().hex[:8]


def main() -> None:
    """Ends without a word if the service keeps what the client was promised."""
    staff, moderator = signed_in(WORLD["staff"]), signed_in(WORLD["moderator"])
    ada, ben = newcomer("Ada"), newcomer("Ben")
    course = a_course_with_one_seat(staff)
    the_second_waits(ada, ben, course)
    pages_hold_each_course_once(staff)
    a_held_review_is_decided(ada, ben, moderator, course)
    a_stale_change_is_refused(staff, course)
    a_freed_seat_goes_to_who_waits(ada, ben, course)


def signed_in(email: str) -> Lectern:
    """A client of the person with this email."""
    with Lectern(URL) as nobody:
        pair = nobody.accounts.sign_in(body=SignInRequest(email=email, password=PASSWORD))
    return Lectern(URL, token=pair.access)


def newcomer(name: str) -> Lectern:
    """A client of somebody who has just made an account."""
    email = f"{name.lower()}-{RUN}@example.org"
    with Lectern(URL) as nobody:
        user = nobody.accounts.register(body=RegisterRequest(email=email, password=PASSWORD, display_name=name))
        wrong = refused(lambda: nobody.accounts.sign_in(body=SignInRequest(email=email, password="nonsense")))
    assert wrong.type_ == ProblemType.INVALID_CREDENTIALS
    client = signed_in(email)
    assert client.accounts.me().id == user.id
    return client


def refused(attempt: Callable[[], object]) -> Problem:
    """The problem that the attempt meets."""
    try:
        attempt()
    except Refused as refusal:
        return refusal.problem
    raise AssertionError("That should have been refused.")


def a_course_with_one_seat(staff: Lectern) -> str:
    """An open course with a waitlist; the request that made it was sent twice, and made it once."""
    wanted = CreateCourseRequest(title=f"Knots {RUN}", capacity=1, waitlist_enabled=True)
    course = staff.courses.create(body=wanted, idempotency_key=RUN)
    assert staff.courses.create(body=wanted, idempotency_key=RUN).id == course.id
    reused = refused(lambda: staff.courses.create(body=CreateCourseRequest(title="Others"), idempotency_key=RUN))
    assert reused.type_ == ProblemType.IDEMPOTENCY_KEY_REUSED
    assert course.status == CourseStatus.DRAFT
    opened = staff.courses.open(course.id)
    assert (opened.course.status, opened.course.seats_available) == (CourseStatus.OPEN, 1)
    return course.id


def the_second_waits(ada: Lectern, ben: Lectern, course: str) -> None:
    """One seat, two people."""
    first, second = ada.enrollments.enroll(course), ben.enrollments.enroll(course)
    assert isinstance(first, Enrolled)
    assert isinstance(second, Waitlisted)
    assert second.waitlist_entry.position == 1
    again = refused(lambda: ada.enrollments.enroll(course))
    assert (again.type_, again.enrollment_id) == (ProblemType.ALREADY_ENROLLED, first.enrollment.id)
    assert ben.enrollments.standing(course).standing == Standing.WAITLISTED
    # A problem that may have got another type since is known by its status.
    assert refused(lambda: ada.courses.get("crs_nowhere")).status == 404


def pages_hold_each_course_once(staff: Lectern) -> None:
    """A list in pages, from cursor to cursor."""
    made = {staff.courses.create(body=CreateCourseRequest(title=f"Page {n} {RUN}")).id for n in range(5)}
    found: list[str] = []
    page = staff.courses.list(search=f"Page {RUN}", limit=2)
    found += [course.id for course in page.data]
    while page.page.next_cursor is not None:
        page = staff.courses.list(search=f"Page {RUN}", limit=2, cursor=page.page.next_cursor)
        found += [course.id for course in page.data]
    assert (len(found), set(found)) == (5, made)
    garbage = refused(lambda: staff.courses.list(cursor="garbage"))
    assert garbage.type_ == ProblemType.INVALID_CURSOR


def a_held_review_is_decided(ada: Lectern, ben: Lectern, moderator: Lectern, course: str) -> None:
    """A text with a link waits for a moderator."""
    text = ReviewRequest(rating=4, comment=f"See https://example.org/{RUN} for my knots.")
    assert refused(lambda: ben.reviews.write(course, body=text)).type_ == ProblemType.REVIEW_NOT_ALLOWED
    invalid = refused(lambda: ada.reviews.write(course, body=ReviewRequest(rating=6, comment="")))
    assert isinstance(invalid.errors, list)
    assert (invalid.type_, invalid.errors[0].pointer) == (ProblemType.INVALID_REQUEST, "/rating")
    review = ada.reviews.write(course, body=text)
    assert (review.status, review.public) == (ReviewStatus.PENDING, None)
    assert ada.reviews.list(course).data == []

    held = moderator.moderation.get(review.id)
    waiting = moderator.moderation.list(status=ReviewStatus.PENDING, course_id=course)
    assert [row.id for row in waiting.data] == [review.id]
    stale = DecisionRequest(decision=ModerationDecision.HIDE, reason="Links", version=held.version + 1)
    conflict = refused(lambda: moderator.moderation.decide(review.id, body=stale))
    assert (conflict.type_, conflict.current_version) == (ProblemType.MODERATION_CONFLICT, held.version)
    decision = DecisionRequest(decision=ModerationDecision.APPROVE, version=held.version)
    assert moderator.moderation.decide(review.id, body=decision).review.status == ReviewStatus.PUBLISHED

    assert [row.rating for row in ben.reviews.list(course).data] == [4]
    summary = ben.reviews.summary(course)
    assert (summary.average, summary.count, summary.histogram.stars_4) == (4.0, 1, 1)
    ben.reviews.report(course, review.id, body=ReportRequest(reason=ReportReason.SPAM))
    again = refused(lambda: ben.reviews.report(course, review.id, body=ReportRequest(reason=ReportReason.SPAM)))
    assert again.type_ == ProblemType.ALREADY_REPORTED


def a_stale_change_is_refused(staff: Lectern, course: str) -> None:
    """Two changes that began from the same version."""
    etag = courses_get.sync_detailed(course, client=staff.client).headers["ETag"]
    changed = staff.courses.update(course, body=UpdateCourseRequest(summary="Ropes."), if_match=etag)
    assert changed.summary == "Ropes."
    stale = refused(lambda: staff.courses.update(course, body=UpdateCourseRequest(summary="No."), if_match=etag))
    assert stale.type_ == ProblemType.PRECONDITION_FAILED


def a_freed_seat_goes_to_who_waits(ada: Lectern, ben: Lectern, course: str) -> None:
    """Ada leaves, so Ben is in."""
    ada.enrollments.withdraw(course)
    assert refused(lambda: ada.enrollments.standing(course)).type_ == ProblemType.ENROLLMENT_NOT_FOUND
    assert ben.enrollments.standing(course).standing == Standing.ENROLLED
    assert [row.course.id for row in ben.enrollments.list().data] == [course]


if __name__ == "__main__":
    main()
