"""The queue, and the addresses behind it."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import path
from django.urls.resolvers import URLPattern
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from common import clock, ids
from common.admin import Entry, Fact, Link, RecordAdmin
from common.admin.display import link_to_id
from reviews.admin import bulk, filters, overview, workbench
from reviews.admin.deciding import MODERATE, possible, undoable
from reviews.admin.display import age, excerpt, is_claimed, stars, states
from reviews.models import Review
from reviews.types import Decision


@admin.register(Review)
class ReviewAdmin(RecordAdmin):
    """What waits for a moderator, and all other reviews."""

    section = "Moderation"
    description = "What waits for a decision, oldest first, and every other review."
    shortcuts = (("Pending", "?queue=pending"), ("Reported", "?queue=reported"), ("Hidden", "?queue=hidden"))
    id_prefixes = (ids.REVIEW,)
    change_list_template = "admin/reviews/review/queue.html"
    record_template = "admin/reviews/review/workbench.html"
    list_filter = (
        filters.TabFilter,
        filters.RatingFilter,
        filters.RuleFilter,
        filters.ReportFilter,
        filters.CourseFilter,
    )
    list_display = ("review", "course_", "author_", "state", "waits", "decide_")
    list_display_links = ("review",)
    list_select_related = ["course", "author", "claimed_by"]
    actions = ["approve_selected", "hide_selected"]
    search_help_text = "Whole words of the text or of an author's name, an author's email address, or an id."

    # -- who may --------------------------------------------------------------------------------

    def has_moderate_permission(self, request: HttpRequest) -> bool:
        """Who may decide."""
        return request.user.has_perm(MODERATE)

    # -- the list -------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Reviews with the names that pages show, and without the long texts that they do not."""
        rows = super().get_queryset(request).select_related("course", "author", "claimed_by")
        return rows.defer("course__description", "course__summary", "author__password", "claimed_by__password")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """That of the tab."""
        return filters.order_of(request)

    def searched(self, queryset: QuerySet, text: str) -> QuerySet:
        """By id, author, course or words."""
        return filters.searched(queryset, text)

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Without buttons for who may only look."""
        return tuple(self.list_display) if self.has_moderate_permission(request) else self.list_display[:-1]

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """Each row knows who looks at it: nobody gets buttons for their own."""
        changes = super().get_changelist_instance(request)
        now = clock.now()
        for row in changes.result_list:
            row.viewer, row.now, row.back = request.user, now, changes.get_query_string().removeprefix("?")
        return changes

    def get_paginator(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Paginator:
        """One that counts fewer where each row counted is a text read."""
        chosen = filters.WordsPaginator if request.GET.get("q", "").strip() else filters.QueuePaginator
        return chosen(*args, **kwargs)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The queue, with what the moderator can undo."""
        may = self.has_moderate_permission(request)
        extra = {"may_moderate": may, "undoable": undoable(request) if may else []}
        return super().changelist_view(request, {**extra, **(extra_context or {})})

    def action_checkbox(self, obj: Any) -> SafeString:
        """A box to choose the row by, with the version that the moderator sees."""
        seen = format_html('<input type="hidden" name="{}" value="{}:{}">', bulk.SEEN, obj.pk, obj.version)
        return super().action_checkbox(obj) + seen

    action_checkbox.short_description = RecordAdmin.action_checkbox.short_description  # type: ignore[attr-defined]

    @admin.display(description="review")
    def review(self, row: Any) -> SafeString:
        return format_html('{} <span class="excerpt">{}</span>', stars(row.rating), excerpt(row.comment))

    @admin.display(description="course")
    def course_(self, row: Any) -> SafeString:
        return link_to_id(ids.encode(ids.COURSE, row.course_id), str(row.course))

    @admin.display(description="author")
    def author_(self, row: Any) -> SafeString:
        query = {"queue": filters.ALL, "q": ids.encode(ids.USER, row.author_id)}
        return format_html('<a href="?{}">{}</a>', urlencode(query), row.author.display_name)

    @admin.display(description="state")
    def state(self, row: Any) -> SafeString:
        shown = [*states(row), *self._holder(row)]
        return format_html('<span class="states">{}</span>', format_html_join(" ", "{}", ((each,) for each in shown)))

    @admin.display(description="age")
    def waits(self, row: Any) -> SafeString:
        return format_html(
            '<time datetime="{}">{}</time>', row.submitted_at.isoformat(), age(row.submitted_at, row.now)
        )

    @admin.display(description="decide")
    def decide_(self, row: Any) -> SafeString:
        could = possible(row, row.viewer)
        if not could:
            return format_html("<small>{}</small>", "your own" if row.author_id == row.viewer.pk else "")
        address = workbench.address("decide", row.pk)
        query = urlencode({"version": row.version, "decision": Decision.APPROVE, "back": row.back})
        approve = format_html(
            '<button class="small" formaction="{}?{}" data-key="a" aria-label="Approve the review by {}">{}</button>',
            address,
            query,
            row.author.display_name,
            "Keep" if row.status == "published" else "Approve",
        )
        hide = format_html(
            '<a class="small" href="{}?{}" data-key="h" aria-label="Hide the review by {}">Hide</a>',
            address,
            urlencode({"decision": Decision.HIDE, "back": row.back}),
            row.author.display_name,
        )
        drawn = {Decision.APPROVE: approve, Decision.HIDE: hide}
        return format_html('<span class="decide">{}</span>', SafeString("".join(drawn[each] for each in could)))

    @staticmethod
    def _holder(row: Any) -> list[SafeString]:
        if not is_claimed(row, now=row.now, but_not_by=None):
            return []
        name = "you" if row.claimed_by_id == row.viewer.pk else row.claimed_by.display_name
        return [format_html('<span class="badge badge-claimed">with {}</span>', name)]

    def overview(self, request: HttpRequest) -> SafeString | str:
        """The day's work in numbers."""
        context = {"may_moderate": self.has_moderate_permission(request), **overview.numbers_and_charts()}
        return render_to_string("admin/reviews/review/overview.html", context, request)

    # -- many at once ---------------------------------------------------------------------------

    @admin.action(permissions=["moderate"], description="Approve selected reviews")
    def approve_selected(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        """Ask, then approve each."""
        return bulk.ask(self, request, Decision.APPROVE)

    @admin.action(permissions=["moderate"], description="Hide selected reviews")
    def hide_selected(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        """Ask, then hide each."""
        return bulk.ask(self, request, Decision.HIDE)

    # -- one ------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        """The record pages', and those that change something."""
        view = self.admin_site.admin_view

        def of(page: Any) -> Any:
            def answered(request: HttpRequest, **key: Any) -> HttpResponse:
                answer: HttpResponse = page(self, request, **key)
                return answer

            return view(answered)

        names = ("decide", "skip", "undo")
        return [
            path("next/", of(workbench.next_page), name="reviews_review_next"),
            path("bulk/", of(bulk.run), name="reviews_review_bulk"),
            *(
                path(f"<uuid:key>/{name}/", of(getattr(workbench, f"{name}_page")), name=f"reviews_review_{name}")
                for name in names
            ),
            *super().get_urls(),
        ]

    def name_of(self, record: Review) -> str:
        """Its stars, author and course."""
        return f"{record.rating} of 5 by {record.author.display_name} about {record.course}"

    def public_id(self, record: Review) -> str:
        """`rev_…`."""
        return ids.encode(ids.REVIEW, record.pk)

    def badges(self, record: Review) -> Sequence[str]:
        """Its state."""
        return states(record)

    def facts(self, request: HttpRequest, record: Review) -> Sequence[Fact]:
        """On the workbench's own panels."""
        return ()

    def timeline(self, request: HttpRequest, record: Review) -> Sequence[Entry] | None:
        """On the workbench's own panels, with the rest of the file."""
        return ()

    def details(self, request: HttpRequest, record: Review) -> dict[str, Any]:
        """Everything that a decision needs."""
        return workbench.lay_out(request, record, may_moderate=self.has_moderate_permission(request))

    def page_of(self, request: HttpRequest, record: Review) -> dict[str, Any]:
        """What the workbench's template needs."""
        return self._context(request, record)

    def links_about(self, request: HttpRequest, public_id: str) -> Sequence[Link]:
        """The reviews of a course, and of a person."""
        if ids.decode(ids.COURSE, public_id) is not None:
            return [("Reviews", self.list_address(queue=filters.ALL, course=public_id))]
        if ids.decode(ids.USER, public_id) is not None:
            return [("Reviews", self.list_address(queue=filters.ALL, q=public_id))]
        return ()
