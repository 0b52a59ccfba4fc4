"""The shapes of courses on the wire."""

from typing import Any, ClassVar

from django.core.validators import RegexValidator
from rest_framework import serializers

from common import examples, ids
from common.events.serializers import Triggered
from common.fields import Boolean, Choice, Integer, Line, PublicId, QueryBoolean, Text, Time
from common.wire import Body, PageQuery, View
from courses.types import CourseSort, CourseStatus

_LARGEST_CAPACITY = 1_000_000
_SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"


class Slug(Text):
    """Lower-case Latin letters and digits in words joined by hyphens."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=100, **kwargs)
        message = "Must be lower-case letters and digits, joined by single hyphens."
        self.validators.append(RegexValidator(_SLUG, message, "invalid"))


class CourseQuery(PageQuery):
    """Which courses, and in which order."""

    search = Text(required=False, allow_blank=True, max_length=200, help_text="Words of title, summary, instructor.")
    status = Choice("CourseStatus", CourseStatus, required=False)
    is_open = QueryBoolean(required=False, help_text="Only courses that take learners now, or only the others.")
    sort = Choice("CourseSort", CourseSort, default=CourseSort.NEWEST.value)


class UpdateCourseBody(Body):
    """The fields of a course that staff may set."""

    title = Line(max_length=200, required=False)
    slug = Slug(required=False)
    summary = Text(max_length=500, required=False, allow_blank=True)
    description = Text(max_length=20_000, required=False, allow_blank=True)
    instructor = Line(max_length=200, required=False, allow_blank=True)
    capacity = Integer(
        min_value=0, max_value=_LARGEST_CAPACITY, required=False, allow_null=True, help_text="null: unlimited."
    )
    waitlist_enabled = Boolean(required=False)
    enrollment_opens_at = Time(required=False, allow_null=True, help_text="From 1900 on.")
    enrollment_closes_at = Time(required=False, allow_null=True, help_text="From 1900 on, and after it opens.")

    example: ClassVar = {"capacity": 40, "waitlist_enabled": True}


class CreateCourseBody(UpdateCourseBody):
    """A new course. Without a slug it gets one from its title."""

    title = Line(max_length=200)

    example: ClassVar = {
        "title": "Reading Shakespeare Aloud",
        "summary": "Six evenings, three plays, no acting experience needed.",
        "instructor": "Miriam Okafor",
        "capacity": 30,
        "waitlist_enabled": True,
    }


class RatingView(View):
    """The mean of `count` ratings of 1 to 5, to two decimals; null without any."""

    average = serializers.FloatField(allow_null=True, min_value=1, max_value=5)
    count = serializers.IntegerField(min_value=0)


class CourseView(View):
    """A course as it is now."""

    id = PublicId(ids.COURSE)
    slug = serializers.CharField()
    title = serializers.CharField()
    summary = serializers.CharField()
    description = serializers.CharField()
    instructor = serializers.CharField()
    status = Choice("CourseStatus", CourseStatus)
    is_open = serializers.BooleanField(help_text="Whether `status` is `open` and now lies in the enrollment window.")
    capacity = serializers.IntegerField(allow_null=True, min_value=0, help_text="null: unlimited. 0: nobody.")
    seats_available = serializers.IntegerField(allow_null=True, min_value=0, help_text="null where `capacity` is.")
    waitlist_enabled = serializers.BooleanField()
    waitlist_length = serializers.IntegerField(min_value=0, help_text="How many wait.")
    enrollment_opens_at = serializers.DateTimeField(allow_null=True, help_text="From then on; null: always.")
    enrollment_closes_at = serializers.DateTimeField(allow_null=True, help_text="Until before then; null: for ever.")
    rating = RatingView()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    example: ClassVar = {
        "id": examples.COURSE,
        "slug": "reading-shakespeare-aloud",
        "title": "Reading Shakespeare Aloud",
        "summary": "Six evenings, three plays, no acting experience needed.",
        "description": "",
        "instructor": "Miriam Okafor",
        "status": "open",
        "is_open": True,
        "capacity": 30,
        "seats_available": 4,
        "waitlist_enabled": True,
        "waitlist_length": 0,
        "enrollment_opens_at": None,
        "enrollment_closes_at": "2027-01-31T23:00:00Z",
        "rating": {"average": 4.62, "count": 21},
        "created_at": "2026-11-02T08:00:00.512034Z",
        "updated_at": "2026-11-19T16:20:11.004512Z",
    }


class UpdatedCourseView(CourseView):
    """The course after a change, and what the change set in motion."""

    triggered = Triggered()

    example: ClassVar = {**CourseView.example, "triggered": ["waitlist_promotion"]}

    @classmethod
    def render(cls, value: Any) -> dict[str, Any]:
        return {**CourseView.render(value.course), "triggered": value.triggered}


class CourseChangedView(View):
    """What a transition did, in one word and one sentence."""

    outcome = Choice("CourseOutcome", ["opened", "closed", "archived"])
    message = serializers.CharField()
    course = CourseView()
    triggered = Triggered()

    example: ClassVar = {
        "outcome": "opened",
        "message": "The course is open.",
        "course": CourseView.example,
        "triggered": ["waitlist_promotion"],
    }
