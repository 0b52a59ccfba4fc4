"""HTTP in and out."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from benchmarks.peers.fastapi_app.database import Session
from benchmarks.peers.fastapi_app.schemas import CourseOut, EnrollmentOut, Page, ReviewIn, ReviewOut
from benchmarks.peers.fastapi_app.security import Caller
from benchmarks.peers.fastapi_app.services import CourseService, EnrollmentService, ReviewService

Limit = Annotated[int, Query(ge=1, le=100)]

router = APIRouter(prefix="/api/v1/courses")


@router.get("")
async def list_courses(session: Session, limit: Limit = 20, after: UUID | None = None) -> Page[CourseOut]:
    """The catalogue."""
    courses = await CourseService(session).list(after=after, limit=limit + 1)
    page = [CourseOut.of(course) for course in courses[:limit]]
    return Page(data=page, next_after=page[-1].id if len(courses) > limit else None)


@router.post("/{course_id}/enrollments", status_code=201)
async def enroll(course_id: UUID, caller: Caller, session: Session, response: Response) -> EnrollmentOut:
    """Get a seat, or a place in line."""
    enrollment = await EnrollmentService(session).enroll(course_id, caller.id)
    response.status_code = 202 if enrollment.status == "waiting" else 201
    response.headers["Location"] = f"/api/v1/courses/{course_id}/enrollments/me"
    return EnrollmentOut.model_validate(enrollment)


@router.get("/{course_id}/reviews")
async def list_reviews(
    course_id: UUID, session: Session, limit: Limit = 20, after: UUID | None = None
) -> Page[ReviewOut]:
    """What learners say about a course."""
    reviews = await ReviewService(session).list(course_id, after=after, limit=limit + 1)
    page = [ReviewOut.model_validate(review) for review in reviews[:limit]]
    return Page(data=page, next_after=page[-1].id if len(reviews) > limit else None)


@router.post("/{course_id}/reviews", status_code=201)
async def write_review(
    course_id: UUID, body: ReviewIn, caller: Caller, session: Session, response: Response
) -> ReviewOut:
    """Say something about a course."""
    review = await ReviewService(session).write(course_id, caller.id, rating=body.rating, comment=body.comment)
    response.headers["Location"] = f"/api/v1/courses/{course_id}/reviews/me"
    return ReviewOut.model_validate(review)
