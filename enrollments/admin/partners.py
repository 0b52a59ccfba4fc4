"""Partners and their keys, as the staff who look after them see them."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Max, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from common import clock, ids
from common.admin import Done, Entry, Fact, RecordAdmin, Step
from common.admin.display import badge, code, link_to_id, moment
from common.admin.timeline import LENGTH, entries
from common.events import selectors as events
from common.types import Actor
from enrollments import selectors, services
from enrollments.models import Import, Partner, PartnerKey
from enrollments.types import LONGEST_KEY_DAYS, LONGEST_OVERLAP_HOURS, NAME_LENGTH

_SHOWN_IMPORTS = 5
CHANGE = "enrollments.change_partner"


class NameForm(forms.Form):
    """What the partner is called."""

    name = forms.CharField(max_length=NAME_LENGTH)


class NewKeyForm(forms.Form):
    """For how long the key is good."""

    days = forms.IntegerField(
        min_value=1, max_value=LONGEST_KEY_DAYS, required=False, help_text="Days until it ends. Empty: never."
    )


class RotateForm(forms.Form):
    """For how long the key before is good beside the new one."""

    overlap_hours = forms.IntegerField(
        min_value=0, max_value=LONGEST_OVERLAP_HOURS, initial=24, help_text="Hours for which both are good."
    )


class RevokeForm(forms.Form):
    """Which key."""

    key = forms.CharField(max_length=20, help_text="The characters after lectern_, as the partner's page shows them.")


class NewPartner(Step):
    """There is a partner, without a key."""

    name, label, permission, form_class = "new", "New partner", CHANGE, NameForm

    def run(self, *, record: None, form: forms.Form, actor: Actor, now: datetime) -> Done:
        made = services.create_partner(name=form.cleaned_data["name"], now=now)
        return Done(message=f"{made.name} is a partner. Make a key for its system.", go_to=made.id)


class CreateKey(Step):
    """The partner has one key more."""

    name, label, permission, form_class = "key", "New key", CHANGE, NewKeyForm

    def is_possible(self, record: Partner) -> bool:
        return _live(record) < 2

    def run(self, *, record: Partner, form: forms.Form, actor: Actor, now: datetime) -> Done:
        days = form.cleaned_data["days"]
        expires_at = None if days is None else now + timedelta(days=days)
        made = services.create_key(partner_id=record.pk, expires_at=expires_at, now=now)
        return Done(message=f"{record.name} has the new key {made.prefix}.", secret=made.key)


class RotateKey(Step):
    """A new key takes the place of the one before, which is good a while longer."""

    name, label, permission, form_class = "rotate", "Rotate key", CHANGE, RotateForm

    def is_possible(self, record: Partner) -> bool:
        return _live(record) == 1

    def run(self, *, record: Partner, form: forms.Form, actor: Actor, now: datetime) -> Done:
        old_ends_at = now + timedelta(hours=form.cleaned_data["overlap_hours"])
        made = services.rotate_key(partner_id=record.pk, old_ends_at=old_ends_at, now=now)
        ends = f"{old_ends_at:%-d %b %Y, %H:%M} UTC"
        return Done(
            message=f"{record.name} has the new key {made.prefix}; the one before ends on {ends}.", secret=made.key
        )


class RevokeKey(Step):
    """A key is good for nothing from now on."""

    name, label, permission, form_class, is_destructive = "revoke", "Revoke key", CHANGE, RevokeForm, True

    def is_possible(self, record: Partner) -> bool:
        return _live(record) > 0

    def initial(self, request: HttpRequest, record: Partner) -> dict[str, Any]:
        return {"key": request.GET.get("key", "")}

    def consequences(self, record: Partner) -> list[str]:
        return ["Whoever uses it is refused at once. It cannot be made good again."]

    def run(self, *, record: Partner, form: forms.Form, actor: Actor, now: datetime) -> Done:
        prefix = form.cleaned_data["key"]
        services.revoke_key(partner_id=record.pk, prefix=prefix, now=now)
        return Done(message=f"The key {prefix} is revoked.")


@admin.register(Partner)
class PartnerAdmin(RecordAdmin):
    """The companies that enroll their people through their own systems."""

    section = "Partners"
    description = "Companies that enroll their people by their own systems, and the keys of these."
    id_prefixes = (ids.PARTNER,)
    list_steps = (NewPartner(),)
    steps = (CreateKey(), RotateKey(), RevokeKey())
    record_template = "admin/enrollments/partner/record.html"
    list_display = ("name", "keys", "last_use", "since")
    list_display_links = ("name",)
    list_select_related: ClassVar[list[str]] = []
    ordering = ("-id",)
    search_help_text = "A partner's whole name, or a ptn_… id."

    def prepare(self, rows: list[Any]) -> None:
        """Look up the keys of all partners of the page at once."""
        last = PartnerKey.objects.filter(partner__in=rows).values_list("partner").annotate(Max("last_used_at"))
        used, live = dict(last), Counter(_live_keys(rows).values_list("partner", flat=True))
        for partner in rows:
            partner.live, partner.used = live[partner.pk], used.get(partner.pk)

    def searched(self, queryset: QuerySet, text: str) -> QuerySet:
        """The partner with this id, or those of this name."""
        key = ids.decode(ids.PARTNER, text)
        return queryset.filter(name__iexact=text) if key is None else queryset.filter(pk=key)

    @admin.display(description="live keys")
    def keys(self, partner: Any) -> int:
        return int(partner.live)

    @admin.display(description="last use (UTC)")
    def last_use(self, partner: Any) -> SafeString | str:
        return moment(partner.used)

    @admin.display(description="since (UTC)")
    def since(self, partner: Partner) -> SafeString | str:
        return moment(partner.created_at)

    # -- the page -------------------------------------------------------------------------------

    def public_id(self, record: Partner) -> str:
        """`ptn_…`."""
        return ids.encode(ids.PARTNER, record.pk)

    def facts(self, request: HttpRequest, record: Partner) -> Sequence[Fact]:
        """What is known of it beside its keys."""
        return [("Partner since", moment(record.created_at))]

    def details(self, request: HttpRequest, record: Partner) -> dict[str, Any]:
        """Its keys, and its newest imports."""
        may_see_imports = request.user.has_perm("enrollments.view_import")
        imports = Import.objects.filter(partner=record).order_by("-id")[:_SHOWN_IMPORTS] if may_see_imports else ()
        return {
            "keys": [_key(key, clock.now()) for key in record.keys.order_by("-created_at", "-id")],
            "imports": [_import(each) for each in imports],
        }

    def timeline(self, request: HttpRequest, record: Partner) -> Sequence[Entry]:
        """What happened to what came through it, as its own feed shows it."""
        return entries(events.timeline_of_partner(partner=self.public_id(record), limit=LENGTH))


def _live_keys(partners: Sequence[Partner]) -> QuerySet[PartnerKey]:
    return selectors.live_keys(now=clock.now()).filter(partner__in=partners)


def _live(partner: Partner) -> int:
    return len(_live_keys([partner]))


def _key(key: PartnerKey, now: datetime) -> tuple[object, ...]:
    """What the page shows of a key, column by column."""
    times = moment(key.created_at), moment(key.expires_at), moment(key.last_used_at)
    return (code(key.prefix), _state(key, now), *times)


def _import(file: Import) -> tuple[object, ...]:
    """What the page shows of an import, column by column."""
    name = link_to_id(ids.encode(ids.IMPORT, file.pk), str(file))
    return (name, badge(file.status), f"{file.rows_total:,}", moment(file.created_at))


def _state(key: PartnerKey, now: datetime) -> SafeString:
    if key.revoked_at is not None:
        return badge("revoked")
    return badge("expired") if key.expires_at is not None and key.expires_at <= now else badge("live")
