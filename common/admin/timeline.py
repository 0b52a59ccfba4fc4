"""The event log as people read it: who did what, when, and in which request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.html import format_html
from django.utils.safestring import SafeString

from common import ids
from common.admin.display import link_to_id, plural
from common.events.types import EventRecord
from common.models import User

LENGTH = 50

# What is said of somebody, when they did it themselves and when it was done to them.
_OF_PEOPLE = {
    "enrollment.created": ("{} enrolled", "{} was enrolled"),
    "enrollment.withdrawn": ("{} withdrew", "{} was withdrawn"),
    "enrollment.completed": ("{} completed the course", "{} has completed the course"),
    "enrollment.revoked": ("{} gave up the seat", "{} lost the seat: the enrollment was revoked"),
    "enrollment.repaired": ("The records of {} were repaired", "The records of {} were repaired"),
    "waitlist.joined": ("{} joined the waitlist", "{} was put on the waitlist"),
    "waitlist.left": ("{} left the waitlist", "{} was taken off the waitlist"),
    "waitlist.promoted": ("{} got a seat from the waitlist", "{} got a seat from the waitlist"),
    "waitlist.expired": ("{} waited in vain", "{} waited in vain: the course was archived"),
    "review.created": ("{} wrote a review", "A review of {} was written"),
    "review.updated": ("{} changed the review", "The review of {} was changed"),
    "review.retracted": ("{} took the review back", "The review of {} was taken back"),
    "review.reported": ("{} reported the review", "The review of {} was reported"),
    "review.held": ("The review of {} is held back", "The review of {} is held back"),
    "review.approved": ("The review of {} was approved", "The review of {} was approved"),
    "review.hidden": ("The review of {} was hidden", "The review of {} was hidden"),
}
_OF_COURSES = {
    "course.created": "The course was created",
    "course.updated": "The course was changed",
    "course.opened": "The course was opened",
    "course.closed": "The course was closed",
    "course.archived": "The course was archived",
    "enrollment.repaired": "The counters of the course were repaired",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a timeline."""

    type: str
    time: datetime
    sentence: SafeString
    details: Sequence[str]
    actor: SafeString | str
    request_id: str
    event_id: str

    @property
    def kind(self) -> str:
        """What sort of thing it happened to, for the look of its line."""
        return self.type.partition(".")[0]


def entries(events: Sequence[EventRecord]) -> list[Entry]:
    """These events as lines, with the people's names, which one query looks up."""
    names = _names(events)
    return [
        Entry(
            type=event.type,
            time=event.time,
            sentence=_sentence(event, names),
            details=_details(event.data),
            actor=_actor(event.actor, names),
            request_id=event.requestid or "",
            event_id=ids.encode(ids.EVENT, event.id),
        )
        for event in events
    ]


def _names(events: Sequence[EventRecord]) -> dict[str, str]:
    """The display names of everybody who occurs, by public id."""
    mentioned = {event.actor for event in events} | {_whom(event) for event in events}
    people: set[UUID | None] = {ids.decode(ids.USER, each) for each in mentioned}
    rows = User.objects.filter(pk__in=people - {None}).values_list("pk", "display_name")
    return {ids.encode(ids.USER, key): name for key, name in rows}


def _whom(event: EventRecord) -> str:
    """Whose enrollment, place or review it is, empty for an event of a course."""
    return str(event.data.get("learner_id") or event.data.get("author_id") or "")


def _sentence(event: EventRecord, names: Mapping[str, str]) -> SafeString:
    whom = _whom(event)
    if event.type in _OF_PEOPLE and whom:
        by_self, by_others = _OF_PEOPLE[event.type]
        said = by_self if event.actor == whom else by_others
        return format_html(said, link_to_id(event.subject, names.get(whom, whom)))
    plain = _OF_COURSES.get(event.type) or event.type.replace(".", " ").replace("_", " ").capitalize()
    return format_html("{}", plain)


def _details(data: Mapping[str, Any]) -> list[str]:
    """What the sentence leaves out, as far as the event knows it."""
    details = [str(data["check"])] if data.get("check") else []
    if data.get("changed"):
        details.append(", ".join(str(name).replace("_", " ") for name in data["changed"]))
    if data.get("source", "self") != "self":
        details.append(f"through {data['source']}")
    if data.get("rating"):
        details.append(f"rated {data['rating']}")
    if data.get("held_reason"):
        details.append(str(data["held_reason"]).replace("_", " "))
    if data.get("position"):
        details.append(f"at position {data['position']}")
    if data.get("seats_to_hand_over"):
        details.append(f"{plural(data['seats_to_hand_over'], 'seat')} went to the waitlist")
    if data.get("reason"):
        details.append(f"“{data['reason']}”")
    return details


def _actor(name: str, names: Mapping[str, str]) -> SafeString | str:
    kind, _, rest = name.partition(":")
    if kind == "system" and rest:
        return f"the system ({rest.replace('-', ' ')})"
    if kind == "operator" and rest:
        return f"an operator ({rest})"
    return link_to_id(name, names[name]) if name in names else name
