"""The feed over HTTP."""

from django.http import HttpResponse
from rest_framework.request import Request

from common.api import ApiView
from common.events import selectors, services
from common.events.serializers import EventView, FeedQuery
from common.operations import Access, PageOf, Tag, operation

_KEPT = (
    " Events are kept for at least 13 months. A cursor that leads to older ones which have been moved out is refused "
    "as `invalid-cursor`; without a cursor, the feed begins with what it still has."
)
TAG = Tag("Events", "Everything that happened, in commit order, as CloudEvents 1.0.")


class Feed(ApiView):
    """A list that ends where the present is. A reader may come back after any time."""

    cursor_parameter = "after"
    cursor_lifetime = None

    def feed(self, *, partner: str | None = None) -> HttpResponse:
        """What has been committed by now, as far as the page and the query go."""
        if selectors.has_unplaced():
            services.place_committed()
        events = selectors.list_feed(type=self.query.get("type"), page=self.page_request(), partner=partner)
        return self.page(events, EventView)


class ListEvents(Feed):
    """Everything that happens, in commit order."""

    @operation(
        id="events.list",
        tag=TAG,
        summary="Read the event feed",
        description="A reader that keeps `next_cursor` misses nothing and sees nothing twice. `next_cursor` is always "
        "given: at the end of the feed, ask again with it later." + _KEPT,
        access="common.view_event",
        query=FeedQuery,
        answers={200: PageOf(EventView)},
    )
    def get(self, request: Request) -> HttpResponse:
        return self.feed()


class ListPartnerEvents(Feed):
    """What happens to the partner's people, in commit order."""

    @operation(
        id="events.listOfPartner",
        tag=TAG,
        summary="Read the partner's event feed",
        description="What concerns the partner: the enrollments that came through it, and its imports. The same events "
        "as its webhooks are sent, with the same ids. A reader that keeps `next_cursor` misses nothing and sees "
        "nothing twice; at the end of the feed, ask again with it later." + _KEPT,
        access=Access.PARTNER,
        query=FeedQuery,
        answers={200: PageOf(EventView)},
    )
    def get(self, request: Request) -> HttpResponse:
        return self.feed(partner=self.actor().name)
