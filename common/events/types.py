"""What an event is, and what it wakes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

Data = Mapping[str, Any]

TYPES = (
    "course.created",
    "course.updated",
    "course.opened",
    "course.closed",
    "course.archived",
    "enrollment.created",
    "enrollment.withdrawn",
    "enrollment.completed",
    "enrollment.revoked",
    "enrollment.repaired",
    "waitlist.joined",
    "waitlist.left",
    "waitlist.promoted",
    "waitlist.expired",
    "review.created",
    "review.updated",
    "review.retracted",
    "review.reported",
    "review.held",
    "review.approved",
    "review.hidden",
    "import.completed",
)
# What answers may list as `triggered`.
CONSEQUENCES = ("waitlist_promotion", "waitlist_expiry")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """One thing that happened, as readers of the feed see it."""

    id: UUID
    source: str
    type: str
    subject: str
    time: datetime
    actor: str
    requestid: str | None
    data: Data
    specversion: str = "1.0"
    datacontenttype: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One of many events of one type: what it happened to, what there is to know, which partner it concerns."""

    subject: str
    data: Data
    partner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One of many events of any type and course. The fields are those of `common.events.services.record`."""

    type: str
    subject: str
    course: str
    data: Data
    partner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """An event of type `event` wakes `wake`, which defers a job, if `when` finds so in the event's data.

    `consequence` is the public name under which answers list it as `triggered`.
    """

    event: str
    consequence: str
    when: Callable[[Data], bool]
    wake: Callable[[Data, str], None]
