"""People and their groups. Only superusers change them: whoever may give permissions has all of them."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.db.models import F, Model, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from common import ids
from common.admin.base import Fact, RecordAdmin
from common.admin.display import NOTHING, badge, code, moment
from common.admin.filters import ChoiceFilter, YesNoFilter, uuid_from
from common.models import User


class _UniqueEmail(forms.ModelForm):
    """Says at the field that an email is taken, whatever its case."""

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if User.objects.filter(email__iexact=email).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError("There is an account with this email.")
        return email


class PersonForm(_UniqueEmail, UserChangeForm):
    """A person as a superuser changes them. Each save is a new version, so that the API's clients notice it."""

    class Meta:
        model = User
        fields = (
            "email",
            "display_name",
            "password",
            "is_active",
            "is_staff",
            "is_superuser",
            "groups",
            "user_permissions",
        )

    def save(self, commit: bool = True) -> User:  # noqa: FBT001, FBT002
        """The changed person."""
        self.instance.version = F("version") + 1
        person: User = super().save(commit)
        return person


class NewPersonForm(_UniqueEmail, AdminUserCreationForm):
    """A new person, with a password or, where they sign in elsewhere, without."""

    class Meta:
        model = User
        fields = ("email", "display_name")


class StaffFilter(YesNoFilter):
    """Who may use the admin."""

    title, parameter_name, column = "may use the admin", "staff", "is_staff"


class ActiveFilter(YesNoFilter):
    """Whose account is active."""

    title, parameter_name, column = "active", "active", "is_active"


class GroupFilter(ChoiceFilter):
    """Who is in a group."""

    title, parameter_name, column = "group", "group", "groups__id"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        """The groups, of which there are few."""
        return [(str(key), name) for key, name in Group.objects.order_by("name").values_list("pk", "name")]


@admin.register(User)
class PersonAdmin(RecordAdmin, UserAdmin):
    """People: learners and staff. Django's own forms, for superusers; a page to read for other staff."""

    section = "People"
    description = "Everybody who has an account: learners, staff, partners' people."
    shortcuts = (("Staff", "?staff=yes"), ("Deactivated", "?active=no"))
    id_prefixes = (ids.USER,)
    form = PersonForm
    add_form = NewPersonForm
    list_display = ("email", "display_name", "staff", "active", "created")
    list_filter = (ActiveFilter, StaffFilter, GroupFilter)
    list_select_related: ClassVar[list[str]] = []
    ordering = ("-id",)
    search_help_text = "A whole email address, or a usr_… id."
    readonly_fields = ("id_", "created", "last_login")
    fieldsets = (
        (None, {"fields": ("id_", "email", "display_name", "password")}),
        ("What they may do", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Times", {"fields": ("created", "last_login")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "display_name", "usable_password", "password1", "password2")}),)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Superusers."""
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Superusers."""
        return request.user.is_superuser

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The form for who may use it, for others a page to read."""
        if self.has_change_permission(request):
            key = uuid_from(object_id, ids.USER)
            links = self.site().links_about(request, ids.encode(ids.USER, key)) if key else []
            return UserAdmin.change_view(self, request, object_id, form_url, {"links": links, **(extra_context or {})})
        return super().change_view(request, object_id, form_url, extra_context)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Who changed the account: the one thing that the event log does not say."""
        return UserAdmin.history_view(self, request, object_id, extra_context)

    def public_id(self, record: User) -> str:
        """`usr_…`."""
        return ids.encode(ids.USER, record.pk)

    def name_of(self, record: User) -> str:
        """How they are called."""
        return record.display_name

    def badges(self, record: User) -> list[SafeString | str]:
        """Whether they may sign in, and what as."""
        return [self.active(record), self.staff(record)]

    def facts(self, request: HttpRequest, record: User) -> list[Fact]:
        """Who they are."""
        return [
            ("Email", record.email),
            ("Groups", ", ".join(group.name for group in record.groups.all()) or NOTHING),
            ("Registered", moment(record.created_at)),
            ("Last signed in to the admin", moment(record.last_login)),
        ]

    def searched(self, queryset: QuerySet, text: str) -> QuerySet:
        """The person with this id or email."""
        key = ids.decode(ids.USER, text)
        return queryset.filter(email__iexact=text) if key is None else queryset.filter(pk=key)

    def find(self, query: str) -> str | None:
        """Where the person is; the search, for an email."""
        return self.list_address(q=query) if "@" in query else super().find(query)

    @admin.display(description="id")
    def id_(self, person: User) -> SafeString | str:
        return code(self.public_id(person))

    @admin.display(description="registered")
    def created(self, person: User) -> SafeString | str:
        return moment(person.created_at)

    @admin.display(description="staff")
    def staff(self, person: User) -> SafeString | str:
        if person.is_superuser:
            return badge("superuser")
        return badge("staff") if person.is_staff else ""

    @admin.display(description="account")
    def active(self, person: User) -> SafeString:
        return badge("active") if person.is_active else badge("deactivated")


@admin.register(Group)
class GroupAdmin(RecordAdmin):
    """What each group of staff may do. Groups are made by every migration; people are put into them on their page."""

    section = "People"
    description = "What course staff and moderators may do."
    list_display = ("name", "members")
    list_select_related: ClassVar[list[str]] = []
    ordering = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Groups with their permissions, of which there are few."""
        return super().get_queryset(request).prefetch_related(Prefetch("permissions", to_attr="allowed"))

    @admin.display(description="may")
    def members(self, group: Group) -> str:
        return ", ".join(permission.name for permission in group.allowed)  # type: ignore[attr-defined]

    def facts(self, request: HttpRequest, record: Group) -> list[Fact]:
        """Its permissions."""
        return [(permission.name, code(permission.codename)) for permission in record.allowed]  # type: ignore[attr-defined]
