"""Enrollments for tests, made through the services."""

from datetime import datetime
from io import BytesIO
from typing import Any
from uuid import UUID

from common import clock, ids
from common.tests.factories import NOW, SYSTEM, ApiClient, a_learner, client_of
from common.types import Actor
from courses.tests.factories import an_open_course, crs, seats_and_line
from enrollments import services as enrollments
from enrollments.files import rows_of_csv
from enrollments.models import Enrollment as EnrollmentRow


def enroll(course_id: UUID, learner_id: UUID | None = None) -> enrollments.Enrolled | enrollments.Waitlisted:
    """What enrolling this learner, or a new one, comes to."""
    return enrollments.enroll(
        course_id=course_id,
        learner_id=learner_id or a_learner(),
        source=enrollments.Source.SELF,
        actor=SYSTEM,
        now=NOW,
    )


def an_enrollment(course_id: UUID, learner_id: UUID | None = None) -> enrollments.Enrollment:
    """An active enrollment in a course that has a free seat."""
    outcome = enroll(course_id, learner_id)
    assert isinstance(outcome, enrollments.Enrolled)
    return outcome.enrollment


def a_place_in_line(course_id: UUID, learner_id: UUID | None = None) -> enrollments.WaitlistEntry:
    """A waiting entry in a course that is full."""
    outcome = enroll(course_id, learner_id)
    assert isinstance(outcome, enrollments.Waitlisted)
    return outcome.waitlist_entry


def withdraw(course_id: UUID, learner_id: UUID) -> str:
    """Withdraw the learner; the outcome in one word."""
    return enrollments.withdraw(
        course_id=course_id, learner_id=learner_id, expected_version=None, actor=SYSTEM, now=NOW
    ).outcome


def complete(enrollment_id: UUID, reason: str = "") -> enrollments.EnrollmentChanged:
    """Complete the enrollment."""
    return enrollments.complete(enrollment_id=enrollment_id, reason=reason, actor=SYSTEM, now=NOW)


def revoke(enrollment_id: UUID, reason: str = "") -> enrollments.EnrollmentChanged:
    """Revoke the enrollment."""
    return enrollments.revoke(enrollment_id=enrollment_id, reason=reason, actor=SYSTEM, now=NOW)


def promote(course_id: UUID) -> int:
    """Give the course's free seats to those who wait."""
    return enrollments.promote_waitlist(course_id=course_id, actor=SYSTEM, now=NOW)


def expire(course_id: UUID) -> int:
    """End the waiting in an archived course."""
    return enrollments.expire_waitlist(course_id=course_id, actor=SYSTEM)


def a_full_course(*, waiting: int = 0, capacity: int = 1, **values: Any) -> tuple[UUID, list[UUID], list[UUID]]:
    """An open course with a waitlist, all seats of which are taken; who has them and who waits, in order."""
    course_id = an_open_course(capacity=capacity, **{"waitlist_enabled": True, **values})
    seated = [an_enrollment(course_id).learner_id for _ in range(capacity)]
    return course_id, seated, [a_place_in_line(course_id).learner_id for _ in range(waiting)]


def row_of(course_id: UUID, learner_id: UUID) -> UUID:
    """The id of the learner's newest row in the course."""
    rows = EnrollmentRow.objects.filter(course_id=course_id, learner_id=learner_id)
    return rows.latest("id").pk


def status_of(course_id: UUID, learner_id: UUID) -> str | None:
    """The state of the learner's newest row in the course."""
    rows = EnrollmentRow.objects.filter(course_id=course_id, learner_id=learner_id).order_by("-id")
    return rows.values_list("status", flat=True).first()


def learners(course_id: UUID, *statuses: str) -> list[UUID]:
    """Whose rows in the course have one of these states, by queue number."""
    rows = EnrollmentRow.objects.filter(course_id=course_id, status__in=statuses)
    return list(rows.order_by("queue_number", "id").values_list("learner_id", flat=True))


def line(course_id: UUID) -> list[UUID]:
    """Who waits, in queue order."""
    return learners(course_id, "waiting")


