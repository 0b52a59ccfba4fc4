"""What course staff can do to a course: a form or a confirmation each, and the use case behind it."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.http import HttpRequest

from common.admin import Done, Step
from common.admin.display import plural
from common.admin.steps import replace
from common.types import Actor
from courses import rules, services
from courses.models import Course
from courses.types import CourseChanged, CourseStatus

_LARGEST_CAPACITY = 1_000_000
_SLUG = forms.RegexField(
    r"^[a-z0-9]+(-[a-z0-9]+)*\Z",
    max_length=100,
    error_messages={"invalid": "Lower-case letters and digits, joined by single hyphens."},
    help_text="The course's name in addresses: lower-case letters and digits, joined by hyphens.",
)

# -- forms --------------------------------------------------------------------------------------


class _Moment(forms.DateTimeField):
    """A time in UTC, asked for with the browser's own picker."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S")
        super().__init__(widget=widget, required=False, **kwargs)


class _Text(forms.CharField):
    """Text of several lines, ended as the API ends them: browsers send a carriage return as well."""

    def __init__(self, *, rows: int, **kwargs: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": rows}), required=False, **kwargs)

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value) or "").replace("\r\n", "\n")


class TextsForm(forms.Form):
    """What a course says of itself."""

    title = forms.CharField(max_length=200)
    slug = _SLUG
    summary = _Text(max_length=500, rows=2)
    description = _Text(max_length=20_000, rows=10)
    instructor = forms.CharField(max_length=200, required=False)


class AdmissionForm(forms.Form):
    """Who may come in, and when."""

    capacity = forms.IntegerField(
        min_value=0, max_value=_LARGEST_CAPACITY, required=False, help_text="Empty: no limit. 0: nobody."
    )
    waitlist_enabled = forms.BooleanField(
        required=False, label="Keep a waitlist", help_text="Who finds the course full waits, first come, first served."
    )
    enrollment_opens_at = _Moment(label="Enrollment opens", help_text="UTC. Empty: as soon as the course is open.")
    enrollment_closes_at = _Moment(label="Enrollment closes", help_text="UTC. Empty: when somebody closes it.")


class _Versioned(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput)


class EditTextsForm(_Versioned, TextsForm):
    """The texts, and the version that the form was opened with."""


class EditAdmissionForm(_Versioned, AdmissionForm):
    """The admission, and the version that the form was opened with."""


class NewCourseForm(AdmissionForm, TextsForm):
    """A new course."""

    field_order = ("title", "slug")
    slug = forms.RegexField(
        r"^[a-z0-9]+(-[a-z0-9]+)*\Z", max_length=100, required=False, help_text="Empty: made from the title."
    )


# -- steps --------------------------------------------------------------------------------------


class _Transition(Step):
    """A step from one status to another, offered where the rules allow it."""

    permission = "courses.change_course"
    to: ClassVar[CourseStatus]

    def is_possible(self, record: Course) -> bool:
        return self.to in rules.TRANSITIONS[CourseStatus(record.places.status)]

    def run(self, *, record: Course, form: forms.Form, actor: Actor, now: datetime) -> Done:
        return _done(self.change(course_id=record.pk, actor=actor, now=now))

    def change(self, *, course_id: UUID, actor: Actor, now: datetime) -> CourseChanged:
        raise NotImplementedError


class Open(_Transition):
    """The course takes learners."""

    name, label, to, asks = "open", "Open", CourseStatus.OPEN, False

    def change(self, *, course_id: UUID, actor: Actor, now: datetime) -> CourseChanged:
        return services.open_course(course_id=course_id, actor=actor, now=now)


class Close(_Transition):
    """The course takes nobody."""

    name, label, to, asks = "close", "Close", CourseStatus.CLOSED, False

    def change(self, *, course_id: UUID, actor: Actor, now: datetime) -> CourseChanged:
        return services.close_course(course_id=course_id, actor=actor, now=now)


class Archive(_Transition):
    """The course is over for good."""

    name, label, to, is_destructive = "archive", "Archive", CourseStatus.ARCHIVED, True

    def change(self, *, course_id: UUID, actor: Actor, now: datetime) -> CourseChanged:
        return services.archive_course(course_id=course_id, actor=actor, now=now)

    def consequences(self, record: Course) -> list[str]:
        places = record.places
        kept = plural(places.seats_taken, "learner keeps the seat", "learners keep their seats")
        lost = plural(places.waiting, "person who waits loses the place", "people who wait lose their places")
        return ["This cannot be undone.", f"{kept}.", f"{lost} in line."]


class _Edit(Step):
    """Changes of a course, made against the version that the form was opened with."""

    permission = "courses.change_course"
    fields_of_refusals = {"slug_already_used": "slug", "capacity_below_enrollment": "capacity"}

    def is_possible(self, record: Course) -> bool:
        return record.places.status != CourseStatus.ARCHIVED

    def initial(self, request: HttpRequest, record: Course) -> dict[str, Any]:
        return {name: _value(record, name) for name in self.form_class.base_fields}

    def run(self, *, record: Course, form: forms.Form, actor: Actor, now: datetime) -> Done:
        values = form.cleaned_data
        version = values["version"]
        changes: Any = {name: values[name] for name in form.changed_data if name != "version"}
        return _done(
            services.update_course(course_id=record.pk, changes=changes, expected_version=version, actor=actor, now=now)
        )

    def show_conflict(self, *, record: Course, form: forms.Form) -> None:
        form.add_error(
            None,
            "Somebody changed this course after you opened this form, so nothing was saved. What is different now "
            "is said at each field; save again to replace it with yours.",
        )
        now = Course.objects.select_related("places").get(pk=record.pk)
        for name in form.changed_data:
            if name != "version":
                form.add_error(name, f"Now: {_value(now, name)}")
        replace(form, "version", now.version)


class EditTexts(_Edit):
    """Title, slug, summary, description, instructor."""

    name, label, form_class = "edit", "Edit details", EditTextsForm


class EditAdmission(_Edit):
    """Capacity, waitlist, window."""

    name, label, form_class = "admission", "Change capacity, waitlist, window", EditAdmissionForm

    def consequences(self, record: Course) -> list[str]:
        places = record.places
        return [f"{plural(places.seats_taken, 'seat is', 'seats are')} taken, {_waiting(places.waiting)}."]


class NewCourse(Step):
    """A draft."""

    name, label, permission, form_class = "new", "New course", "courses.add_course", NewCourseForm
    fields_of_refusals = {"slug_already_used": "slug"}

    def run(self, *, record: None, form: forms.Form, actor: Actor, now: datetime) -> Done:
        values: Any = {name: value for name, value in form.cleaned_data.items() if name != "slug" or value}
        course = services.create_course(values=values, actor=actor, now=now)
        return Done(message=f"“{course.title}” is a draft: nobody sees it until it is opened.", go_to=course.id)


def _done(changed: CourseChanged) -> Done:
    consequence = {
        "waitlist_promotion": " Free seats are being given to those who wait.",
        "waitlist_expiry": " Those who wait are being told that it is over.",
    }
    return Done(message=changed.message + "".join(consequence.get(each, "") for each in changed.triggered))


def _value(record: Course, name: str) -> Any:
    return getattr(record, name) if hasattr(record, name) else getattr(record.places, name)


def _waiting(count: int) -> str:
    return "nobody waits" if count == 0 else plural(count, "person waits", "people wait")
