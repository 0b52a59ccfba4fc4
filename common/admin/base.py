"""The base of every staff page: lists that stay fast, records that only use cases change."""

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.urls.resolvers import URLPattern
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from common import ids
from common.admin.filters import AutocompleteFilter
from common.admin.lists import BoundedCountPaginator, StaffChangeList
from common.admin.steps import Step
from common.admin.timeline import LENGTH, Entry
from common.admin_site import StaffSite

Fact = tuple[str, object]
Link = tuple[str, str]


class ListAdmin(admin.ModelAdmin):
    """A list to look at. Nothing can be added, changed or deleted unless a subclass opts in.

    A subclass names the related rows that its list shows in `list_select_related` (a list, if only an empty one), and
    searches with `searched`, by exact ids and indexed words; nothing here may read a whole table.
    """

    is_for_staff = True
    section: ClassVar[str] = "System"
    description: ClassVar[str] = ""
    # Ways into the list, as labels and query strings, for the overview.
    shortcuts: ClassVar[Sequence[Link]] = ()
    id_prefixes: ClassVar[Sequence[str]] = ()
    view_permission: ClassVar[str | None] = None
    # Which kinds of events its viewers may read on the pages of other records: the first parts of their types.
    event_kinds: ClassVar[Sequence[str]] = ()
    # What the list is called, if not as its rows are.
    heading: ClassVar[str] = ""
    # One row and many, if not as the model says.
    nouns: ClassVar[tuple[str, str] | None] = None
    list_steps: ClassVar[Sequence[Step]] = ()
    steps: ClassVar[Sequence[Step]] = ()

    change_list_template = "admin/record_list.html"
    paginator = BoundedCountPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 25
    list_max_show_all = 100
    sortable_by: tuple[str, ...] = ()
    actions_on_bottom = False

    # -- who may --------------------------------------------------------------------------------

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody: rows are made by use cases."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody: rows are changed by use cases."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whoever has `view_permission`, by default the model's own."""
        if self.view_permission is not None:
            return request.user.has_perm(self.view_permission)
        return super().has_view_permission(request, obj)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whoever may see the list."""
        return self.has_view_permission(request)

    # -- the list -------------------------------------------------------------------------------

    def searched(self, queryset: QuerySet, text: str) -> QuerySet:
        """The rows that `text` means, by exact and indexed terms."""
        return queryset.none()

    def prepare(self, rows: list[Any]) -> None:
        """Look up what the rows of one page share, all at once."""

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """As `searched` says; never Django's `icontains` over each column."""
        text = search_term.strip().replace("\0", "")
        return (self.searched(queryset, text) if text else queryset), False

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        """Django shows a search box where there are any; which ones does not matter."""
        return ("pk",) if self.search_help_text else ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[StaffChangeList]:
        """The list with the house's additions."""
        return StaffChangeList

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Only what the list's own filters ask for: any other condition would read the whole table."""
        names = {getattr(each, "parameter_name", None) or getattr(each, "column", None) for each in self.list_filter}
        return lookup in names

    def response_action(self, request: HttpRequest, queryset: QuerySet, *location: Any) -> HttpResponse | None:
        """As Django's, but never for the rows of all pages: the list does not know how many those are."""
        if request.POST.get("select_across", "0") not in {"", "0"}:
            messages.error(request, "Choose rows one by one: an action cannot be run on all pages at once.")
            return redirect(request.get_full_path())
        try:
            return super().response_action(request, queryset, *location)
        except ValidationError:
            # A key that cannot be one, which no page of ours sends.
            raise BadRequest from None

    @property
    def media(self) -> forms.Media:
        """What the filters need beside what Django's list does."""
        media = super().media
        for each in self.list_filter:
            if isinstance(each, type) and issubclass(each, AutocompleteFilter):
                field = self.model._meta.get_field(each.column)
                media += AutocompleteSelect(field, self.admin_site).media
        return media

    def site(self) -> StaffSite:
        """The site that this is on."""
        return cast("StaffSite", self.admin_site)

    @admin.display(description=SafeString('<input type="checkbox" id="action-toggle" aria-label="Choose all rows">'))
    def action_checkbox(self, obj: Any) -> SafeString:
        """A box to choose the row by, named as its record is."""
        return format_html(
            '<input type="checkbox" name="{}" value="{}" class="action-select" aria-label="Choose {}">',
            ACTION_CHECKBOX_NAME,
            obj.pk,
            self.name_of(obj),
        )

    # -- addresses ------------------------------------------------------------------------------

    def list_address(self, **query: str) -> str:
        """Where the list is, filtered by `query`."""
        address = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        return f"{address}?{urlencode(query)}" if query else address

    def address(self, key: object) -> str:
        """Where the record with this primary key is; the list for None."""
        if key is None:
            return self.list_address()
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[key])

    def address_of(self, record: Any) -> str:
        """Where a record is."""
        return self.address(record.pk)

    def name_of(self, record: Any) -> str:
        """How a record is called in headings."""
        return str(record)

    def find(self, query: str) -> str | None:
        """Where the record with this public id is, None if it is no id of this kind."""
        for prefix in self.id_prefixes:
            key = ids.decode(prefix, query)
            if key is not None:
                return self.address(key)
        return None

    def links_about(self, request: HttpRequest, public_id: str) -> Sequence[Link]:
        """What this list has about a record of another kind; its page shows these links."""
        return ()

    def overview(self, request: HttpRequest) -> SafeString | str:
        """What stands on the start page of who may see the list, above the ways into all lists."""
        return ""

    def list_title(self) -> str:
        """What the list is called."""
        return self.heading or capfirst(str(self.opts.verbose_name_plural))

    def list_buttons(self, request: HttpRequest) -> list[Link]:
        """What the person may do without a record at hand."""
        return [(step.label, self.step_address(step)) for step in self.list_steps if step.is_allowed(request)]

    def step_address(self, step: Step, key: object = None) -> str:
        """Where a step is."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{step.name}"
        return reverse(name, args=[] if key is None else [key])

    def get_urls(self) -> list[URLPattern]:
        """Django's, and one for each step."""
        view = self.admin_site.admin_view
        prefix = f"{self.opts.app_label}_{self.opts.model_name}"
        return [
            *(
                path(f"{each.name}/", view(self._page_of(each)), name=f"{prefix}_{each.name}")
                for each in self.list_steps
            ),
            *(
                path(f"<path:object_id>/{each.name}/", view(self._page_of(each)), name=f"{prefix}_{each.name}")
                for each in self.steps
            ),
            *super().get_urls(),
        ]

    def _page_of(self, step: Step) -> Any:
        def page(request: HttpRequest, object_id: str | None = None) -> HttpResponse:
            return step.answer(self, request, object_id)

        return page


