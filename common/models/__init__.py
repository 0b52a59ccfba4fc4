"""Tables that every app needs and none owns: people, the event log, what is sent, kept answers, what operators ran."""

from common.models.events import ArchivedMonth, ArchivedSubject, Event, FeedReader
from common.models.people import NAME, ExternalIdentity, User, UserManager
from common.models.sending import Mail, Webhook, WebhookDelivery
from common.models.work import IdempotencyRecord, Invariant, JobFault, OpsItem, OpsRun

__all__ = [
    "NAME",
    "ArchivedMonth",
    "ArchivedSubject",
    "Event",
    "ExternalIdentity",
    "FeedReader",
    "IdempotencyRecord",
    "Invariant",
    "JobFault",
    "Mail",
    "OpsItem",
    "OpsRun",
    "User",
    "UserManager",
    "Webhook",
    "WebhookDelivery",
]
