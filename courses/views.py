"""The catalogue over HTTP."""

from collections.abc import Callable
from typing import cast
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from common import clock, ids
from common.api import ApiView, answer
from common.operations import Access, EmptyBody, PageOf, Tag, operation
from common.preconditions import check_match, etag_of, representation
from courses import services as courses
from courses.serializers import (
    CourseChangedView,
    CourseQuery,
    CourseView,
    CreateCourseBody,
    UpdateCourseBody,
    UpdatedCourseView,
)

TAG = Tag("Courses", "The catalogue, and the life of a course: draft, open, closed, archived.")
ADD = "courses.add_course"
CHANGE = "courses.change_course"


def course_id_from(text: str) -> UUID:
    """The UUID in a path.

    Raises:
        CourseNotFound: it is malformed or of another type.
    """
    course_id = ids.decode(ids.COURSE, text)
    if course_id is None:
        raise courses.CourseNotFound
    return course_id


class Courses(ApiView):
    """The catalogue."""

    @operation(
        id="courses.list",
        tag=TAG,
        summary="Browse the catalogue",
        description="Drafts are listed for course staff only.",
        access=Access.ANYONE,
        query=CourseQuery,
        answers={200: PageOf(CourseView)},
    )
    def get(self, request: Request) -> HttpResponse:
        page = courses.list_courses(
            filter=courses.CourseFilter(
                search=self.query.get("search"),
                status=self.query.get("status"),
                is_open=self.query.get("is_open"),
            ),
            sort=courses.CourseSort(self.query["sort"]),
            with_drafts=request.user.has_perm(CHANGE),
            page=self.page_request(),
            now=clock.now(),
        )
        return self.page(page, CourseView)

    @operation(
        id="courses.create",
        tag=TAG,
        summary="Create a draft",
        description="Nobody but course staff sees it until it is opened. Without a `slug` it gets one from its title.",
        access=ADD,
        body=CreateCourseBody,
        answers={201: CourseView},
        errors=[courses.SlugAlreadyUsed],
        idempotent=True,
        located=True,
        tagged=True,
    )
    def post(self, request: Request) -> HttpResponse:
        course = courses.create_course(
            values=cast("courses.CourseChanges", self.body()), actor=self.actor(), now=clock.now()
        )
        body = CourseView.render(course)
        response = answer(body, status=201, location=f"/api/v1/courses/{body['id']}")
        response["ETag"] = etag_of(body, version=str(course.version))
        return response


class Course(ApiView):
    """One course."""

    @operation(
        id="courses.get",
        tag=TAG,
        summary="Read a course",
        description="A draft is not found, except for course staff.",
        access=Access.ANYONE,
        answers={200: CourseView},
        errors=[courses.CourseNotFound],
        tagged=True,
    )
    def get(self, request: Request, course_id: str) -> HttpResponse:
        course = courses.get_course(
            course_id=course_id_from(course_id), with_drafts=request.user.has_perm(CHANGE), now=clock.now()
        )
        return representation(request, CourseView.render(course), version=str(course.version))

    @operation(
        id="courses.update",
        tag=TAG,
        summary="Change a course",
        description="Only the members that are sent change. More capacity gives seats to those who wait: `triggered` "
        "then holds `waitlist_promotion`.",
        access=CHANGE,
        body=UpdateCourseBody,
        answers={200: UpdatedCourseView},
        errors=[courses.CourseNotFound, courses.CapacityBelowEnrollment, courses.SlugAlreadyUsed],
        conditional=True,
        tagged=True,
    )
    def patch(self, request: Request, course_id: str) -> HttpResponse:
        course = courses.get_course(course_id=course_id_from(course_id), with_drafts=True, now=clock.now())
        expected = check_match(request, str(course.version))
        changed = courses.update_course(
            course_id=course.id,
            changes=cast("courses.CourseChanges", self.body()),
            expected_version=int(expected) if expected else None,
            actor=self.actor(),
            now=clock.now(),
        )
        response = answer(UpdatedCourseView.render(changed))
        response["ETag"] = etag_of(CourseView.render(changed.course), version=str(changed.course.version))
        return response


class _Transition(ApiView):
    """A step in the life of a course."""

    def answer_with(self, use_case: Callable[..., courses.CourseChanged], course_id: str) -> HttpResponse:
        self.body()
        changed = use_case(course_id=course_id_from(course_id), actor=self.actor(), now=clock.now())
        return answer(CourseChangedView.render(changed))


class OpenCourse(_Transition):
    """draft or closed → open."""

    @operation(
        id="courses.open",
        tag=TAG,
        summary="Open a course for enrollment",
        description="From `draft` or `closed`. If seats are free and people wait, they get them: `triggered` then "
        "holds `waitlist_promotion`.",
        access=CHANGE,
        body=EmptyBody,
        answers={200: CourseChangedView},
        errors=[courses.CourseNotFound, courses.InvalidTransition],
        idempotent=True,
    )
    def post(self, request: Request, course_id: str) -> HttpResponse:
        return self.answer_with(courses.open_course, course_id)


class CloseCourse(_Transition):
    """open → closed."""

    @operation(
        id="courses.close",
        tag=TAG,
        summary="Close a course",
        description="From `open`. It takes nobody then; those who are in stay in, those who wait keep their places.",
        access=CHANGE,
        body=EmptyBody,
        answers={200: CourseChangedView},
        errors=[courses.CourseNotFound, courses.InvalidTransition],
        idempotent=True,
    )
    def post(self, request: Request, course_id: str) -> HttpResponse:
        return self.answer_with(courses.close_course, course_id)


class ArchiveCourse(_Transition):
    """draft or closed → archived."""

    @operation(
        id="courses.archive",
        tag=TAG,
        summary="Archive a course",
        description="From `draft` or `closed`, for ever. If people wait, their entries end as `expired`: `triggered` "
        "then holds `waitlist_expiry`.",
        access=CHANGE,
        body=EmptyBody,
        answers={200: CourseChangedView},
        errors=[courses.CourseNotFound, courses.InvalidTransition],
        idempotent=True,
    )
    def post(self, request: Request, course_id: str) -> HttpResponse:
        return self.answer_with(courses.archive_course, course_id)
