"""Enrollments over HTTP: for learners and staff, and for partners."""

from enrollments.views.enrollments import (
    CompleteEnrollment,
    CourseEnrollments,
    CourseWaitlist,
    MyEnrollments,
    MyStanding,
    RevokeEnrollment,
)
from enrollments.views.imports import CancelImport, Import, ImportReport, ImportRows, Imports, RetryImport
from enrollments.views.partners import PartnerEnrollment, PartnerEnrollments

__all__ = [
    "CancelImport",
    "CompleteEnrollment",
    "CourseEnrollments",
    "CourseWaitlist",
    "Import",
    "ImportReport",
    "ImportRows",
    "Imports",
    "MyEnrollments",
    "MyStanding",
    "PartnerEnrollment",
    "PartnerEnrollments",
    "RetryImport",
    "RevokeEnrollment",
]
