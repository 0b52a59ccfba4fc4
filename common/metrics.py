"""What Prometheus is told. With PROMETHEUS_MULTIPROC_DIR set, the counts of all web processes are added up.

Labels are names that the code knows, never what a client made up: each is kept for ever.
"""

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from threading import Lock
from time import monotonic, perf_counter

from django.db import DatabaseError, InterfaceError
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

logger = logging.getLogger(__name__)

_KEPT_SECONDS = 5.0

REQUEST_SECONDS = Histogram(
    "http_request_duration_seconds",
    "Time from the first middleware to the last, by route and class of status.",
    ["method", "route", "status"],
    buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
REQUEST_DATABASE_SECONDS = Counter(
    "http_request_database_seconds", "Time that requests waited for the database.", ["method", "route"]
)
REQUEST_QUERIES = Counter("http_request_queries", "Statements that requests sent to the database.", ["method", "route"])
USE_CASES = Counter("use_case_outcomes", "What became of use cases: done, or a problem's code.", ["use_case", "code"])
JOB_SECONDS = Histogram(
    "job_duration_seconds",
    "Time that attempts at jobs took, by what became of them.",
    ["job", "code"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300),
)
DEPRECATED_USES = Counter(
    "deprecated_uses",
    "Uses of what is on its way out, by client: a partner, or what its User-Agent says.",
    ["what", "client"],
)
THROTTLED = Counter("throttled_requests", "Requests that were one too many, by limit.", ["scope"])
THROTTLE_COUNTERS_AWAY = Counter(
    "throttle_counters_away", "Requests that were counted for their process alone, since Redis was away."
)
REFUSED_FOR_OVERLOAD = Counter(
    "requests_refused_for_overload", "Requests that waited for too long, and were answered with 503 before any work."
)


@cache
def use_case(name: str, code: str) -> Counter:
    """The count of this outcome."""
    return USE_CASES.labels(name, code)


@cache
def requests(method: str, route: str, status: str) -> tuple[Histogram, Counter, Counter]:
    """The duration of such requests, their time in the database, and their statements."""
    return (
        REQUEST_SECONDS.labels(method, route, status),
        REQUEST_DATABASE_SECONDS.labels(method, route),
        REQUEST_QUERIES.labels(method, route),
    )


# -- gauges -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """A figure of the whole service, read from its database: a value for each set of values of `labels`."""

    name: str
    help: str
    read: Callable[[], Iterable[tuple[Sequence[str], float]]]
    labels: Sequence[str] = ()


class Gauges(Collector):
    """Figures that are the same whichever process is asked. Read when somebody asks, at most every five seconds.

    While the database is away, only that is told.
    """

    def __init__(self) -> None:
        self.shown: Sequence[Gauge] = ()
        self._kept: list[GaugeMetricFamily] = []
        self._good_until = 0.0
        self._lock = Lock()

    def show(self, gauges: Sequence[Gauge]) -> None:
        """From now on these are shown. Called once, by the composition root."""
        self.shown, self._good_until = gauges, 0.0

    def forget(self) -> None:
        """They are read anew when they are asked for next."""
        self._good_until = 0.0

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Each with its values."""
        with self._lock:
            if monotonic() >= self._good_until:
                self._kept = self._read()
                self._good_until = monotonic() + _KEPT_SECONDS
            yield from self._kept

    def _read(self) -> list[GaugeMetricFamily]:
        started = perf_counter()
        try:
            families = [_family(gauge) for gauge in self.shown]
        except (DatabaseError, InterfaceError) as fault:
            logger.warning("The gauges cannot be read: %s", fault)
            return [_database_up(0)]
        took = GaugeMetricFamily("lectern_gauges_read_seconds", "Time that the database took for these gauges.")
        took.add_metric([], perf_counter() - started)
        return [*families, took, _database_up(1)]


def _family(gauge: Gauge) -> GaugeMetricFamily:
    family = GaugeMetricFamily(gauge.name, gauge.help, labels=gauge.labels)
    for labels, value in gauge.read():
        family.add_metric(labels, value)
    return family


def _database_up(value: int) -> GaugeMetricFamily:
    return GaugeMetricFamily("lectern_database_up", "Whether the database answered this process.", value=value)


GAUGES = Gauges()
_measured = CollectorRegistry()
_measured.register(GAUGES)


def exposition() -> tuple[bytes, str]:
    """The text that Prometheus reads, and its content type."""
    counted = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        counted = CollectorRegistry()
        MultiProcessCollector(counted)
    return generate_latest(counted) + generate_latest(_measured), CONTENT_TYPE_LATEST
