"""How reviews look on the moderators' pages."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from common import ids
from common.admin import Entry
from common.admin.display import badge, link_to_id, plural
from common.models import User
from reviews.models import HistoryEntry, Review
from reviews.types import RatingDetails, Status

_EXCERPT = 160
_CHANGES = {
    "created": "Written",
    "updated": "Changed by its author",
    "held": "Held for a moderator",
    "approved": "Approved",
    "hidden": "Hidden",
    "undone": "The decision was undone",
    "retracted": "Taken back by its author",
}


def stars(rating: int) -> SafeString:
    """A rating, drawn and said."""
    return format_html(
        '<span class="stars" role="img" aria-label="{} of 5 stars">{}<i>{}</i></span>',
        rating,
        "★" * rating,
        "★" * (5 - rating),
    )


def details(given: RatingDetails | None) -> str:
    """What the stars are for, on one line."""
    if given is None:
        return "no details"
    return f"clarity {given.clarity}, pace {given.pace}, support {given.support}"


def excerpt(comment: str) -> str:
    """The beginning of a text, on one line."""
    return Truncator(" ".join(comment.split())).chars(_EXCERPT) or "(no comment)"


def age(since: datetime, now: datetime) -> str:
    """How long something waits, in its largest unit."""
    return duration((now - since).total_seconds())


def duration(seconds: float) -> str:
    """A length of time in its largest unit."""
    # 31 hours say more than one day.
    for unit, length, least in (("d", 86_400, 2), ("h", 3_600, 1), ("min", 60, 1)):
        if seconds >= length * least:
            return f"{int(seconds // length):,} {unit}"
    return "under 1 s" if seconds < 1 else f"{int(seconds)} s"


def is_claimed(review: Review, *, now: datetime, by: object = None, but_not_by: object = None) -> bool:
    """Whether somebody looks at it now: the one person, or anybody else."""
    if review.claimed_by_id is None or review.claimed_until is None or review.claimed_until <= now:
        return False
    return review.claimed_by_id == by if by is not None else review.claimed_by_id != but_not_by


def states(review: Review) -> list[SafeString]:
    """The status of a review, why it waits, and what else a moderator should know at a glance."""
    if review.retracted_at is not None:
        return [badge("retracted", "taken back")]
    found = [badge(review.status)]
    if review.held_reason:
        found.append(badge("held", review.held_reason.replace("_", " ")))
    if review.revision > 1:
        found.append(badge("edited"))
    if review.open_reports:
        found.append(badge("reported", plural(review.open_reports, "report")))
    if review.status == Status.PENDING and review.public_rating is not None:
        found.append(badge("visible", "earlier text is public"))
    return found


def names_of(actors: Iterable[str]) -> dict[str, str]:
    """The display names of these actors, as far as they are people; one query."""
    people: set[UUID | None] = {ids.decode(ids.USER, each) for each in actors}
    people.discard(None)
    if not people:
        return {}
    rows = User.objects.filter(pk__in=people).values_list("pk", "display_name")
    return {ids.encode(ids.USER, key): name for key, name in rows}


def entries(history: Sequence[HistoryEntry], names: Mapping[str, str]) -> list[Entry]:
    """The history as lines of a timeline, newest first."""
    return [
        Entry(
            type=entry.change,
            time=entry.at,
            sentence=format_html("{}", _CHANGES.get(entry.change, entry.change)),
            details=_details(entry),
            actor=actor(entry.actor, names),
            request_id="",
            event_id="",
        )
        for entry in history
    ]


def actor(name: str, names: Mapping[str, str]) -> SafeString | str:
    """Who did something."""
    kind, _, rest = name.partition(":")
    if kind == "system" and rest:
        return f"the system ({rest.replace('-', ' ')})"
    return names.get(name, name)


def link_to_course(review: Review) -> SafeString:
    """The course's title, leading to its page."""
    return link_to_id(ids.encode(ids.COURSE, review.course_id), str(review.course))


def _details(entry: HistoryEntry) -> list[str]:
    details = []
    if entry.revision > 1:
        details.append(f"text {entry.revision}")
    if entry.reason:
        details.append(entry.reason.replace("_", " "))
    if entry.note:
        details.append(f"“{entry.note}”")
    return details


def last_change(entry: HistoryEntry) -> str:
    """Who did what to the review last, in a sentence."""
    names = names_of([entry.actor])
    said = _CHANGES.get(entry.change, entry.change)
    reason = f" ({entry.reason.replace('_', ' ')})" if entry.reason else ""
    by = f" by {actor(entry.actor, names)}" if " by " not in said else ""
    return f"{said}{by} at {entry.at:%H:%M} UTC{reason}"
