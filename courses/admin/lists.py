"""The catalogue as course staff see it."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common import clock, ids
from common.admin import ChoiceFilter, Entry, Fact, RecordAdmin, YesNoFilter
from common.admin.charts import Bar, Chart, Part
from common.admin.display import NOTHING, badge, code, moment, plural, share
from common.admin.timeline import LENGTH, entries
from common.events import selectors as events
from courses import rules, search, selectors
from courses.admin.steps import Archive, Close, EditAdmission, EditTexts, NewCourse, Open
from courses.models import Course
from courses.types import CourseStatus


class StatusFilter(ChoiceFilter):
    """Courses in one state."""

    title = parameter_name = "status"
    column = "places__status"
    options = [(status.value, status.value.capitalize()) for status in CourseStatus]


class OpenNowFilter(YesNoFilter):
    """Courses that take learners at this moment, by status and window."""

    title, parameter_name = "takes learners now", "open"

    def chosen(self, queryset: QuerySet, value: str) -> QuerySet:
        condition = selectors.open_at(clock.now())
        return queryset.filter(condition if value == "yes" else ~condition)


class WaitedForFilter(YesNoFilter):
    """Courses that somebody waits for."""

    title, parameter_name = "somebody waits", "waiting"

    def chosen(self, queryset: QuerySet, value: str) -> QuerySet:
        return queryset.filter(places__waiting__gt=0) if value == "yes" else queryset.filter(places__waiting=0)


@admin.register(Course)
class CourseAdmin(RecordAdmin):
    """Courses, from draft to archive."""

    section = "Courses"
    description = "The catalogue: texts, seats, waitlists, and the life of each course."
    shortcuts = (("Open now", "?open=yes"), ("Somebody waits", "?waiting=yes"), ("Drafts", "?status=draft"))
    id_prefixes = (ids.COURSE,)
    event_kinds = ("course",)
    list_steps = (NewCourse(),)
    steps = (Open(), Close(), EditTexts(), EditAdmission(), Archive())
    record_template = "admin/courses/course/record.html"
    list_display = ("title_", "status", "seats", "waiting", "window", "rating")
    list_display_links = ("title_",)
    list_filter = (StatusFilter, OpenNowFilter, WaitedForFilter)
    list_select_related = ["places"]
    sortable_by = ("title_", "rating")
    ordering = ("-id",)
    search_help_text = "Words of title, summary or instructor; a slug; or a crs_… id."

    def searched(self, queryset: QuerySet, text: str) -> QuerySet:
        """Courses with this id or slug, or with these words."""
        key = ids.decode(ids.COURSE, text)
        if key is not None:
            return queryset.filter(pk=key)
        by_words = search.searched(queryset, text)
        return by_words if by_words.exists() else queryset.filter(slug=text)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Courses with their places."""
        return super().get_queryset(request).select_related("places")

    def overview(self, request: HttpRequest) -> SafeString | str:
        """The courses with the longest waitlists and the fewest seats."""
        chart = _fullest()
        return render_to_string("admin/chart.html", {"chart": chart}, request) if chart.bars else ""

    # -- columns --------------------------------------------------------------------------------

    @admin.display(description="title", ordering=Lower("title"))
    def title_(self, course: Course) -> SafeString:
        return format_html("{}<small>{}</small>", course.title, course.instructor)

    @admin.display(description="status")
    def status(self, course: Course) -> SafeString:
        return _badge(course)

    @admin.display(description="seats")
    def seats(self, course: Course) -> SafeString:
        return share(course.places.seats_taken, course.places.capacity)

    @admin.display(description="waiting")
    def waiting(self, course: Course) -> str:
        return f"{course.places.waiting:,}" if course.places.waiting or course.places.waitlist_enabled else NOTHING

    @admin.display(description="enrollment window (UTC)")
    def window(self, course: Course) -> SafeString | str:
        return _window(course)

    @admin.display(description="rating", ordering=selectors.RATING)
    def rating(self, course: Course) -> str:
        return _rating(course)

    # -- the page -------------------------------------------------------------------------------

    def public_id(self, record: Course) -> str:
        """`crs_…`."""
        return _crs(record)

    def badges(self, record: Course) -> Sequence[str]:
        """Its status, and whether that means that it takes learners."""
        return [_badge(record)]

    def facts(self, request: HttpRequest, record: Course) -> Sequence[Fact]:
        """Everything but the seats, which the page draws."""
        return [
            ("Slug", code(record.slug)),
            ("Instructor", record.instructor or NOTHING),
            ("Summary", record.summary or NOTHING),
            ("Enrollment window", _window(record)),
            ("Waitlist", "kept" if record.places.waitlist_enabled else "not kept"),
            ("Rating", _rating(record)),
            ("Created", moment(record.created_at)),
            ("Changed", format_html("{}, version {}", moment(record.updated_at), record.version)),
        ]

    def details(self, request: HttpRequest, record: Course) -> dict[str, Any]:
        """Its seats."""
        places = selectors.to_places(record.places)
        return {"places": places, "seats_available": rules.seats_available(places), "seats": self.seats(record)}

    def timeline(self, request: HttpRequest, record: Course) -> Sequence[Entry]:
        """What happened to it and in it, as far as the person may know."""
        types = self.site().event_types(request)
        return entries(events.timeline_of_course(course=_crs(record), types=types, limit=LENGTH))


def _crs(record: Course) -> str:
    return ids.encode(ids.COURSE, record.pk)


def _badge(course: Course) -> SafeString:
    """The status; an open course outside its window is not open for anybody."""
    status = course.places.status
    if status == CourseStatus.OPEN and not rules.is_open(selectors.to_places(course.places), now=clock.now()):
        return badge("outside", "open, outside its window")
    return badge(status)


def _window(course: Course) -> SafeString | str:
    opens, closes = course.places.enrollment_opens_at, course.places.enrollment_closes_at
    if opens is None and closes is None:
        return NOTHING
    return format_html("{} – {}", moment(opens) if opens else "…", moment(closes) if closes else "…")


def _rating(course: Course) -> str:
    if course.rating_average is None:
        return NOTHING
    return f"{course.rating_average:.2f} of {plural(course.rating_count, 'review')}"


def _fullest() -> Chart:
    bars = [
        Bar(
            label=course.title,
            parts=[
                Part(name="seats taken", value=course.places.seats_taken),
                Part(name="waiting", value=course.places.waiting, look="bad"),
            ],
            address=reverse("admin:courses_course_change", args=[course.pk]),
            said=f"{course.places.seats_taken} of {course.places.capacity}"
            + (f" + {course.places.waiting}" if course.places.waiting else ""),
        )
        for course in selectors.fullest(limit=8)
    ]
    summary = "Seats taken, of how many, and who waits, in the open courses where most wait."
    return Chart(title="Fullest courses", summary=summary, bars=bars, is_lying=True, is_wide=True)
