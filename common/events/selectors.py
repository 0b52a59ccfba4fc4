"""Reads of the event log: the feed, and the timeline of one thing."""

from collections.abc import Collection, Sequence
from typing import cast

from django.conf import settings
from django.db.models import Max, QuerySet

from common.errors import InvalidCursor
from common.events.types import TYPES, EventRecord
from common.models import ArchivedMonth, Event
from common.types import Page, PageRequest

# For questions about all that has happened: nothing is known of what was up to this moment.
BEGINNING_IN_SQL = "(SELECT coalesce(max(last_time), '-infinity') FROM common_archivedmonth)"


class EventsMovedOut(InvalidCursor):
    """What follows the cursor is no longer in the feed."""

    message = (
        "What follows this cursor has been moved out of the feed. Ask whoever runs this service for it; "
        "without a cursor, the feed begins with what it still has."
    )


def has_unplaced() -> bool:
    """Whether events have been committed that have no place in the feed yet."""
    return Event.objects.filter(position=None).exists()


def last_position() -> int:
    """The place of the last event in the feed, 0 for an empty one."""
    return Event.objects.aggregate(last=Max("position"))["last"] or 0


def _moved_out() -> int:
    """The last place in the feed of what has been moved out of it, 0 if nothing has."""
    return ArchivedMonth.objects.aggregate(last=Max("last_position"))["last"] or 0


def list_feed(*, type: str | None, page: PageRequest, partner: str | None = None) -> Page[EventRecord]:
    """Placed events in feed order, those that concern the partner with this public id or all.

    `next_after` is always given, so that a reader can come back for more. It moves on with the feed also where nothing
    was for the reader.

    Raises:
        EventsMovedOut: something between the cursor and what the feed still has was moved out.
    """
    moved_out, end = _moved_out(), last_position()
    after = moved_out if page.after is None else cast("int", page.after[0])
    if after < moved_out:
        raise EventsMovedOut
    events = Event.objects.filter(position__isnull=False).order_by("position")
    if partner is not None:
        # Said twice, so that PostgreSQL sees that the index without events of no partner will do.
        events = events.filter(partner=partner).exclude(partner="")
    if type is not None:
        events = events.filter(type=type)
    rows = list(events.filter(position__gt=after, position__lte=end)[: page.limit + 1])
    kept = rows[: page.limit]
    has_more = len(rows) > page.limit
    return Page(
        rows=[_to_record(row) for row in kept],
        next_after=(kept[-1].position if has_more else max(end, after),),
        has_more=has_more,
    )


def get_stretch(*, after: int, up_to: int, types: Collection[str]) -> list[tuple[int, EventRecord]]:
    """The events of these types between two places in the feed, in its order, with the keys of their rows."""
    rows = Event.objects.filter(position__gt=after, position__lte=up_to, type__in=types).order_by("position")
    return [(row.pk, _to_record(row)) for row in rows]


def get_records(*, keys: Collection[int]) -> dict[int, EventRecord]:
    """The events of the rows with these keys."""
    return {row.pk: _to_record(row) for row in Event.objects.filter(pk__in=keys)}


def timeline_of(*, subjects: Sequence[str], limit: int) -> list[EventRecord]:
    """The newest events of these subjects, newest first."""
    return _newest(Event.objects.filter(subject__in=subjects), limit)


def timeline_of_course(*, course: str, types: Collection[str] = TYPES, limit: int) -> list[EventRecord]:
    """The newest events of a course and of everything in it, as far as they are of these types, newest first."""
    return _newest(Event.objects.filter(course=course, type__in=types), limit)


def timeline_of_partner(*, partner: str, limit: int) -> list[EventRecord]:
    """The newest events in the feed of the partner with this public id, newest first."""
    # In the order of the feed, since that is how the index of a partner's events goes.
    events = Event.objects.filter(partner=partner, position__isnull=False).exclude(partner="")
    return [_to_record(row) for row in events.order_by("-position")[:limit]]


def of_request(*, request_id: str, limit: int) -> dict[int, EventRecord]:
    """The first events that the request caused, by the keys of their rows, oldest first."""
    rows = Event.objects.filter(request_id=request_id).exclude(request_id="").order_by("id")[:limit]
    return {row.pk: _to_record(row) for row in rows}


def _newest(events: QuerySet[Event], limit: int) -> list[EventRecord]:
    return [_to_record(row) for row in events.order_by("-id")[:limit]]


def _to_record(row: Event) -> EventRecord:
    return EventRecord(
        id=row.uuid,
        source=settings.EVENT_SOURCE,
        type=row.type,
        subject=row.subject,
        time=row.time,
        actor=row.actor,
        requestid=row.request_id or None,
        data=row.data,
    )
