"""What the metrics say of the service as a whole, each figure read from the database: docs/observability.md."""

from collections.abc import Iterable, Sequence

from common import jobs
from common.metrics import Gauge
from common.webhooks import selectors as webhooks
from courses import services as courses
from reviews import services as reviews

Values = Iterable[tuple[Sequence[str], float]]


def _seats() -> Values:
    occupancy = courses.get_occupancy()
    yield ["capacity"], occupancy.capacity
    yield ["taken"], occupancy.seats_taken


def _waiting() -> Values:
    yield [], courses.get_occupancy().waiting


def _pending_reviews() -> Values:
    yield [], reviews.count_pending()


def _due_jobs() -> Values:
    return [([lane], count) for lane, (count, _age) in jobs.count_due().items()]


def _oldest_jobs() -> Values:
    return [([lane], age) for lane, (_count, age) in jobs.count_due().items()]


def _failed_jobs() -> Values:
    return [([lane], count) for lane, count in jobs.count_failed().items()]


def _deliveries() -> Values:
    pending, failing = webhooks.count_open()
    yield ["pending"], pending
    yield ["failing"], failing


# fmt: off
GAUGES = (
    Gauge(name="lectern_seats", labels=["what"], read=_seats,
          help="Seats of the open courses that have a limit: their capacity, and how many are taken."),
    Gauge(name="lectern_waiting", read=_waiting, help="People who wait for a seat in an open course."),
    Gauge(name="lectern_pending_reviews", read=_pending_reviews, help="Reviews that wait for a moderator."),
    Gauge(name="lectern_due_jobs", labels=["lane"], read=_due_jobs, help="Jobs that could run now."),
    Gauge(name="lectern_oldest_due_job_seconds", labels=["lane"], read=_oldest_jobs,
          help="For how long the first job that could run has waited."),
    Gauge(name="lectern_failed_jobs", labels=["lane"], read=_failed_jobs, help="Jobs that have failed for good."),
    Gauge(name="lectern_webhook_deliveries", labels=["state"], read=_deliveries,
          help="Deliveries not made yet: all that are pending, and those of them that have failed before."),
)
# fmt: on
