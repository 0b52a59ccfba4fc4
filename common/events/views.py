"""The feed over HTTP."""

from django.http import HttpResponse
from rest_framework.request import Request

from common.api import ApiView
from common.events import selectors, services
from common.events.serializers import EventView, FeedQuery
from common.operations import PageOf, Tag, operation

TAG = Tag("Events", "Everything that happened, in commit order, as CloudEvents 1.0.")


class ListEvents(ApiView):
    """Everything that happens, in commit order. A reader may come back after any time."""

    cursor_parameter = "after"
    cursor_lifetime = None

    @operation(
        id="events.list",
        tag=TAG,
        summary="Read the event feed",
        description="A reader that keeps `next_cursor` misses nothing and sees nothing twice. `next_cursor` is always "
        "given: at the end of the feed, ask again with it later.",
        access="common.view_event",
        query=FeedQuery,
        answers={200: PageOf(EventView)},
    )
    def get(self, request: Request) -> HttpResponse:
        if selectors.has_unplaced():
            services.place_committed()
        return self.page(selectors.list_feed(type=self.query.get("type"), page=self.page_request()), EventView)
