"""The events of enrollments, and the parts that every use case shares in writing them."""

from typing import Any
from uuid import UUID

from common import ids
from common.events import services as events
from common.types import Actor
from enrollments.types import Via


def record(
    type: str, course_id: UUID, row_id: UUID, learner_id: UUID, via: Via | None, actor: Actor, **data: Any
) -> None:
    """The event of one row, in the caller's transaction."""
    events.record(**event(type, course_id, row_id, learner_id, via, actor, **data))


def event(
    type: str, course_id: UUID, row_id: UUID, learner_id: UUID, via: Via | None, actor: Actor, **data: Any
) -> dict[str, Any]:
    """The arguments that record the event of one row."""
    return {
        "type": type,
        "subject": subject_of(type, row_id),
        "course": ids.encode(ids.COURSE, course_id),
        "partner": partner_of(via),
        "data": {**event_data(course_id, row_id, learner_id, via), **data},
        "actor": actor,
    }


def subject_of(type: str, row_id: UUID) -> str:
    """The public id of what an event of this type happens to: the row as a place in line, or as an enrollment."""
    return ids.encode(ids.WAITLIST_ENTRY if type.startswith("waitlist.") else ids.ENROLLMENT, row_id)


def partner_of(via: Via | None) -> str:
    """The public id of the partner whom the event concerns, empty for none."""
    return "" if via is None else ids.encode(ids.PARTNER, via.partner_id)


def event_data(course_id: UUID, row_id: UUID, learner_id: UUID, via: Via | None) -> dict[str, Any]:
    """What every event of a row says: where, who, and under which name the partner knows them."""
    data = {
        "course_id": ids.encode(ids.COURSE, course_id),
        "learner_id": ids.encode(ids.USER, learner_id),
        "enrollment_id": ids.encode(ids.ENROLLMENT, row_id),
    }
    return data if via is None else {**data, "external_id": via.external_id}
