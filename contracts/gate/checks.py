"""What must hold of the published contract at any time."""

from collections.abc import Iterable, Iterator
from datetime import date

from contracts.gate import consumers, departures, documents, verdict
from contracts.gate.differences import Document
from contracts.gate.documents import Release


def faults(published: Document, releases: list[Release], *, today: date) -> Iterator[str]:
    """Everything that is wrong with the published contract, each in a sentence."""
    yield from untouched(releases)
    yield from kept(published, releases, today=today)
    yield from numbered(published, releases)
    yield from left_in_time(published, today=today)
    yield from (f"Hurts {fault}" for fault in consumers.hurt(published, consumers.interactions()))


def untouched(releases: Iterable[Release]) -> Iterator[str]:
    """A release is what clients were built on, so it stays as it was."""
    for release in releases:
        if documents.digest(release.path) != release.sha256:
            yield f"{release.path.name} of release {release.version} has been altered."


def kept(published: Document, releases: Iterable[Release], *, today: date) -> Iterator[str]:
    """Clients of every supported release find what they were promised."""
    contracts = {release: documents.read(release.path) for release in releases}
    supported = [release for release in contracts if release.is_supported(today)]
    pairs = ((contracts[release], published) for release in supported)
    verdicts = verdict.compare_each(pairs, today=today, announcements=contracts.values())
    for release, found in zip(supported, verdicts, strict=True):
        yield from (f"Breaks clients of {release.version}: {finding}" for finding in found.breaking)


def numbered(published: Document, releases: list[Release]) -> Iterator[str]:
    """What differs from the newest release has a higher number, and within v1 the first one stays."""
    if not releases:
        return
    newest, version = releases[-1], published["info"]["version"]
    if documents.number(version)[0] != newest.number[0]:
        yield f"The contract of /api/v{newest.number[0]} cannot have the version {version}."
    if documents.read(newest.path) != published and documents.number(version) <= newest.number:
        following = f"{newest.number[0]}.{newest.number[1] + 1}.0"
        yield f"It differs from release {newest.version}: give it the version {following} in config/settings.py."


def left_in_time(published: Document, *, today: date) -> Iterator[str]:
    """What was announced to be gone by now is gone."""
    for departure in departures.overdue(published, today=today):
        yield f"{departure} was to be gone on {departure.sunset}. Take it out, then make contract."
