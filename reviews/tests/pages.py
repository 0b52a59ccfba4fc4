"""The moderators' pages: where they are, and what is sent from them."""

from django.http import HttpResponse

from common.tests.staff import StaffClient, address
from reviews.tests.factories import Written, row_of

LIST = "/admin/reviews/review/"


def at(review: Written, page: str = "change") -> str:
    """The address of one of a review's pages."""
    return address(f"reviews_review_{page}", review.id)


def send(client: StaffClient, review: Written, decision: str, **more: str) -> HttpResponse:
    """The answer to a decision on the review as it is now, made on the way to the next one."""
    data = {"decision": decision, "version": str(row_of(review).version), "then": "next", **more}
    return client.post(at(review, "decide"), data)
