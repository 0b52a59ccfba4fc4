"""The use cases of being in a course, waiting for it, and leaving."""

from courses.services import CourseClosed, CourseFull, CourseNotFound
from enrollments.errors import (
    AlreadyEnrolled,
    AlreadyWaitlisted,
    EnrollmentCompleted,
    EnrollmentNotFound,
    InvalidEnrollmentTransition,
    KeyNotFound,
    PartnerNotFound,
    TooManyKeys,
)
from enrollments.selectors import get_enrollment, get_standing
from enrollments.services.enrolling import enroll
from enrollments.services.keys import authenticate, create_key, create_partner, revoke_key, rotate_key
from enrollments.services.leaving import complete, revoke, withdraw
from enrollments.services.line import expire_waitlist, promote_waitlist
from enrollments.services.reading import (
    courses_to_promote_in,
    has_been_admitted,
    list_enrollments_of_learner,
    list_roster,
    list_waitlist,
)
from enrollments.types import (
    Enrolled,
    Enrollment,
    EnrollmentChanged,
    EnrollmentOfMine,
    NewKey,
    Partner,
    RosterRow,
    Source,
    Standing,
    Status,
    Via,
    Waitlisted,
    WaitlistEntry,
    WaitlistRow,
    Withdrawn,
)

__all__ = [
    "AlreadyEnrolled",
    "AlreadyWaitlisted",
    "CourseClosed",
    "CourseFull",
    "CourseNotFound",
    "Enrolled",
    "Enrollment",
    "EnrollmentChanged",
    "EnrollmentCompleted",
    "EnrollmentNotFound",
    "EnrollmentOfMine",
    "InvalidEnrollmentTransition",
    "KeyNotFound",
    "NewKey",
    "Partner",
    "PartnerNotFound",
    "RosterRow",
    "Source",
    "Standing",
    "Status",
    "TooManyKeys",
    "Via",
    "WaitlistEntry",
    "WaitlistRow",
    "Waitlisted",
    "Withdrawn",
    "authenticate",
    "complete",
    "courses_to_promote_in",
    "create_key",
    "create_partner",
    "enroll",
    "expire_waitlist",
    "get_enrollment",
    "get_standing",
    "has_been_admitted",
    "list_enrollments_of_learner",
    "list_roster",
    "list_waitlist",
    "promote_waitlist",
    "revoke",
    "revoke_key",
    "rotate_key",
    "withdraw",
]
