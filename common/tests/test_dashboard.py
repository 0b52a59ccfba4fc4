"""The dashboard in docs/ asks for nothing that the service does not tell, nor the page about it for something else."""

import json
import re
from typing import Any

import pytest
from django.conf import settings
from prometheus_client import REGISTRY, Counter, Histogram

from common import metrics

DASHBOARD = json.loads((settings.BASE_DIR / "docs/grafana-dashboard.json").read_text())
PAGE = (settings.BASE_DIR / "docs/observability.md").read_text()
_FIRST = "lectern|http_request|requests_refused|use_case|throttled?|job_duration|deprecated"
_NAME = re.compile(rf"\b((?:{_FIRST})_[a-z_]+)(?:\{{([^}}]*)\}})?")
_GROUPING = re.compile(r"by \(([^)]*)\)")


def series(metric: Counter | Histogram) -> set[str]:
    """The names under which Prometheus keeps a metric."""
    if isinstance(metric, Counter):
        return {f"{metric._name}_total"}
    return {f"{metric._name}_{part}" for part in ("bucket", "count", "sum")}


def own() -> list[Counter | Histogram]:
    """What the service counts, wherever it does so."""
    return [metric for metric in REGISTRY._collector_to_names if isinstance(metric, Counter | Histogram)]


def known() -> dict[str, set[str]]:
    """The labels of each series that /metrics tells."""
    found = {name: {*metric._labelnames, "le"} for metric in own() for name in series(metric)}
    gauges = {gauge.name: set(gauge.labels) for gauge in metrics.GAUGES.shown}
    return {**found, **gauges, "lectern_database_up": set(), "lectern_gauges_read_seconds": set()}


def queries() -> list[str]:
    panels: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


@pytest.mark.parametrize("query", queries())
def test_each_query_is_of_metrics_and_labels_that_are_told(query: str) -> None:
    names = _NAME.findall(re.sub(_GROUPING, "", query))
    assert names
    allowed = {"instance"}
    for name, selector in names:
        assert name in known(), name
        allowed |= known()[name]
        assert set(re.findall(r"(\w+)[=!]", selector)) <= known()[name] | {"instance"}, query
    grouped = {label.strip() for labels in _GROUPING.findall(query) for label in labels.split(",")}
    assert grouped <= allowed


def test_it_shows_everything_that_is_told() -> None:
    shown = " ".join(queries())
    assert [name for name in known() if name not in shown and not name.endswith(("_bucket", "_sum", "_count"))] == []


def test_its_panels_do_not_lie_upon_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_the_page_names_every_metric_and_no_other() -> None:
    told = {name.removesuffix("_total") for name in known()}
    told = {re.sub(r"_(bucket|sum|count)$", "", name) for name in told}
    named = {name for name, _ in _NAME.findall(PAGE)}
    assert {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in named} == told
