"""Enrollments over HTTP: for learners and staff, and for partners."""

from enrollments.views.enrollments import (
    CompleteEnrollment,
    CourseEnrollments,
    CourseWaitlist,
    MyEnrollments,
    MyStanding,
    RevokeEnrollment,
)
from enrollments.views.partners import PartnerEnrollment, PartnerEnrollments

__all__ = [
    "CompleteEnrollment",
    "CourseEnrollments",
    "CourseWaitlist",
    "MyEnrollments",
    "MyStanding",
    "PartnerEnrollment",
    "PartnerEnrollments",
    "RevokeEnrollment",
]
