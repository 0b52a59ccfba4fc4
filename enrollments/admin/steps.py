"""What course staff can do to enrollments, one by one or many at once, and the use case behind each."""

from datetime import datetime
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import ForeignKey
from django.http import HttpRequest

from common import clock, ids
from common.admin import (
    Bulk,
    Done,
    Step,
    uuid_from,
)
from common.admin.display import plural
from common.admin.steps import replace
from common.errors import InvalidInput
from common.models import User
from common.types import Actor
from enrollments import rules, selectors, services
from enrollments.models import Enrollment
from enrollments.types import Enrolled, Source, Status, version_of

_COURSE = cast("ForeignKey[Any, Any]", Enrollment._meta.get_field("course"))

# -- forms --------------------------------------------------------------------------------------


class ReasonForm(forms.Form):
    """Why, for the record."""

    reason = forms.CharField(
        max_length=500, widget=forms.Textarea(attrs={"rows": 3}), help_text="Kept in the event log, for all to read."
    )


class OptionalReasonForm(ReasonForm):
    """Why, if there is something to say."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = False


class SeenForm(forms.Form):
    """The state that the page showed."""

    seen = forms.ChoiceField(choices=[(each.value, each.value) for each in Status], widget=forms.HiddenInput)


class EnrollForm(forms.Form):
    """Who comes into which course."""

    course = cast("forms.ModelChoiceField[Any]", _COURSE.formfield(widget=AutocompleteSelect(_COURSE, admin.site)))
    email = forms.EmailField(max_length=254, help_text="Of somebody who has an account.")


# -- steps --------------------------------------------------------------------------------------


class Enroll(Step):
    """A learner gets a seat, or a place in line."""

    name, label, permission, form_class = "enroll", "Enroll a learner", "enrollments.change_enrollment", EnrollForm

    def initial(self, request: HttpRequest, record: None) -> dict[str, Any]:
        return {"course": uuid_from(request.GET.get("course"), ids.COURSE), "email": request.GET.get("email", "")}

    def run(self, *, record: None, form: forms.Form, actor: Actor, now: datetime) -> Done:
        course, email = form.cleaned_data["course"], form.cleaned_data["email"]
        learner = User.objects.filter(email__iexact=email).first()
        if learner is None:
            raise InvalidInput(field="email", reasons=["Nobody has an account with this email."])
        outcome = services.enroll(course_id=course.pk, learner_id=learner.pk, source=Source.STAFF, actor=actor, now=now)
        if isinstance(outcome, Enrolled):
            return Done(message=f"{learner.display_name} is enrolled in {course}.", go_to=outcome.enrollment.id)
        entry = outcome.waitlist_entry
        return Done(
            message=f"{course} is full: {learner.display_name} waits at position {entry.position}.",
            go_to=entry.id,
            level=messages.WARNING,
        )


class _Transition(Step):
    """A step from one state to another, offered where the rules allow it."""

    permission = "enrollments.change_enrollment"
    to: ClassVar[Status]

    def is_possible(self, record: Enrollment) -> bool:
        return self.to in rules.TRANSITIONS[Status(record.status)]


class Complete(_Transition):
    """The learner is through, and keeps the seat."""

    name, label, form_class, to = "complete", "Complete", OptionalReasonForm, Status.COMPLETED

    def run(self, *, record: Enrollment, form: forms.Form, actor: Actor, now: datetime) -> Done:
        changed = services.complete(enrollment_id=record.pk, reason=form.cleaned_data["reason"], actor=actor, now=now)
        return Done(message=changed.message)

    def consequences(self, record: Enrollment) -> list[str]:
        return ["A completed enrollment keeps its seat and cannot be withdrawn or revoked any more."]


class Revoke(_Transition):
    """Staff take the seat back."""

    name, label, form_class, to, is_destructive = "revoke", "Revoke", ReasonForm, Status.REVOKED, True

    def run(self, *, record: Enrollment, form: forms.Form, actor: Actor, now: datetime) -> Done:
        changed = services.revoke(enrollment_id=record.pk, reason=form.cleaned_data["reason"], actor=actor, now=now)
        return Done(message=changed.message)

    def consequences(self, record: Enrollment) -> list[str]:
        return [f"{record.learner.display_name} loses the seat.", _who_waits(record)]


class Withdraw(Step):
    """The learner leaves, at their own wish, by the hand of staff: the seat, or the line."""

    name, label, permission = "withdraw", "Withdraw", "enrollments.change_enrollment"
    form_class, is_destructive = SeenForm, True

    def is_possible(self, record: Enrollment) -> bool:
        return Status(record.status) in {Status.ACTIVE, Status.WAITING}

    def initial(self, request: HttpRequest, record: Enrollment) -> dict[str, Any]:
        return {"seen": record.status}

    def consequences(self, record: Enrollment) -> list[str]:
        name = record.learner.display_name
        if record.status == Status.WAITING:
            position = selectors.positions(entry_ids=[record.pk]).get(record.pk)
            return [f"{name} loses position {position} in line."]
        return [f"{name} leaves the course.", _who_waits(record)]

    def run(self, *, record: Enrollment, form: forms.Form, actor: Actor, now: datetime) -> Done:
        # Named by the row and the state that the page showed: the learner may have another, newer standing.
        seen = version_of(standing_id=record.pk, status=Status(form.cleaned_data["seen"]))
        withdrawn = services.withdraw(
            course_id=record.course_id, learner_id=record.learner_id, expected_version=seen, actor=actor, now=now
        )
        name = record.learner.display_name
        left = withdrawn.outcome == "left_waitlist"
        return Done(message=f"{name} is off the waitlist." if left else f"{name} is withdrawn.")

    def show_conflict(self, *, record: Enrollment, form: forms.Form) -> None:
        status = Enrollment.objects.values_list("status", flat=True).get(pk=record.pk)
        form.add_error(None, f"Nothing was done: since you opened this page it has changed and is {status} now.")
        replace(form, "seen", status)


def _who_waits(record: Enrollment) -> str:
    count = selectors.count_waiting(course_id=record.course_id)
    if count == 0:
        return "Nobody waits: the seat is free again."
    waiting = plural(count, "person waits", "people wait")
    return f"{waiting}: if the course is open, the first of them gets the seat at once."


def _complete(row: Enrollment, values: dict[str, Any], actor: Actor) -> None:
    services.complete(enrollment_id=row.pk, reason=values["reason"], actor=actor, now=clock.now())


def _revoke(row: Enrollment, values: dict[str, Any], actor: Actor) -> None:
    services.revoke(enrollment_id=row.pk, reason=values["reason"], actor=actor, now=clock.now())


COMPLETE_MANY = Bulk(
    action="complete_selected",
    title="Complete enrollments",
    done="completed",
    form_class=OptionalReasonForm,
    run=_complete,
    consequence="they keep their seats and cannot be withdrawn or revoked any more.",
)
REVOKE_MANY = Bulk(
    action="revoke_selected",
    title="Revoke enrollments",
    done="revoked",
    form_class=ReasonForm,
    run=_revoke,
    consequence="they lose their seats, which go to those who wait.",
    is_destructive=True,
)
