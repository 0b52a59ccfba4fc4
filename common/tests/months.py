"""Months of the event log that are long over, for tests."""

from datetime import UTC, datetime

from common import ids
from common.events import months
from common.events.months import Month
from common.models import Event, FeedReader

LONG_AGO = Month(202401)
AFTER_THAT = Month(202402)
OWNER = "ptn_01m7w3nhqzfzf863a0qnbxxtp1"


def a_month(month: Month, *subjects: str, first: int, partner: str = "") -> list[Event]:
    """The events of a month that is over: they have the places in the feed from `first` on, and were handed on."""
    months.make(month)
    months.attach(month)
    events = [
        Event.objects.create(
            id=month.first_id + number,
            uuid=ids.new_uuid(),
            position=first + number,
            type="enrollment.created",
            subject=subject,
            partner=partner,
            actor="system:test",
            data={"number": number, "text": "“ünïcode” \\ \n\t %s"},
            time=datetime(month.number // 100, month.number % 100, 1 + number, 7, 30, 0, 123456, tzinfo=UTC),
        )
        for number, subject in enumerate(subjects)
    ]
    FeedReader.objects.update(position=first + len(subjects) - 1)
    return events
