"""Who is in and who waits, as course staff see and change it; partners, their keys and their imports."""

from enrollments.admin.imports import ImportAdmin
from enrollments.admin.lists import EnrollmentAdmin, WaitlistAdmin
from enrollments.admin.partners import PartnerAdmin

__all__ = ["EnrollmentAdmin", "ImportAdmin", "PartnerAdmin", "WaitlistAdmin"]
