"""The event log, to read."""

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.urls.resolvers import URLPattern
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common import explaining, ids
from common.admin.base import Fact, RecordAdmin
from common.admin.display import address_of_request, badge, code, link_to_id, link_to_request, moment
from common.admin.filters import ChoiceFilter
from common.admin.timeline import entries
from common.events.types import TYPES
from common.models import Event

# Whoever may see all of what the page shows.
_MAY_EXPLAIN = (
    "common.view_event",
    "common.view_mail",
    "common.view_webhook",
    "procrastinate.view_procrastinatejob",
)


class TypeFilter(ChoiceFilter):
    """Events of one type. The types are known, so that no query has to look for them."""

    title = parameter_name = column = "type"
    options = [(type, type) for type in TYPES]


@admin.register(Event)
class EventAdmin(RecordAdmin):
    """Everything that happened."""

    section = "System"
    description = "Everything that happened: who, what, when, in which request."
    list_display = ("time_", "type_", "subject_", "actor_", "request")
    list_display_links = ("time_",)
    list_filter = (TypeFilter,)
    list_select_related: ClassVar[list[str]] = []
    search_help_text = "An evt_… id, the id of what it happened to (enr_…, wle_…, crs_…), or a request id."

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Newest first. Within a type by the feed's order, which its index holds; what has no place in the feed yet is
        newer than what has, and PostgreSQL puts it first.
        """
        return ("-position", "-id") if "type" in request.GET else ("-id",)

    def searched(self, queryset: QuerySet, text: str) -> QuerySet:
        """Events with this id, of this subject or course, or caused by this request."""
        event_id = ids.decode(ids.EVENT, text)
        if event_id is not None:
            return queryset.filter(uuid=event_id)
        # Ordered by id in each case, as the indexes on these columns are.
        if ids.decode(ids.COURSE, text) is not None:
            return queryset.filter(course=text).order_by("-id")
        by_subject = queryset.filter(subject=text).order_by("-id")
        if by_subject.exists():
            return by_subject
        return queryset.filter(request_id=text).exclude(request_id="").order_by("-id")

    def find(self, query: str) -> str | None:
        """Where the event with this public id is, or what came of the request with this id."""
        event_id = ids.decode(ids.EVENT, query)
        if event_id is None:
            return self._find_request(query)
        key = Event.objects.filter(uuid=event_id).values_list("pk", flat=True).first()
        return None if key is None else self.address(key)

    def _find_request(self, query: str) -> str | None:
        # A run of an operator goes by its own id as a request, and has a page of its own.
        others = (each for each in self.site()._registry.values() if each is not self)
        if any(each.find(query) for each in others):  # type: ignore[attr-defined]
            return None
        return address_of_request(query) if explaining.is_known(query) else None

    def get_urls(self) -> list[URLPattern]:
        """Those of every record, and a page for each request."""
        page = self.admin_site.admin_view(self.request_page)
        return [path("request/<str:request_id>/", page, name="common_event_request"), *super().get_urls()]

    def request_page(self, request: HttpRequest, request_id: str) -> HttpResponse:
        """What came of one request."""
        if not request.user.has_perms(_MAY_EXPLAIN):
            raise PermissionDenied
        explanation = explaining.explain(request_id)
        if explanation.is_empty:
            raise Http404
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "title": "Request",
            "explanation": explanation,
            "timeline": entries(explanation.events),
            "timeline_length": explaining.MOST,
            "list_address": self.list_address(),
            "list_title": self.list_title(),
            "jobs": [(job, _page_of("procrastinate_procrastinatejob", job.id)) for job in explanation.jobs],
            "mails": [(mail, _page_of("common_mail", mail.key)) for mail in explanation.mails],
            "deliveries": [(each, _page_of("common_webhookdelivery", each.key)) for each in explanation.deliveries],
        }
        return TemplateResponse(request, "admin/request.html", context)

    def public_id(self, record: Event) -> str:
        """`evt_…`."""
        return ids.encode(ids.EVENT, record.uuid)

    def badges(self, record: Event) -> Sequence[str]:
        """Its type."""
        return [badge(record.type.partition(".")[2], record.type)]

    def facts(self, request: HttpRequest, record: Event) -> Sequence[Fact]:
        """Its envelope, and its data as JSON."""
        pretty = json.dumps(record.data, indent=2, ensure_ascii=False, sort_keys=True)
        return [
            ("Time", moment(record.time)),
            ("Subject", link_to_id(record.subject)),
            ("Course", link_to_id(record.course) if record.course else code("")),
            ("Actor", self.actor_(record)),
            ("Request", link_to_request(record.request_id)),
            ("Place in the feed", "not yet" if record.position is None else f"{record.position:,}"),
            ("Data", format_html("<pre>{}</pre>", pretty)),
        ]

    @admin.display(description="time")
    def time_(self, event: Event) -> SafeString | str:
        return moment(event.time)

    @admin.display(description="type")
    def type_(self, event: Event) -> SafeString:
        return badge(event.type.partition(".")[2], event.type)

    @admin.display(description="subject")
    def subject_(self, event: Event) -> SafeString:
        return link_to_id(event.subject)

    @admin.display(description="actor")
    def actor_(self, event: Event) -> SafeString | str:
        return link_to_id(event.actor) if ids.decode(ids.USER, event.actor) else event.actor

    @admin.display(description="request")
    def request(self, event: Event) -> Any:
        return link_to_request(event.request_id)


def _page_of(list_name: str, key: int) -> str:
    return reverse(f"admin:{list_name}_change", args=[key])
