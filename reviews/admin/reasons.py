"""The reasons that moderators choose from."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse

from common.admin import ListAdmin
from reviews.models import ModerationReason


@admin.register(ModerationReason)
class ReasonAdmin(ListAdmin):
    """Reasons are written and changed here; one that is not used any more is made inactive, since history names it."""

    section = "Moderation"
    heading = "Reasons"
    description = "What moderators can choose from, and what each tells the author."
    list_display = ("label", "code", "decision", "position", "is_active", "public_text")
    list_select_related = ()
    ordering = ("-decision", "position", "code")
    fields = ("code", "label", "decision", "public_text", "position", "is_active")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Who has the model's permission."""
        return request.user.has_perm("reviews.add_moderationreason")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Who has the model's permission."""
        return request.user.has_perm("reviews.change_moderationreason")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """The code of a reason stands in history and stays."""
        return () if obj is None else ("code",)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """As Django keeps it."""
        return super().history_view(request, object_id, extra_context)
