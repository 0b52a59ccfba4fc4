"""Whether a newer contract keeps what an older one promised."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from contracts.gate import departures, differences, promises
from contracts.gate.differences import Difference, Document

WORDING = "wording"
_TEXTS = {"description", "summary", "title", "example", "value"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One change, in a line for people."""

    rule: str
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" + (f" ({self.rule})" if self.rule else "")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What changed from one contract to another: what breaks clients, and what does not."""

    breaking: list[Finding] = field(default_factory=list)
    additive: list[Finding] = field(default_factory=list)

    def __str__(self) -> str:
        if self.breaking:
            return "breaking"
        return "additive" if self.additive else "unchanged"


def compare(old: Document, new: Document, *, today: date, announcements: Iterable[Document] = ()) -> Verdict:
    """What becomes of clients of `old` that meet `new`.

    What `old` or one of the `announcements` said would be gone by `today` may be gone.

    Raises:
        differences.NoVerdict: the comparison did not work, so that nothing is known.
        node.ToolsMissing: its tools are not installed.
    """
    [found] = compare_each([(old, new)], today=today, announcements=announcements)
    return found


def compare_each(
    pairs: Iterable[tuple[Document, Document]], *, today: date, announcements: Iterable[Document] = ()
) -> list[Verdict]:
    """As `compare` for each pair, in one run of the tool: to start it takes longer than to compare.

    Raises:
        differences.NoVerdict, node.ToolsMissing: as for one.
    """
    asked, announced = list(pairs), list(announcements)
    promised = [departures.without_the_departed(old, new, [old, *announced], today=today) for old, new in asked]
    found = differences.between((kept, new) for kept, (_, new) in zip(promised, asked, strict=True))
    return [_verdict(old, new, kept, each) for (old, new), kept, each in zip(asked, promised, found, strict=True)]


def _verdict(old: Document, new: Document, promised: Document, found: list[Difference]) -> Verdict:
    breaking = [Finding(each.rule, each.place, each.message) for each in promises.broken(promised, new)]
    additive: list[Finding] = []
    for difference in found:
        findings = breaking if _breaks(difference, promised) else additive
        findings.append(_finding(difference))
    if old != new and not breaking and not additive:
        additive.append(
            Finding("", "the document", "It says more, or in other words, or leaves out what was announced.")
        )
    return Verdict(breaking, additive)


def _breaks(difference: Difference, old: Document) -> bool:
    if promises.is_broken_by(difference):
        return True
    harmless = promises.is_called_off(difference) or promises.is_growth_of_open_enum(difference, old)
    return difference.impact == "major" and not harmless


def _finding(difference: Difference) -> Finding:
    rule = difference.rule or (WORDING if difference.member in _TEXTS or "/examples/" in difference.pointer else "")
    return Finding(rule, _place(difference.pointer), difference.message or _in_words(difference))


def _in_words(difference: Difference) -> str:
    if difference.member:
        return f"{difference.member} is now {_short(difference.after)}, was {_short(difference.before)}."
    return f"{difference.type_name} {difference.kind}: {_parts(difference.pointer)[-1]}."


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _place(pointer: str) -> str:
    """`GET /api/v1/courses 200` instead of a JSON pointer of five lines."""
    parts = _parts(pointer)
    if parts[0] != "paths" or len(parts) < 2:
        return ".".join(parts)
    path, *rest = parts[1:]
    method = f"{rest[0].upper()} " if rest else ""
    status = f" {rest[2]}" if len(rest) > 2 and rest[1] == "responses" else ""
    return f"{method}{path}{status}"


def _parts(pointer: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.removeprefix("#/").split("/")]
