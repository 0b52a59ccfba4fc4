"""What moderators decided, newest first."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common import clock, ids
from common.admin import ChoiceFilter, Link, ListAdmin
from common.admin.display import badge, moment
from reviews.admin.display import actor, excerpt, names_of, stars
from reviews.models import HistoryEntry

_DAYS = 30


class KindFilter(ChoiceFilter):
    """Which way it went."""

    title = parameter_name = "decision"
    column = "change"
    options = (("approved", "Approved"), ("hidden", "Hidden"))


class DayFilter(ChoiceFilter):
    """Decisions of one day, in UTC."""

    title = parameter_name = "day"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> Sequence[tuple[str, str]]:
        """The days of the last weeks."""
        today = clock.now().date()
        days = [today - timedelta(days=number) for number in range(_DAYS)]
        return [(day.isoformat(), f"{day:%-d %b}") for day in days]

    def chosen(self, queryset: QuerySet, value: str) -> QuerySet:
        """From midnight to midnight."""
        start = datetime.combine(datetime.fromisoformat(value), time(), UTC)
        return queryset.filter(at__gte=start, at__lt=start + timedelta(days=1))


@admin.register(HistoryEntry)
class DecisionAdmin(ListAdmin):
    """Decisions, each leading to its review."""

    section = "Moderation"
    heading = "Decisions"
    nouns = ("decision", "decisions")
    description = "Who decided what, and for which reason."
    list_display = ("when", "decision", "review_", "moderator", "why")
    list_display_links = ("when",)
    list_filter = (KindFilter, DayFilter)
    list_select_related = ["review"]
    search_help_text = "A moderator's usr_… id, or a rev_… id."

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Decisions alone, and not what authors and rules did."""
        return super().get_queryset(request).select_related("review").filter(change__in=["approved", "hidden"])

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Newest first, by what an index holds: a person's by id, all others by time."""
        return ("-id",) if request.GET.get("q", "").strip() else ("-at", "-id")

    def searched(self, queryset: QuerySet, text: str) -> QuerySet:
        """Of this moderator, or on this review."""
        review_id = ids.decode(ids.REVIEW, text)
        if review_id is not None:
            return queryset.filter(review_id=review_id)
        return queryset.filter(actor=text) if ids.decode(ids.USER, text) is not None else queryset.none()

    def prepare(self, rows: list[Any]) -> None:
        """Find the moderators' names at once."""
        names = names_of(row.actor for row in rows)
        for row in rows:
            row.moderator_name = actor(row.actor, names)

    def address_of(self, record: Any) -> str:
        """The page of its review."""
        return reverse("admin:reviews_review_change", args=[record.review_id])

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """A decision has no page of its own."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return redirect(self.list_address())

    def links_about(self, request: HttpRequest, public_id: str) -> Sequence[Link]:
        """What a person decided."""
        return () if ids.decode(ids.USER, public_id) is None else [("Decisions", self.list_address(q=public_id))]

    @admin.display(description="when (UTC)")
    def when(self, row: Any) -> SafeString | str:
        return moment(row.at)

    @admin.display(description="decision")
    def decision(self, row: Any) -> SafeString:
        return badge(row.change)

    @admin.display(description="review, as it is now")
    def review_(self, row: Any) -> SafeString:
        return format_html('{} <span class="excerpt">{}</span>', stars(row.review.rating), excerpt(row.review.comment))

    @admin.display(description="moderator")
    def moderator(self, row: Any) -> str:
        return str(row.moderator_name)

    @admin.display(description="reason")
    def why(self, row: Any) -> str:
        return row.reason.replace("_", " ") or "—"
