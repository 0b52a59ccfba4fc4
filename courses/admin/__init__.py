"""The catalogue as course staff see and change it."""

from courses.admin.lists import CourseAdmin

__all__ = ["CourseAdmin"]
