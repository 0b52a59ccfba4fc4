"""Who is in and who waits, as course staff see it."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from common import ids
from common.admin import (
    AutocompleteFilter,
    ChoiceFilter,
    Entry,
    Fact,
    Link,
    ListAdmin,
    RecordAdmin,
)
from common.admin.display import NOTHING, badge, link_to_id, moment
from common.admin.timeline import LENGTH, entries
from common.events import selectors as events
from common.models import User
from enrollments import selectors
from enrollments.admin.steps import COMPLETE_MANY, REVOKE_MANY, Complete, Enroll, Revoke, Withdraw
from enrollments.models import Enrollment, PlaceInLine
from enrollments.types import Source, Status


class StatusFilter(ChoiceFilter):
    """Rows in one state."""

    title = parameter_name = column = "status"
    options = [(each.value, each.value.capitalize()) for each in Status]


class SourceFilter(ChoiceFilter):
    """Rows that came through one door."""

    title = parameter_name = column = "source"
    options = [(each.value, each.value.capitalize()) for each in Source]


class CourseFilter(AutocompleteFilter):
    """Rows of one course."""

    column, prefix = "course", ids.COURSE


class _Rows(ListAdmin):
    """What the two lists over the one table share."""

    section = "Courses"
    view_permission = "enrollments.view_enrollment"
    list_select_related = ["course", "learner"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Rows with their courses' titles and their learners."""
        rows = super().get_queryset(request).select_related("course", "learner")
        return rows.defer("course__description", "course__summary", "learner__password")

    def searched(self, queryset: QuerySet, text: str) -> QuerySet:
        """The row with this id, or those of a learner or a course."""
        row_id = ids.decode(ids.ENROLLMENT, text) or ids.decode(ids.WAITLIST_ENTRY, text)
        if row_id is not None:
            return queryset.filter(pk=row_id)
        course_id = ids.decode(ids.COURSE, text)
        if course_id is not None:
            return queryset.filter(course_id=course_id)
        learner_id = ids.decode(ids.USER, text)
        if learner_id is None:
            # Looked up first: a join would leave PostgreSQL to guess how many rows one email has.
            learner_id = User.objects.filter(email__iexact=text).values_list("pk", flat=True).first()
        return queryset.none() if learner_id is None else queryset.filter(learner_id=learner_id)

    def name_of(self, record: Enrollment) -> str:
        """Who, and where."""
        return f"{record.learner.display_name} in {record.course}"

    @admin.display(description="learner")
    def learner_(self, row: Enrollment) -> SafeString:
        return format_html("{}<small>{}</small>", row.learner.display_name, row.learner.email)

    @admin.display(description="course")
    def course_(self, row: Enrollment) -> SafeString:
        return link_to_id(ids.encode(ids.COURSE, row.course_id), str(row.course))

    @admin.display(description="joined (UTC)")
    def joined(self, row: Enrollment) -> SafeString | str:
        return moment(row.joined_at)

    @admin.display(description="source")
    def source_(self, row: Enrollment) -> str:
        return row.source


