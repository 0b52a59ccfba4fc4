"""The tables, as far as this peer reads and writes them."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from uuid_utils.compat import uuid7


class Base(DeclarativeBase):
    """All tables."""

    type_annotation_map = {datetime: DateTime(timezone=True)}


class Person(Base):
    """Somebody with an account."""

    __tablename__ = "common_user"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    display_name: Mapped[str]
    is_active: Mapped[bool]


class Course(Base):
    """The texts of a course."""

    __tablename__ = "courses_course"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str]
    title: Mapped[str]
    summary: Mapped[str]
    description: Mapped[str]
    instructor: Mapped[str]
    rating_average: Mapped[Decimal | None]
    rating_count: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    places: Mapped["Places"] = relationship(lazy="raise")


class Places(Base):
    """The seats of a course."""

    __tablename__ = "courses_courseplaces"

    course_id: Mapped[UUID] = mapped_column(ForeignKey(Course.id), primary_key=True)
    status: Mapped[str]
    enrollment_opens_at: Mapped[datetime | None]
    enrollment_closes_at: Mapped[datetime | None]
    waitlist_enabled: Mapped[bool]
    capacity: Mapped[int | None]
    seats_taken: Mapped[int]
    waiting: Mapped[int]
    last_queue_number: Mapped[int]


class Enrollment(Base):
    """A learner's place in a course, or in its line."""

    __tablename__ = "enrollments_enrollment"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    course_id: Mapped[UUID]
    learner_id: Mapped[UUID]
    status: Mapped[str]
    source: Mapped[str] = mapped_column(default="self")
    queue_number: Mapped[int | None]
    joined_at: Mapped[datetime]
    enrolled_at: Mapped[datetime | None]


class Event(Base):
    """One thing that happened."""

    __tablename__ = "common_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[UUID] = mapped_column(default=uuid7)
    type: Mapped[str]
    subject: Mapped[str]
    course: Mapped[str] = mapped_column(default="")
    actor: Mapped[str]
    request_id: Mapped[str] = mapped_column(default="")
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)


class Review(Base):
    """What a learner says about a course."""

    __tablename__ = "reviews_review"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    course_id: Mapped[UUID]
    author_id: Mapped[UUID] = mapped_column(ForeignKey(Person.id))
    status: Mapped[str] = mapped_column(default="published")
    rating: Mapped[int]
    comment: Mapped[str]
    revision: Mapped[int] = mapped_column(default=1)
    public_rating: Mapped[int | None]
    public_comment: Mapped[str]
    public_revision: Mapped[int | None] = mapped_column(default=1)
    public_updated_at: Mapped[datetime | None] = mapped_column(default=func.now())
    held_reason: Mapped[str] = mapped_column(default="")
    open_reports: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    retracted_at: Mapped[datetime | None]
    author: Mapped[Person] = relationship(lazy="raise")


class Summary(Base):
    """How many ratings of each kind a course has."""

    __tablename__ = "reviews_coursesummary"

    course_id: Mapped[UUID] = mapped_column(primary_key=True)
    ones: Mapped[int] = mapped_column(default=0)
    twos: Mapped[int] = mapped_column(default=0)
    threes: Mapped[int] = mapped_column(default=0)
    fours: Mapped[int] = mapped_column(default=0)
    fives: Mapped[int] = mapped_column(default=0)
