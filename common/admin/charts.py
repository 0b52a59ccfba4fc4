"""Charts as SVG, drawn on the server without a style attribute, so that the strict policy lets them be.

Each has a text alternative, and a table of the same numbers stands beneath it; see `admin/chart.html`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

_WIDTH, _WIDE, _HEIGHT, _TOP, _BOTTOM = 300, 680, 140, 14, 22
_ROW, _VALUE, _LETTER = 26, 72, 6.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One stretch of a bar: what it stands for, how long it is, and the class that colours it."""

    name: str
    value: int
    look: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar, whose label leads to the list of what it counts. `total` is how long it could be."""

    label: str
    parts: Sequence[Part]
    address: str = ""
    said: str = ""

    @property
    def value(self) -> int:
        """How long the bar is."""
        return sum(part.value for part in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Bars with a heading; `summary` says in words what a look at them tells.

    Those that lie may be wide, with room for long labels.
    """

    title: str
    summary: str
    bars: Sequence[Bar]
    is_lying: bool = False
    is_wide: bool = False

    @property
    def names(self) -> list[str]:
        """What the parts of each bar stand for."""
        return [part.name for part in self.bars[0].parts] if self.bars else []

    @property
    def legend(self) -> Sequence[Part]:
        """What each colour stands for, where there are several."""
        return self.bars[0].parts if len(self.names) > 1 else ()

    @property
    def svg(self) -> SafeString:
        """The drawing."""
        return _lying(self) if self.is_lying else _standing(self)


def _standing(chart: Chart) -> SafeString:
    most = max((bar.value for bar in chart.bars), default=0) or 1
    step = _WIDTH / max(len(chart.bars), 1)
    width, room = step * 0.7, _HEIGHT - _TOP - _BOTTOM
    drawn = []
    for place, bar in enumerate(chart.bars):
        left, y = place * step + step * 0.15, float(_HEIGHT - _BOTTOM)
        pieces = []
        for part in bar.parts:
            height = part.value / most * room
            y -= height
            pieces.append(_rectangle(left, y, width, height, part))
        middle = left + width / 2
        pieces.append(_words(middle, y - 4, f"{bar.value:,}" if bar.value else "", "middle"))
        pieces.append(_words(middle, _HEIGHT - 8, bar.label, "middle"))
        drawn.append(_linked(bar, pieces))
    axis = format_html(
        '<line class="axis" x1="0" x2="{}" y1="{}" y2="{}"/>', _WIDTH, _HEIGHT - _BOTTOM, _HEIGHT - _BOTTOM
    )
    return _drawing(chart, _HEIGHT, [axis, *drawn])


def _lying(chart: Chart) -> SafeString:
    most = max((bar.value for bar in chart.bars), default=0) or 1
    width = _WIDE if chart.is_wide else _WIDTH
    start = width * (0.42 if chart.is_wide else 0.3)
    room, letters = width - start - _VALUE, int(start / _LETTER)
    drawn = []
    for place, bar in enumerate(chart.bars):
        top, x = place * _ROW + 4.0, start
        label = bar.label if len(bar.label) <= letters else bar.label[: letters - 1] + "…"
        pieces = [_words(start - 8, top + 13, label, "end")]
        for part in bar.parts:
            length = part.value / most * room
            pieces.append(_rectangle(x, top, length, _ROW - 8, part))
            x += length
        pieces.append(_words(x + 6, top + 13, bar.said or f"{bar.value:,}", "start"))
        drawn.append(_linked(bar, pieces))
    return _drawing(chart, len(chart.bars) * _ROW + 4, drawn)


def _drawing(chart: Chart, height: int, drawn: Sequence[SafeString]) -> SafeString:
    return format_html(
        '<svg viewBox="0 0 {} {}" role="group" aria-label="{}: {}">{}</svg>',
        _WIDE if chart.is_wide else _WIDTH,
        height,
        chart.title,
        chart.summary,
        _together(drawn),
    )


def _rectangle(x: float, y: float, width: float, height: float, part: Part) -> SafeString:
    return format_html(
        '<rect class="bar {}" x="{}" y="{}" width="{}" height="{}" rx="2"><title>{}: {}</title></rect>',
        part.look,
        *(f"{each:.1f}" for each in (x, y, width, height)),
        part.name,
        f"{part.value:,}",
    )


def _words(x: float, y: float, text: str, anchor: str) -> SafeString:
    return format_html('<text x="{}" y="{}" text-anchor="{}">{}</text>', f"{x:.1f}", f"{y:.1f}", anchor, text)


def _linked(bar: Bar, pieces: Sequence[SafeString]) -> SafeString:
    if not bar.address:
        return format_html("<g>{}</g>", _together(pieces))
    return format_html(
        '<a href="{}" aria-label="{}: {}">{}</a>', bar.address, bar.label, bar.said or bar.value, _together(pieces)
    )


def _together(pieces: Sequence[SafeString]) -> SafeString:
    return format_html_join("", "{}", ((piece,) for piece in pieces))