@admin.register(Enrollment)
class EnrollmentAdmin(_Rows, RecordAdmin):
    """Everybody who is, was, or wanted to be in a course, newest first."""

    description = "Who is, was, or wanted to be in a course."
    shortcuts = (("Active", "?status=active"), ("Enrolled by staff", "?source=staff"))
    id_prefixes = (ids.ENROLLMENT, ids.WAITLIST_ENTRY)
    event_kinds = ("enrollment", "waitlist")
    list_steps = (Enroll(),)
    steps = (Complete(), Withdraw(), Revoke())
    actions = ["complete_selected", "revoke_selected"]
    list_display = ("learner_", "course_", "state", "source_", "joined", "enrolled")
    list_display_links = ("learner_",)
    list_filter = (StatusFilter, SourceFilter, CourseFilter)
    search_help_text = "A learner's whole email address, or an enr_…, wle_…, usr_… or crs_… id."

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Newest first. Through a filter by the time that its index holds: by id, PostgreSQL might take the primary
        key for the order and read all rows back to those of a course that was full years ago.
        """
        return ("-id",) if {"status", "source", "course"}.isdisjoint(request.GET) else ("-joined_at", "-id")

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """Who may complete and revoke."""
        return request.user.has_perm("enrollments.change_enrollment")

    @admin.action(permissions=["manage"], description="Complete selected enrollments")
    def complete_selected(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        """Complete each, or say which could not be."""
        return COMPLETE_MANY.answer(self, request, queryset)

    @admin.action(permissions=["manage"], description="Revoke selected enrollments")
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        """Revoke each, or say which could not be."""
        return REVOKE_MANY.answer(self, request, queryset)

    @admin.display(description="status")
    def state(self, row: Enrollment) -> SafeString:
        return badge(row.status)

    @admin.display(description="enrolled (UTC)")
    def enrolled(self, row: Enrollment) -> SafeString | str:
        return moment(row.enrolled_at)

    def public_id(self, record: Enrollment) -> str:
        """`enr_…`, or `wle_…` for who never got a seat."""
        prefix = ids.WAITLIST_ENTRY if record.enrolled_at is None else ids.ENROLLMENT
        return ids.encode(prefix, record.pk)

    def badges(self, record: Enrollment) -> Sequence[str]:
        """Its state."""
        return [badge(record.status)]

    def facts(self, request: HttpRequest, record: Enrollment) -> Sequence[Fact]:
        """Who, where, since when."""
        learner, learner_id = record.learner, ids.encode(ids.USER, record.learner_id)
        facts: list[Fact] = [
            ("Learner", format_html("{} {}", link_to_id(learner_id, learner.display_name), learner.email)),
            ("Course", link_to_id(ids.encode(ids.COURSE, record.course_id), str(record.course))),
            ("Source", record.source),
            ("Joined", moment(record.joined_at)),
            ("Enrolled", moment(record.enrolled_at)),
            ("Ended", moment(record.ended_at)),
        ]
        if record.queue_number is not None:
            position = selectors.positions(entry_ids=[record.pk]).get(record.pk, NOTHING)
            facts.append(("In line", format_html("position {}, number {}", position, f"{record.queue_number:,}")))
        return facts

    def links_about(self, request: HttpRequest, public_id: str) -> Sequence[Link]:
        """The roster of a course and the way into it; the courses of a person."""
        if ids.decode(ids.USER, public_id) is not None:
            return [("Enrollments", self.list_address(q=public_id))]
        if ids.decode(ids.COURSE, public_id) is None:
            return ()
        course = urlencode({"course": public_id})
        buttons = [(label, f"{address}?{course}") for label, address in self.list_buttons(request)]
        return [("Roster", f"{self.list_address()}?{course}"), *buttons]

    def timeline(self, request: HttpRequest, record: Enrollment) -> Sequence[Entry]:
        """What happened to it, as an enrollment and as a place in line."""
        subjects = [ids.encode(prefix, record.pk) for prefix in (ids.ENROLLMENT, ids.WAITLIST_ENTRY)]
        return entries(events.timeline_of(subjects=subjects, limit=LENGTH))


@admin.register(PlaceInLine)
class WaitlistAdmin(_Rows):
    """Who waits, course by course, in queue order. Each row leads to its enrollment's page."""

    heading = "Waitlist"
    description = "Who waits for a seat, in the order in which they get one."
    list_display = ("position", "learner_", "course_", "source_", "joined")
    list_display_links = ("position", "learner_")
    list_filter = (CourseFilter,)
    ordering = ("course_id", "queue_number")
    search_help_text = "A learner's whole email address, or a wle_…, usr_… or crs_… id."

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Those who wait now."""
        return super().get_queryset(request).filter(status=Status.WAITING)

    def links_about(self, request: HttpRequest, public_id: str) -> Sequence[Link]:
        """The line of a course."""
        return () if ids.decode(ids.COURSE, public_id) is None else [("Waitlist", self.list_address(course=public_id))]

    def prepare(self, rows: list[Any]) -> None:
        """Find the positions of all rows of the page at once."""
        positions = selectors.positions(entry_ids=[row.pk for row in rows])
        for row in rows:
            row.position = positions.get(row.pk)

    def address_of(self, record: Any) -> str:
        """Where the enrollment is that the place is a state of."""
        return reverse("admin:enrollments_enrollment_change", args=[record.pk])

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """A place in line has no page of its own."""
        return redirect("admin:enrollments_enrollment_change", object_id)

    @admin.display(description="position")
    def position(self, row: Any) -> Any:
        return row.position
