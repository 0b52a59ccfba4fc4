"""What Prometheus is told. With PROMETHEUS_MULTIPROC_DIR set, the figures of all web processes are added up."""

import os

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

REQUEST_SECONDS = Histogram(
    "http_request_duration_seconds",
    "Time from the first middleware to the last, by route.",
    ["method", "route", "status"],
    buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
DEPRECATED_USES = Counter(
    "deprecated_uses",
    "Uses of what is on its way out, by client: a partner, or what its User-Agent says.",
    ["what", "client"],
)


def exposition() -> tuple[bytes, str]:
    """The text that Prometheus reads, and its content type."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    return generate_latest(registry), CONTENT_TYPE_LATEST