class RecordAdmin(ListAdmin):
    """A list, and for each row a page that shows it: facts, what happened to it, and what can be done."""

    record_template: ClassVar[str] = "admin/record.html"

    def public_id(self, record: Any) -> str:
        """The id under which others know it."""
        return str(record.pk)

    def badges(self, record: Any) -> Sequence[str]:
        """Its state, beside the heading."""
        return ()

    def facts(self, request: HttpRequest, record: Any) -> Sequence[Fact]:
        """What is known of it, as labels and values."""
        return ()

    def timeline(self, request: HttpRequest, record: Any) -> Sequence[Entry] | None:
        """What happened to it, newest first; None if that is not recorded."""
        return None

    def details(self, request: HttpRequest, record: Any) -> dict[str, Any]:
        """What a template of its own needs besides."""
        return {}

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The record's page; it takes no POST, since only steps change anything."""
        if request.method not in {"GET", "HEAD"}:
            raise PermissionDenied
        record = self.get_object(request, unquote(object_id))
        if record is None:
            raise Http404
        if not self.has_view_permission(request, record):
            raise PermissionDenied
        request.current_app = self.admin_site.name
        return TemplateResponse(request, self.record_template, self._context(request, record))

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What happened to a record stands on its page."""
        return redirect(f"{self.address(object_id)}#timeline")

    def _context(self, request: HttpRequest, record: Any) -> dict[str, Any]:
        possible = [step for step in self.steps if step.is_allowed(request) and step.is_possible(record)]
        return {
            **self.admin_site.each_context(request),
            "title": self.name_of(record),
            "opts": self.opts,
            "media": self.media,
            "record": record,
            "public_id": self.public_id(record),
            "badges": self.badges(record),
            "facts": self.facts(request, record),
            "links": self.site().links_about(request, self.public_id(record)),
            "timeline": self.timeline(request, record),
            "timeline_length": LENGTH,
            "steps": [(step, self.step_address(step, record.pk)) for step in possible],
            "list_address": self.list_address(),
            "list_title": self.list_title(),
            **self.details(request, record),
        }
