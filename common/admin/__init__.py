"""The staff's pages: what every app's admin is built on, and the pages of what `common` itself has.

An app's `admin.py` subclasses `ListAdmin` or `RecordAdmin`, declares a `Step` for each thing that staff can do to a
record, and a `Bulk` for what can be done to many; each calls one use case of that app's services.
"""

from common.admin.base import Fact, Link, ListAdmin, RecordAdmin
from common.admin.bulk import Bulk
from common.admin.event_log import EventAdmin
from common.admin.filters import AutocompleteFilter, ChoiceFilter, YesNoFilter, uuid_from
from common.admin.jobs import JobAdmin, WorkerAdmin
from common.admin.mail import MailAdmin
from common.admin.people import GroupAdmin, PersonAdmin
from common.admin.repairs import InvariantAdmin, ItemAdmin, RunAdmin
from common.admin.steps import Done, Step
from common.admin.timeline import Entry
from common.admin.webhooks import DeliveryAdmin, WebhookAdmin

__all__ = [
    "AutocompleteFilter",
    "Bulk",
    "ChoiceFilter",
    "DeliveryAdmin",
    "Done",
    "Entry",
    "EventAdmin",
    "Fact",
    "GroupAdmin",
    "InvariantAdmin",
    "ItemAdmin",
    "JobAdmin",
    "Link",
    "ListAdmin",
    "MailAdmin",
    "PersonAdmin",
    "RecordAdmin",
    "RunAdmin",
    "Step",
    "WebhookAdmin",
    "WorkerAdmin",
    "YesNoFilter",
    "uuid_from",
]
