"""The feed's shapes: CloudEvents 1.0 in JSON."""

from typing import Any, ClassVar

from rest_framework import serializers

from common import examples, ids
from common.events.types import CONSEQUENCES, TYPES
from common.fields import Choice, Constant, PublicId, QueryInteger, Text
from common.wire import Query, View


class Triggered(serializers.ListField):
    """The consequences that `common.events.services.record` names."""

    child = Choice("Consequence", CONSEQUENCES, open=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(help_text="What this set in motion; it happens soon after. The set may grow.", **kwargs)


class FeedQuery(Query):
    """Where to read on, and what."""

    after = Text(required=False, allow_blank=True, help_text="`next_cursor` of the page before. It never expires.")
    type = Choice("EventType", TYPES, open=True, required=False, help_text="Only events of this type.")
    limit = QueryInteger(min_value=1, max_value=100, default=20, help_text="How many events a page has at most.")


class EventView(View):
    """One thing that happened. The set of types may grow."""

    specversion = Constant("1.0")
    id = PublicId(ids.EVENT)
    source = serializers.CharField(help_text="Which service it happened in.")
    type = Choice("EventType", TYPES, open=True)
    subject = serializers.CharField(help_text="The public id of what it happened to.")
    time = serializers.DateTimeField()
    datacontenttype = Constant("application/json")
    actor = serializers.CharField(help_text="Who caused it: a person's id, or a name such as `system:sweep`.")
    requestid = serializers.CharField(allow_null=True, help_text="The X-Request-ID of the request that caused it.")
    data = serializers.DictField(help_text="What there is to know of it, by type.")

    example: ClassVar = {
        "specversion": "1.0",
        "id": examples.EVENT,
        "source": "/lectern",
        "type": "enrollment.created",
        "subject": examples.ENROLLMENT,
        "time": "2026-11-20T09:30:00.123456Z",
        "datacontenttype": "application/json",
        "actor": examples.PERSON,
        "requestid": examples.REQUEST_ID,
        "data": {
            "course_id": examples.COURSE,
            "learner_id": examples.PERSON,
            "source": "self",
        },
    }
