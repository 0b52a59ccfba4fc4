"""A step is one thing that staff can do: a button, and behind it a form or a confirmation that calls a use case."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from common import clock, ids
from common.context import current_request
from common.errors import DomainError, InvalidInput, PreconditionFailed
from common.models import User
from common.types import Actor

if TYPE_CHECKING:
    from common.admin.base import ListAdmin


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was done, in a sentence, and where to go on: the page of the record that `go_to` names by its key.

    A `secret` that came of it is shown first, on a page that is nowhere else and never again.
    """

    message: str
    go_to: object = None
    level: int = messages.SUCCESS
    secret: str = ""


class Step:
    """Subclasses say what it is called, who may, what is asked, and which use case runs.

    A step without a record is one of the list, such as making a new one.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    permission: ClassVar[str]
    form_class: ClassVar[type[forms.Form]] = forms.Form
    # Whether the button leads to a page first. What needs no input and can be undone is done at once.
    asks: ClassVar[bool] = True
    is_destructive: ClassVar[bool] = False
    # Which field a refusal is about, by its code; any other stands above the form.
    fields_of_refusals: ClassVar[dict[str, str]] = {}

    def is_possible(self, record: Any) -> bool:
        """Whether the record's state allows it, so that the button is worth showing. The use case decides anew."""
        return True

    def initial(self, request: HttpRequest, record: Any) -> dict[str, Any]:
        """What the form starts with."""
        return {}

    def consequences(self, record: Any) -> list[str]:
        """What will follow, in sentences with exact numbers."""
        return []

    def run(self, *, record: Any, form: forms.Form, actor: Actor, now: datetime) -> Done:
        """Call the use case.

        Raises:
            DomainError, InvalidInput: what the use case refuses; the form shows it.
        """
        raise NotImplementedError

    def show_refusal(self, *, record: Any, form: forms.Form, refusal: DomainError) -> None:
        """The form says why it was refused."""
        if isinstance(refusal, PreconditionFailed):
            self.show_conflict(record=record, form=form)
            return
        field = self.fields_of_refusals.get(refusal.code)
        form.add_error(field if field in form.fields else None, str(refusal))

    def show_conflict(self, *, record: Any, form: forms.Form) -> None:
        """The form says that somebody else was faster; a second try may mean what is there now."""
        form.add_error(None, "This was changed after you opened the page, so nothing was done. Look again.")

    # -- its page -------------------------------------------------------------------------------

    def answer(self, model_admin: "ListAdmin", request: HttpRequest, object_id: str | None = None) -> HttpResponse:
        """Its page, or after a POST that succeeds the way to where things go on."""
        if not self.is_allowed(request):
            raise PermissionDenied
        if request.method not in {"GET", "HEAD", "POST"}:
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        record = None if object_id is None else _record(model_admin, request, object_id)
        sent = request.POST if request.method == "POST" else None
        form = self.form_class(sent, initial=self.initial(request, record), label_suffix="")
        if request.method == "POST" and form.is_valid():
            done = self._attempt(record, form, actor_of(request))
            if done is not None and done.secret:
                return self._show_secret(model_admin, request, object_id, done)
            if done is not None:
                messages.add_message(request, done.level, done.message)
                return redirect(model_admin.address(object_id if done.go_to is None else done.go_to))
        return self._page(model_admin, request, record, form)

    def is_allowed(self, request: HttpRequest) -> bool:
        """Whether the signed-in person may do this at all."""
        return request.user.has_perm(self.permission)

    def _attempt(self, record: Any, form: forms.Form, actor: Actor) -> Done | None:
        try:
            return self.run(record=record, form=form, actor=actor, now=clock.now())
        except InvalidInput as fault:
            form.add_error(fault.field if fault.field in form.fields else None, list(fault.reasons))
        except DomainError as refusal:
            self.show_refusal(record=record, form=form, refusal=refusal)
        return None

    def _show_secret(
        self, model_admin: "ListAdmin", request: HttpRequest, object_id: str | None, done: Done
    ) -> HttpResponse:
        """In the answer to the POST itself: a message would be kept until it is shown."""
        context = {
            **model_admin.admin_site.each_context(request),
            "title": self.label,
            "opts": model_admin.opts,
            "done": done,
            "list_address": model_admin.list_address(),
            "list_title": model_admin.list_title(),
            "onward": model_admin.address(object_id if done.go_to is None else done.go_to),
        }
        request.current_app = model_admin.admin_site.name
        return TemplateResponse(request, "admin/secret.html", context)

    def _page(self, model_admin: "ListAdmin", request: HttpRequest, record: Any, form: forms.Form) -> HttpResponse:
        name = None if record is None else model_admin.name_of(record)
        context = {
            **model_admin.admin_site.each_context(request),
            "title": self.label if name is None else f"{self.label}: {name}",
            "opts": model_admin.opts,
            "step": self,
            "record_name": name,
            "form": form,
            "media": model_admin.media + form.media,
            "consequences": self.consequences(record),
            "list_address": model_admin.list_address(),
            "list_title": model_admin.list_title(),
            "back": model_admin.list_address() if record is None else model_admin.address_of(record),
        }
        request.current_app = model_admin.admin_site.name
        return TemplateResponse(request, "admin/step.html", context)


def actor_of(request: HttpRequest) -> Actor:
    """The signed-in member of staff, as the cause of a change."""
    return Actor(name=ids.encode(ids.USER, cast("User", request.user).pk), request_id=current_request().request_id)


def replace(form: forms.Form, field: str, value: object) -> None:
    """The bound form shows `value` in a hidden field instead of what was sent."""
    form.data = {**cast("QueryDict", form.data).dict(), field: str(value)}


def _record(model_admin: "ListAdmin", request: HttpRequest, object_id: str) -> Any:
    record = model_admin.get_object(request, object_id)
    if record is None:
        raise Http404
    if not model_admin.has_view_permission(request, record):
        raise PermissionDenied
    return record
