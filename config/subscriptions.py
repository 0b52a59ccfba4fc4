"""Which event wakes which use case: the one table of what follows from what.

A use case records its event; what must run because of it, in an app that it may not know, is deferred here as a job,
in the same transaction.
"""

from common import jobs
from common.events.types import Data, Subscription
from enrollments.jobs import expire_waitlist, promote_waitlist


def _seats_came_free(data: Data) -> bool:
    return bool(data["seats_to_hand_over"])


def _somebody_waits(data: Data) -> bool:
    return bool(data["waiting"])


def _promote(data: Data, request_id: str) -> None:
    jobs.defer(promote_waitlist, course_id=data["course_id"], request_id=request_id)


def _expire(data: Data, request_id: str) -> None:
    jobs.defer(expire_waitlist, course_id=data["course_id"], request_id=request_id)


# fmt: off
SUBSCRIPTIONS = (
    Subscription(event="course.opened",   when=_seats_came_free, wake=_promote, consequence="waitlist_promotion"),
    Subscription(event="course.updated",  when=_seats_came_free, wake=_promote, consequence="waitlist_promotion"),
    Subscription(event="course.archived", when=_somebody_waits,  wake=_expire,  consequence="waitlist_expiry"),
)
# fmt: on
