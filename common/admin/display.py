"""How values look on the staff's pages: one form for each kind of thing."""

from datetime import datetime

from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from common import clock

NOTHING = "—"


def badge(value: str, label: str | None = None) -> SafeString:
    """A state as a coloured word; the colour comes from the stylesheet, by the value."""
    return format_html('<span class="badge badge-{}">{}</span>', value, label or value.replace("_", " "))


def moment(at: datetime | None) -> SafeString | str:
    """A time of record, in UTC, or a dash."""
    if at is None:
        return NOTHING
    return format_html('<time datetime="{}">{}</time>', at.isoformat(), f"{at:%-d %b %Y, %H:%M}")


def ago(at: datetime) -> str:
    """How long it is since then, in the largest unit that fits."""
    seconds = max(0, int((clock.now() - at).total_seconds()))
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= 2 * length:
            return f"{plural(seconds // length, unit)} ago"
    return f"{plural(seconds, 'second')} ago"


def code(text: str) -> SafeString | str:
    """An id as it is."""
    return format_html("<code>{}</code>", text) if text else NOTHING


def link_to_id(public_id: str, label: str | None = None) -> SafeString:
    """A link to the page of whatever has this public id, in whichever app."""
    address = f"{reverse('admin:find')}?{urlencode({'q': public_id})}"
    return format_html('<a href="{}">{}</a>', address, label or public_id)


def address_of_request(request_id: str) -> str:
    """Where the page is that tells what came of a request."""
    return reverse("admin:common_event_request", args=[request_id])


def link_to_request(request_id: str) -> SafeString | str:
    """A link to what came of a request, or a dash where there was none."""
    return format_html('<a href="{}">{}</a>', address_of_request(request_id), request_id) if request_id else NOTHING


def share(taken: int, limit: int | None) -> SafeString:
    """So many of so many, with a bar."""
    if limit is None:
        return format_html('<span class="share">{} <small>no limit</small></span>', taken)
    full = "full" if taken >= limit else "free"
    return format_html(
        '<span class="share">{taken} / {limit} <progress class="{full}" value="{taken}" max="{most}" '
        'aria-hidden="true"></progress></span>',
        taken=taken,
        limit=limit,
        most=max(limit, 1),
        full=full,
    )


def plural(count: int, one: str, many: str | None = None) -> str:
    """`1 person`, `3 people`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
