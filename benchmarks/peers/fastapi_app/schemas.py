"""What comes in and goes out."""

from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from benchmarks.peers.fastapi_app import models

T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    """A page of a list; `next_after` leads on to the next one."""

    data: list[T]
    next_after: UUID | None


class CourseOut(BaseModel):
    """A course."""

    id: UUID
    slug: str
    title: str
    summary: str
    description: str
    instructor: str
    status: str
    capacity: int | None
    seats_available: int | None
    waitlist_enabled: bool
    waitlist_length: int
    enrollment_opens_at: datetime | None
    enrollment_closes_at: datetime | None
    rating_average: float | None
    rating_count: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, course: models.Course) -> "CourseOut":
        """From the rows of a course."""
        places = course.places
        return cls(
            id=course.id,
            slug=course.slug,
            title=course.title,
            summary=course.summary,
            description=course.description,
            instructor=course.instructor,
            status=places.status,
            capacity=places.capacity,
            seats_available=None if places.capacity is None else places.capacity - places.seats_taken,
            waitlist_enabled=places.waitlist_enabled,
            waitlist_length=places.waiting,
            enrollment_opens_at=places.enrollment_opens_at,
            enrollment_closes_at=places.enrollment_closes_at,
            rating_average=None if course.rating_average is None else float(course.rating_average),
            rating_count=course.rating_count,
            created_at=course.created_at,
            updated_at=course.updated_at,
        )


class EnrollmentOut(BaseModel):
    """An enrollment, or a place in line."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    course_id: UUID
    learner_id: UUID
    status: str
    source: str
    joined_at: datetime
    enrolled_at: datetime | None


class AuthorOut(BaseModel):
    """Who wrote it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    display_name: str


class ReviewIn(BaseModel):
    """A new review."""

    model_config = ConfigDict(extra="forbid")

    rating: int = Field(ge=1, le=5)
    comment: str = Field(max_length=5000)


class ReviewOut(BaseModel):
    """A published review."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    course_id: UUID
    author: AuthorOut
    rating: int = Field(validation_alias="public_rating")
    comment: str = Field(validation_alias="public_comment")
    created_at: datetime
    updated_at: datetime = Field(validation_alias="public_updated_at")
