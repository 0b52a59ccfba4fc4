"""The start page of moderators: what waits, how long it takes, what comes in. Computed in SQL, within bounds."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode

from common import clock, db
from common.admin.charts import Bar, Chart, Part
from common.admin.display import plural
from reviews.admin.display import duration
from reviews.admin.filters import counted
from reviews.types import ReportReason

_DAYS = 14
# The newest decisions tell how fast decisions are now; each looks up the entry before it through an index.
_SPEED = """
    SELECT count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY waited),
        percentile_cont(0.9) WITHIN GROUP (ORDER BY waited)
    FROM (
        SELECT extract(epoch FROM decision.at - before.at) AS waited
        FROM (
            SELECT id, review_id, at FROM reviews_historyentry
            WHERE change IN ('approved', 'hidden') AND from_status = 'pending' AND at >= %(since)s
            ORDER BY at DESC LIMIT %(most)s
        ) AS decision
        CROSS JOIN LATERAL (
            SELECT at FROM reviews_historyentry AS entry
            WHERE entry.review_id = decision.review_id AND entry.id < decision.id ORDER BY entry.id DESC LIMIT 1
        ) AS before
    ) AS waits
"""
_PER_DAY = """
    SELECT (at AT TIME ZONE 'UTC')::date AS day,
        count(*) FILTER (WHERE change = 'approved'), count(*) FILTER (WHERE change = 'hidden')
    FROM reviews_historyentry
    WHERE change IN ('approved', 'hidden') AND at >= %(since)s
    GROUP BY day
"""
_OLDEST = """
    SELECT submitted_at FROM reviews_review
    WHERE status = 'pending' AND retracted_at IS NULL ORDER BY status, submitted_at, id LIMIT 1
"""
_RATINGS = """
    SELECT coalesce(sum(ones), 0), coalesce(sum(twos), 0), coalesce(sum(threes), 0), coalesce(sum(fours), 0),
        coalesce(sum(fives), 0)
    FROM reviews_coursesummary
"""
_REPORTS = "SELECT reason, count(*) FROM reviews_report WHERE resolution = '' GROUP BY reason"
_MOST_DECISIONS = 3_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """One number, and where its list is."""

    value: str
    label: str
    address: str


def numbers_and_charts() -> dict[str, Any]:
    """Everything that the template draws."""
    now = clock.now()
    return {
        "numbers": _numbers(now),
        "charts": [_decisions(now), _ratings(), _reports()],
        "queue": _list(),
    }


def _numbers(now: datetime) -> list[Number]:
    pending, reported, _ = counted()
    oldest = db.fetch_one(_OLDEST)
    speed = db.fetch_one(_SPEED, {"since": now - timedelta(days=30), "most": _MOST_DECISIONS})
    decided, median, slow = speed or (0, None, None)
    of = f"of the last {plural(decided, 'decision')}" if decided else "in 30 days"
    return [
        Number(value=f"{pending:,}", label="pending now", address=_list(queue="pending")),
        Number(value=f"{reported:,}", label="with open reports", address=_list(queue="reported")),
        Number(
            value="—" if oldest is None else duration((now - oldest[0]).total_seconds()),
            label="oldest waiting",
            address=_list(queue="pending"),
        ),
        Number(
            value="—" if median is None else duration(median),
            label=f"median time to decision, {of}",
            address=_decided(),
        ),
        Number(
            value="—" if slow is None else duration(slow),
            label=f"nine of ten are decided within, {of}",
            address=_decided(),
        ),
    ]


def _decisions(now: datetime) -> Chart:
    first = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=_DAYS - 1)
    found = {day: (approved, hidden) for day, approved, hidden in db.fetch_all(_PER_DAY, {"since": first})}
    bars = []
    for day in (first.date() + timedelta(days=number) for number in range(_DAYS)):
        approved, hidden = found.get(day, (0, 0))
        parts = [Part(name="approved", value=approved, look="good"), Part(name="hidden", value=hidden, look="bad")]
        label = f"{day:%-d %b}" if day.day == 1 else str(day.day)
        bars.append(Bar(label=label, parts=parts, address=f"{_decided()}?day={day}"))
    approved, hidden = (sum(bar.parts[each].value for bar in bars) for each in (0, 1))
    summary = f"{approved:,} approved and {hidden:,} hidden in {_DAYS} days."
    return Chart(title="Decisions a day", summary=summary, bars=bars)


def _ratings() -> Chart:
    counts = db.fetch_one(_RATINGS) or (0, 0, 0, 0, 0)
    bars = [
        Bar(
            label=f"{stars} ★",
            parts=[Part(name="reviews", value=int(count))],
            address=_list(queue="all", rating=str(stars)),
        )
        for stars, count in enumerate(counts, start=1)
    ]
    total = sum(int(count) for count in counts)
    mean = sum(stars * int(count) for stars, count in enumerate(counts, start=1)) / total if total else 0
    summary = f"{plural(total, 'published rating')}, {mean:.2f} on average." if total else "No ratings are public yet."
    return Chart(title="Published ratings", summary=summary, bars=bars)


def _reports() -> Chart:
    found = dict(db.fetch_all(_REPORTS))
    bars = [
        Bar(
            label=reason.value.replace("_", " ").capitalize(),
            parts=[Part(name="open reports", value=found.get(reason.value, 0))],
            address=_list(queue="reported", reported_for=reason.value),
        )
        for reason in ReportReason
    ]
    total = sum(bar.value for bar in bars)
    return Chart(title="Open reports by reason", summary=f"{plural(total, 'open report')}.", bars=bars, is_lying=True)


def _decided() -> str:
    return reverse("admin:reviews_historyentry_changelist")


def _list(**query: str) -> str:
    address = reverse("admin:reviews_review_changelist")
    return f"{address}?{urlencode(query)}" if query else address
