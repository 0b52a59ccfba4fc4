"""Mails: to read, and to send again."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from common import ids
from common.admin.base import Fact, Link, RecordAdmin
from common.admin.display import NOTHING, badge, link_to_id, moment
from common.admin.filters import ChoiceFilter
from common.admin.steps import Done, Step
from common.mail import services
from common.mail.types import MailStatus
from common.models import Mail
from common.types import Actor


class MailStatusFilter(ChoiceFilter):
    """Mails in one state."""

    title = parameter_name = column = "status"
    options = [(status.value, status.value.capitalize()) for status in MailStatus]


class SendMailAgain(Step):
    """The mail is sent once more."""

    name, label, permission, asks = "resend", "Send again", "common.resend_mail", False

    def is_possible(self, record: Mail) -> bool:
        return record.status != MailStatus.PENDING

    def run(self, *, record: Mail, form: forms.Form, actor: Actor, now: datetime) -> Done:
        services.resend(mail_id=record.pk)
        return Done(message="It is sent again, soon.")


@admin.register(Mail)
class MailAdmin(RecordAdmin):
    """What people were told by mail."""

    section = "System"
    heading, nouns = "Mails", ("mail", "mails")
    description = "What people were told by mail, and what could not be sent."
    shortcuts = (("Failed", "?status=failed"), ("Pending", "?status=pending"))
    list_display = ("type", "recipient_", "state", "attempts", "next_try", "created", "fault_")
    list_filter = (MailStatusFilter,)
    list_select_related: ClassVar[list[str]] = ["recipient", "event"]
    ordering = ("-id",)
    search_help_text = "The usr_… id or the email of a person, or the evt_… id of an event."
    steps = (SendMailAgain(),)

    def searched(self, queryset: QuerySet, text: str) -> QuerySet:
        """What this person was told, or who was told of this event."""
        person, event = ids.decode(ids.USER, text), ids.decode(ids.EVENT, text)
        if person is not None:
            return queryset.filter(recipient=person)
        return queryset.filter(recipient__email__iexact=text) if event is None else queryset.filter(event__uuid=event)

    def links_about(self, request: HttpRequest, public_id: str) -> Sequence[Link]:
        """From a person to the mails they got."""
        if ids.decode(ids.USER, public_id) is None:
            return ()
        return [("Mails", self.list_address(q=public_id))]

    def public_id(self, record: Mail) -> str:
        """The event's."""
        return ids.encode(ids.EVENT, record.event.uuid)

    def name_of(self, record: Mail) -> str:
        """What it is about, and whom it is for."""
        return f"{record.event.type} to {record.recipient.display_name}"

    def badges(self, record: Mail) -> Sequence[str]:
        """What has become of it."""
        return [self.state(record)]

    def facts(self, request: HttpRequest, record: Mail) -> Sequence[Fact]:
        """What it is about, whom it is for, and what became of it."""
        return [
            ("Event", link_to_id(self.public_id(record))),
            ("Recipient", self.recipient_(record)),
            ("Email", record.recipient.email),
            ("Written down", self.created(record)),
            ("Attempts", record.attempts),
            ("Next try", self.next_try(record)),
            ("Ended", moment(record.ended_at)),
            ("Last fault", record.fault or NOTHING),
        ]

    @admin.display(description="event")
    def type(self, mail: Mail) -> str:
        return mail.event.type

    @admin.display(description="recipient")
    def recipient_(self, mail: Mail) -> SafeString:
        return link_to_id(ids.encode(ids.USER, mail.recipient_id), mail.recipient.display_name)

    @admin.display(description="status")
    def state(self, mail: Mail) -> SafeString:
        return badge(mail.status)

    @admin.display(description="next try")
    def next_try(self, mail: Mail) -> SafeString | str:
        return moment(mail.due_at) if mail.status == MailStatus.PENDING else NOTHING

    @admin.display(description="written down")
    def created(self, mail: Mail) -> SafeString | str:
        return moment(mail.created_at)

    @admin.display(description="last fault")
    def fault_(self, mail: Mail) -> str:
        return mail.fault[:80]
