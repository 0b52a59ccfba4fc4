"""The use cases."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from fastapi import HTTPException
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from benchmarks.peers.fastapi_app.models import Course, Enrollment, Event, Places, Review
from benchmarks.peers.fastapi_app.repositories import Courses, Enrollments, Events, Reviews


class CourseService:
    """The catalogue."""

    def __init__(self, session: AsyncSession) -> None:
        self.courses = Courses(session)

    async def list(self, *, after: UUID | None, limit: int) -> list[Course]:
        """A page of the catalogue."""
        return list(await self.courses.page(after=after, limit=limit))


class EnrollmentService:
    """Getting into a course."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session
        self.courses, self.enrollments, self.events = Courses(session), Enrollments(session), Events(session)

    async def enroll(self, course_id: UUID, learner_id: UUID) -> Enrollment:
        """The learner has a seat, or the last place in line. 404 and 409 say why not."""
        places = await self.courses.lock_places(course_id)
        if places is None or places.status == "draft":
            raise HTTPException(404, "There is no such course.")
        now = datetime.now(UTC)
        _check_open(places, now)
        if status := await self.enrollments.live(course_id, learner_id):
            raise HTTPException(409, "already-waitlisted" if status == "waiting" else "already-enrolled")
        enrollment = Enrollment(id=uuid7(), course_id=course_id, learner_id=learner_id, joined_at=now)
        _take_place(places, enrollment)
        self.enrollments.add(enrollment)
        happened = "waitlist.joined" if enrollment.status == "waiting" else "enrollment.created"
        self.events.add(_event(happened, enrollment.id, course_id, learner_id))
        await _commit(self.session, "already-enrolled")
        return enrollment


class ReviewService:
    """What learners say about a course."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session
        self.courses, self.enrollments, self.events = Courses(session), Enrollments(session), Events(session)
        self.reviews = Reviews(session)

    async def list(self, course_id: UUID, *, after: UUID | None, limit: int) -> list[Review]:
        """A page of the published reviews. 404 without such a course."""
        await self._check_course(course_id)
        return list(await self.reviews.page(course_id, after=after, limit=limit))

    async def write(self, course_id: UUID, author_id: UUID, *, rating: int, comment: str) -> Review:
        """The review is there, and counted. 403, 404 and 409 say why not."""
        await self._check_course(course_id)
        if await self.enrollments.live(course_id, author_id) not in {"active", "completed"}:
            raise HTTPException(403, "review-not-allowed")
        if await self.reviews.exists(course_id, author_id):
            raise HTTPException(409, "review-already-exists")
        review = Review(
            id=uuid7(),
            course_id=course_id,
            author_id=author_id,
            rating=rating,
            comment=comment,
            public_rating=rating,
            public_comment=comment,
        )
        self.reviews.add(review)
        self.events.add(_event("review.created", review.id, course_id, author_id))
        try:
            await self.session.flush()
        except IntegrityError as violation:
            raise HTTPException(409, "review-already-exists") from violation
        counts = await self.reviews.count(course_id, rating)
        total = sum(stars * count for stars, count in enumerate(counts, start=1))
        average = (Decimal(total) / sum(counts)).quantize(Decimal("0.01"))
        await self.courses.rate(course_id, average=average, count=sum(counts))
        await self.session.refresh(review, ["author", "created_at", "public_updated_at"])
        await self.session.commit()
        return review

    async def _check_course(self, course_id: UUID) -> None:
        if await self.courses.status(course_id) in {None, "draft"}:
            raise HTTPException(404, "There is no such course.")


def _check_open(places: Places, now: datetime) -> None:
    opens, closes = places.enrollment_opens_at, places.enrollment_closes_at
    if places.status != "open" or (opens and now < opens) or (closes and now >= closes):
        raise HTTPException(409, "course-closed")


def _take_place(places: Places, enrollment: Enrollment) -> None:
    """A seat, if one is free and nobody waits for it; else the last place in line. The places are locked."""
    if places.waiting == 0 and (places.capacity is None or places.seats_taken < places.capacity):
        places.seats_taken += 1
        enrollment.status, enrollment.enrolled_at = "active", enrollment.joined_at
    elif places.waitlist_enabled:
        places.waiting += 1
        places.last_queue_number += 1
        enrollment.status, enrollment.queue_number = "waiting", places.last_queue_number
    else:
        raise HTTPException(409, "course-full")


def _event(type: str, subject: UUID, course_id: UUID, person_id: UUID) -> Event:
    data = {"course_id": str(course_id), "person_id": str(person_id)}
    return Event(type=type, subject=str(subject), actor=str(person_id), data=data)


async def _commit(session: AsyncSession, refusal: str) -> None:
    try:
        await session.commit()
    except IntegrityError as violation:
        raise HTTPException(409, refusal) from violation
