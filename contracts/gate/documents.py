"""Where contracts are kept, and how they are read."""

from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path

import yaml

from contracts.gate.differences import Document, NoVerdict

FOLDER = Path(__file__).resolve().parent.parent
PUBLISHED = FOLDER / "openapi.yaml"
RELEASED = FOLDER / "released"
STORIES = FOLDER / "stories"

Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """A contract that clients were built on, kept as it was, with the stories that its SDKs told."""

    version: str
    released: date
    sha256: str
    supported_until: date | None

    @property
    def folder(self) -> Path:
        return RELEASED / self.version

    @property
    def path(self) -> Path:
        return self.folder / "openapi.yaml"

    @property
    def number(self) -> Version:
        return number(self.version)

    def is_supported(self, today: date) -> bool:
        """Whether clients of it must still be served."""
        return self.supported_until is None or today <= self.supported_until


def number(version: str) -> Version:
    """`1.10.0` as numbers, which compare as versions do."""
    return tuple(int(part) for part in version.split("."))


def read(path: Path) -> Document:
    """The contract in a file.

    Raises:
        NoVerdict: it is no YAML, left over from a merge perhaps.
    """
    try:
        document: Document = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
    except yaml.YAMLError as fault:
        raise NoVerdict(f"{path} cannot be read: {fault}") from fault
    return document


def list_of_releases() -> Path:
    """The file that says which releases there are."""
    return RELEASED / "releases.yaml"


def releases() -> list[Release]:
    """Every release, the oldest first."""
    listed = yaml.safe_load(list_of_releases().read_text()) or []
    return sorted((Release(**entry) for entry in listed), key=lambda release: release.number)


def supported(today: date) -> list[Release]:
    """The releases whose clients must still be served, the oldest first."""
    return [release for release in releases() if release.is_supported(today)]


def digest(path: Path) -> str:
    """What tells whether a file has been touched."""
    return sha256(path.read_bytes()).hexdigest()