def counters_equal_rows(course_id: UUID) -> bool:
    """Whether the course's own count of seats and of those who wait is that of the rows."""
    counted = len(learners(course_id, "active", "completed")), len(line(course_id))
    return seats_and_line(course_id) == counted


def enr(row_id: UUID) -> str:
    """The public id of an enrollment."""
    return ids.encode(ids.ENROLLMENT, row_id)


def wle(row_id: UUID) -> str:
    """The public id of a place in line."""
    return ids.encode(ids.WAITLIST_ENTRY, row_id)


def a_partner(name: str = "Acme") -> UUID:
    """The id of a partner without a key."""
    return enrollments.create_partner(name=name, now=NOW).id


def a_key(partner_id: UUID | None = None, *, expires_at: datetime | None = None) -> str:
    """A live key of this partner, or of a new one."""
    made = enrollments.create_key(partner_id=partner_id or a_partner(), expires_at=expires_at, now=clock.now())
    return made.key


def a_revoked_key(partner_id: UUID) -> str:
    """A key that was this partner's."""
    key = a_key(partner_id)
    enrollments.revoke_key(partner_id=partner_id, prefix=key.split("_")[1], now=clock.now())
    return key


def partner_client(partner_id: UUID | None = None, **headers: str) -> ApiClient:
    """The system of this partner, or of a new one, with a key of its own."""
    return client_of(Authorization=f"Api-Key {a_key(partner_id)}", **headers)


def through_partner(partner_id: UUID, course_id: UUID, number: int = 1) -> UUID:
    """The reference of what the partner's bringing the learner of this number comes to."""
    outcome = enrollments.enroll_through_partner(
        partner_id=partner_id,
        course_id=course_id,
        learner=enrollments.LearnerOfPartner(
            external_id=f"e-{number}", email=f"learner{number}@example.org", name=f"Learner {number}"
        ),
        actor=Actor(name=ptn(partner_id), request_id="req-partner"),
        now=NOW,
    )
    return outcome.enrollment.id if isinstance(outcome, enrollments.Enrolled) else outcome.waitlist_entry.id


def ptn(partner_id: UUID) -> str:
    """The public id of a partner."""
    return ids.encode(ids.PARTNER, partner_id)


def csv_of(*rows: tuple[str, str, str, str]) -> bytes:
    """A file with these rows: course, external id, email, name."""
    lines = ["course_id,external_id,email,name", *(",".join(row) for row in rows)]
    return "".join(f"{line}\r\n" for line in lines).encode()


def a_row(course_id: UUID, number: int = 1) -> tuple[str, str, str, str]:
    """A row that brings the learner of this number to the course."""
    return crs(course_id), f"e-{number}", f"learner{number}@example.org", f"Learner {number}"


def an_import(partner_id: UUID, *rows: tuple[str, str, str, str]) -> enrollments.Import:
    """A queued import of these rows, which nobody will run but the test."""
    return enrollments.take_import(
        partner_id=partner_id,
        rows=rows_of_csv(BytesIO(csv_of(*rows))),
        file_name="learners.csv",
        actor=Actor(name=ptn(partner_id), request_id="req-import"),
        now=NOW,
    )


def run(started: enrollments.Import, now: datetime = NOW) -> enrollments.Import:
    """The import once there is nothing more to do."""
    assert not enrollments.run_import(import_id=started.id, seconds=600, now=now)
    return enrollments.get_import(partner_id=started.partner_id, import_id=started.id)


def rows_of(one: enrollments.Import) -> list[enrollments.ImportedRow]:
    """All its rows, in file order."""
    return list(enrollments.report_import(partner_id=one.partner_id, import_id=one.id))


def counts(one: enrollments.Import) -> dict[str, int]:
    """The counts that are not 0."""
    names = [each.value for each in enrollments.RowResult]
    return {name: getattr(one.counts, name) for name in names if getattr(one.counts, name)}


def imp(import_id: UUID) -> str:
    """The public id of an import."""
    return ids.encode(ids.IMPORT, import_id)
