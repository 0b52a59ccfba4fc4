"""Reads and writes of each table."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from benchmarks.peers.fastapi_app.models import Course, Enrollment, Event, Person, Places, Review, Summary

_STARS = ("ones", "twos", "threes", "fours", "fives")


class _Repository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session


class People(_Repository):
    """Accounts."""

    async def get(self, person_id: UUID) -> Person | None:
        """The person with this id."""
        return await self.session.get(Person, person_id)


class Courses(_Repository):
    """Courses and their places."""

    async def page(self, *, after: UUID | None, limit: int) -> Sequence[Course]:
        """Public courses with their places, newest first."""
        query = select(Course).join(Course.places).options(joinedload(Course.places))
        query = query.where(Places.status.in_(["open", "closed", "archived"]))
        if after is not None:
            query = query.where(Course.id < after)
        return (await self.session.scalars(query.order_by(Course.id.desc()).limit(limit))).all()

    async def status(self, course_id: UUID) -> str | None:
        """The status of the course, if there is one."""
        return await self.session.scalar(select(Places.status).where(Places.course_id == course_id))

    async def lock_places(self, course_id: UUID) -> Places | None:
        """The places, which nobody else takes until the transaction ends."""
        query = select(Places).where(Places.course_id == course_id).with_for_update(key_share=True)
        return (await self.session.scalars(query)).one_or_none()

    async def rate(self, course_id: UUID, *, average: Decimal, count: int) -> None:
        """The catalogue shows this rating."""
        statement = update(Course).where(Course.id == course_id)
        await self.session.execute(statement.values(rating_average=average, rating_count=count))


class Enrollments(_Repository):
    """Who is in, and who waits."""

    async def live(self, course_id: UUID, learner_id: UUID) -> str | None:
        """The state of the learner's live row in the course, if there is one."""
        query = select(Enrollment.status).where(
            Enrollment.course_id == course_id,
            Enrollment.learner_id == learner_id,
            Enrollment.status.in_(["active", "completed", "waiting"]),
        )
        return await self.session.scalar(query)

    def add(self, enrollment: Enrollment) -> None:
        """The row is part of the transaction."""
        self.session.add(enrollment)


class Events(_Repository):
    """The event log."""

    def add(self, event: Event) -> None:
        """The event is part of the transaction."""
        self.session.add(event)


class Reviews(_Repository):
    """Reviews and their summaries."""

    async def page(self, course_id: UUID, *, after: UUID | None, limit: int) -> Sequence[Review]:
        """Published reviews of the course with their authors, newest first."""
        query = select(Review).options(joinedload(Review.author, innerjoin=True))
        query = query.where(Review.course_id == course_id, Review.public_rating.is_not(None))
        if after is not None:
            query = query.where(Review.id < after)
        return (await self.session.scalars(query.order_by(Review.id.desc()).limit(limit))).all()

    async def exists(self, course_id: UUID, author_id: UUID) -> bool:
        """Whether the author has a live review of the course."""
        query = select(Review.id).where(
            Review.course_id == course_id, Review.author_id == author_id, Review.retracted_at.is_(None)
        )
        return await self.session.scalar(query) is not None

    def add(self, review: Review) -> None:
        """The review is part of the transaction."""
        self.session.add(review)

    async def count(self, course_id: UUID, rating: int) -> list[int]:
        """The summary knows one more of this rating. Returns how many there are of each."""
        column = _STARS[rating - 1]
        ratings = {star: int(star == column) for star in _STARS}
        statement = (
            insert(Summary)
            .values(course_id=course_id, **ratings)
            .on_conflict_do_update(index_elements=["course_id"], set_={column: getattr(Summary, column) + 1})
            .returning(*(getattr(Summary, star) for star in _STARS))
        )
        return list((await self.session.execute(statement)).one())
