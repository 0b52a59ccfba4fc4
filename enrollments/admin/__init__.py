"""Who is in and who waits, as course staff see and change it."""

from enrollments.admin.lists import EnrollmentAdmin, WaitlistAdmin

__all__ = ["EnrollmentAdmin", "WaitlistAdmin"]
