"""The staff's site: which pages may be on it, how they are grouped, and how a record is found by its public id."""

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ImproperlyConfigured, PermissionDenied, ValidationError
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.urls.resolvers import URLPattern, URLResolver
from django.utils.html import format_html
from rest_framework.exceptions import Throttled

from common import throttling
from common.context import current_request
from common.events.types import TYPES

_SECTIONS = ("Courses", "Moderation", "Partners", "People", "System")


class SignInForm(AdminAuthenticationForm):
    """Django's; too many wrong guesses are refused, as in the API."""

    def clean(self) -> dict[str, Any]:
        """As Django's.

        Raises:
            Throttled: too many sign-ins have failed.
        """
        assert self.request is not None
        email = str(self.cleaned_data.get("username", ""))
        with throttling.failures(ValidationError, email=email, meta=self.request.META):
            return super().clean()


class StaffSite(AdminSite):
    """Only admins that keep the house's rules are on it: those built on `common.admin.ListAdmin`.

    Other apps register their own admins with Django's default site, which is this one. Theirs change rows beside the
    services, offer actions to whoever may look, or write styles that the Content-Security-Policy refuses.
    """

    site_title = "Lectern"
    site_header = "Lectern"
    index_title = "Overview"
    empty_value_display = "—"
    login_form = SignInForm

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.disable_action("delete_selected")

    def register(
        self,
        model_or_iterable: type[Model] | Iterable[type[Model]],
        admin_class: type[ModelAdmin] | None = None,
        **options: Any,
    ) -> None:
        """An admin that is not built on `ListAdmin` is left out.

        Raises:
            ImproperlyConfigured: an admin of ours does not say which related rows its list shows.
        """
        if admin_class is None or not getattr(admin_class, "is_for_staff", False):
            return
        if not isinstance(admin_class.list_select_related, list | tuple):
            raise ImproperlyConfigured(f"{admin_class.__name__} must list its list_select_related, if only as ().")
        super().register(model_or_iterable, admin_class, **options)

    # -- pages ----------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Django's, and the search by id."""
        return [path("find/", self.admin_view(self.find), name="find"), *super().get_urls()]

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:  # noqa: FBT001, FBT002
        """As Django's; a page that is refused or absent is a page for people, with the request's id."""

        def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if "\0" in request.path:  # where a key is a text, PostgreSQL would be asked for it, and takes none
                return self._absence(request)
            try:
                answer: HttpResponseBase = view(request, *args, **kwargs)
            except PermissionDenied:
                return self._refusal(request, 403, "Not allowed", "Your account lacks the permission for this.")
            except Http404:
                return self._absence(request)
            return answer

        answered.__dict__.update(getattr(view, "__dict__", {}))
        return super().admin_view(answered, cacheable)

    def _absence(self, request: HttpRequest) -> HttpResponse:
        return self._refusal(request, 404, "Not found", "There is nothing at this address.")

    def _refusal(self, request: HttpRequest, status: int, title: str, explanation: str) -> HttpResponse:
        request.current_app = self.name
        context = {
            **self.each_context(request),
            "title": title,
            "explanation": explanation,
            "request_id": current_request().request_id,
        }
        return TemplateResponse(request, "admin/refusal.html", context, status=status)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Django's, and above it what the lists that the person may see have to say."""
        panels = [
            model_admin.overview(request)  # type: ignore[attr-defined]
            # The last app first: it builds on the others, and so has the most to do.
            for model_admin in reversed(self._registry.values())
            if model_admin.has_view_permission(request)
        ]
        return super().index(request, {"panels": [each for each in panels if each], **(extra_context or {})})

    def find(self, request: HttpRequest) -> HttpResponse:
        """The page of whatever has this public id, or the list in which this email is searched."""
        query = request.GET.get("q", "").strip()
        for model_admin in self._registry.values():
            if query and model_admin.has_view_permission(request):
                address = model_admin.find(query)  # type: ignore[attr-defined]
                if address is not None:
                    return redirect(address)
        messages.warning(request, format_html("Nothing that you may see has the id “{}”.", query))
        return redirect("admin:index")

    def links_about(self, request: HttpRequest, public_id: str) -> list[tuple[str, str]]:
        """Where other lists have something about the record with this public id, as far as the person may see them."""
        return [
            link
            for model_admin in self._registry.values()
            if model_admin.has_view_permission(request)
            for link in model_admin.links_about(request, public_id)  # type: ignore[attr-defined]
        ]

    def event_types(self, request: HttpRequest) -> list[str]:
        """The types of events that the person may read: those of the lists that they may see."""
        kinds = {
            kind
            for model_admin in self._registry.values()
            if model_admin.has_view_permission(request)
            for kind in model_admin.event_kinds  # type: ignore[attr-defined]
        }
        return [type for type in TYPES if type.partition(".")[0] in kinds]

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Django's; who guessed wrong too often is told how long to wait."""
        try:
            return super().login(request, extra_context)
        except Throttled as refusal:
            seconds = str(getattr(refusal, "wait", 1))
            explanation = f"Too many sign-ins have failed. Try again in {seconds} seconds."
            answer = self._refusal(request, 429, "Too many attempts", explanation)
            answer["Retry-After"] = seconds
            return answer

    # -- grouping -------------------------------------------------------------------------------

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """What the person may see: by section, or the models of one app as Django has them."""
        if app_label is not None:
            return super().get_app_list(request, app_label)
        sections: dict[str, list[dict[str, Any]]] = {}
        for model, model_admin in self._registry.items():
            if model_admin.has_view_permission(request):
                sections.setdefault(model_admin.section, []).append(  # type: ignore[attr-defined]
                    self._entry(request, model, model_admin)
                )
        return [_section(name, sections[name]) for name in sorted(sections, key=_place)]

    def _entry(self, request: HttpRequest, model: type[Model], model_admin: Any) -> dict[str, Any]:
        address = reverse(f"{self.name}:{model._meta.app_label}_{model._meta.model_name}_changelist")
        return {
            "name": model_admin.list_title(),
            "object_name": model._meta.object_name,
            "admin_url": address,
            "is_current": request.path.startswith(address),
            "description": model_admin.description,
            "shortcuts": [(label, address + query) for label, query in model_admin.shortcuts],
            "buttons": model_admin.list_buttons(request),
        }


def _section(name: str, models: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": name, "app_label": name.lower(), "app_url": "", "has_module_perms": True, "models": models}


def _place(section: str) -> tuple[int, str]:
    known = section in _SECTIONS
    return (_SECTIONS.index(section) if known else len(_SECTIONS), section)
