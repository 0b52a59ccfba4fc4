"""From what the service says of itself to the published contract, and from there to a release."""

import shutil
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import yaml

from contracts.gate import consumers, documents, verdict
from contracts.gate.differences import Document
from contracts.gate.verdict import Verdict
from contracts.migrating import releases as migrations


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a candidate: how it differs from the published contract, and why it was refused, if it was.

    `hurt` says which consumers could no longer do what; the `uneasy` ones use what changes.
    """

    verdict: Verdict
    refusal: str = ""
    hurt: list[str] = field(default_factory=list)
    uneasy: list[str] = field(default_factory=list)


def publish(candidate: Path, *, today: date, draft: bool = False) -> Outcome:
    """Makes the candidate the published contract, unless it breaks clients.

    `draft` takes back what was published but never released: that may still change.
    """
    new, releases = documents.read(candidate), documents.supported(today)
    found = verdict.compare(documents.read(documents.PUBLISHED), new, today=today, announcements=_announcements())
    outcome = Outcome(found)
    if found.breaking:
        outcome = _with_consumers(outcome, new)
        hurt = [release.version for release in releases if _breaks(documents.read(release.path), new, today=today)]
        if hurt:
            depend = f"Clients of {', '.join(hurt)} depend on it. Within v1 there are only additions."
            return replace(outcome, refusal=depend)
        if not draft:
            return replace(outcome, refusal="No release holds it yet, so it may change: make contract DRAFT=yes")
    shutil.copyfile(candidate, documents.PUBLISHED)
    return outcome


def _with_consumers(outcome: Outcome, new: Document) -> Outcome:
    asked = consumers.interactions()
    hurt = list(consumers.hurt(new, asked))
    places = [finding.place for finding in outcome.verdict.breaking]
    users = consumers.users(documents.read(documents.PUBLISHED), places, asked)
    return replace(outcome, hurt=hurt, uneasy=[name for name in users if not any(name in line for line in hurt)])


def freeze(*, today: date) -> str:
    """Keeps the published contract as a release, with the stories of its SDKs. Gives its version.

    Raises:
        ValueError: there is such a release, or a later one.
    """
    version = documents.read(documents.PUBLISHED)["info"]["version"]
    known = documents.releases()
    if known and documents.number(version) <= known[-1].number:
        raise ValueError(f"{known[-1].version} is released; the next one needs a higher version in config/settings.py.")
    folder = documents.RELEASED / version
    shutil.copytree(documents.STORIES, folder / "stories")
    shutil.copyfile(documents.PUBLISHED, folder / "openapi.yaml")
    migrations.keep(folder, version)
    entry = {
        "version": version,
        "released": today,
        "sha256": documents.digest(documents.PUBLISHED),
        "supported_until": None,
    }
    with documents.list_of_releases().open("a") as listed:
        yaml.safe_dump([entry], listed, sort_keys=False)
    return str(version)


def _announcements() -> list[Document]:
    return [documents.read(release.path) for release in documents.releases()]


def _breaks(old: Document, new: Document, *, today: date) -> bool:
    return bool(verdict.compare(old, new, today=today, announcements=_announcements()).breaking)
