"""What can go wrong with a course."""

from common.errors import DomainError, NotFound


class CourseNotFound(NotFound):
    """No course has this id, or it is a draft that the caller may not see."""

    code = "course_not_found"

    def __init__(self) -> None:
        super().__init__("There is no course with this id.")


class CourseClosed(DomainError):
    """The course takes nobody now: it is closed or archived, or outside its enrollment window."""

    code = "course_closed"

    def __init__(self, reason: str) -> None:
        super().__init__(f"This course takes nobody now: {reason}.")


class CourseFull(DomainError):
    """All seats are taken and the course keeps no waitlist."""

    code = "course_full"

    def __init__(self, capacity: int) -> None:
        taken = f"All {capacity} seats of this course are taken" if capacity else "This course has no seats"
        super().__init__(f"{taken} and it keeps no waitlist.")


class CapacityBelowEnrollment(DomainError):
    """The new capacity is below the number of seats taken."""

    code = "capacity_below_enrollment"

    def __init__(self, capacity: int, seats_taken: int) -> None:
        taken = "1 seat is taken" if seats_taken == 1 else f"{seats_taken} seats are taken"
        super().__init__(f"{taken}, so the capacity cannot be {capacity}.", seats_taken=seats_taken)


class InvalidTransition(DomainError):
    """The present state does not allow this step."""

    code = "invalid_transition"

    def __init__(self, status: str, wanted: str) -> None:
        super().__init__(f"A course that is {status} cannot become {wanted}.", current_status=str(status))


class SlugAlreadyUsed(DomainError):
    """Another course has this slug."""

    code = "slug_already_used"

    def __init__(self, slug: str) -> None:
        super().__init__(f"Another course has the slug “{slug}”.")
