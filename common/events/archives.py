"""Months of the event log in files: lines of JSON, an event each, compressed."""

import gzip
import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


class ArchiveFault(Exception):
    """A month stays where it is; the message says why."""


class ArchiveDamaged(ArchiveFault):
    """A file is not, or no longer, what was to be kept in it."""


@dataclass(frozen=True, slots=True)
class Seal:
    """How many lines there are, and their SHA-256: that of the file once it is unpacked."""

    lines: int
    digest: str


def write(path: Path, lines: Iterable[str]) -> Seal:
    """The file is on the disk, whole, or not at all."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    # Without a name and a time in it: the same events make the same file.
    with unfinished.open("wb") as file, gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed:
        seal = seal_of(_passed_on(lines, packed))
        packed.close()
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    _keep_name(path.parent)
    return seal


def read(path: Path) -> Iterator[str]:
    """The lines of the file.

    Raises:
        ArchiveDamaged: it cannot be unpacked.
    """
    try:
        with gzip.open(path, mode="rt", encoding="utf-8", newline="\n") as file:
            for line in file:
                yield line.removesuffix("\n")
    except (EOFError, gzip.BadGzipFile, UnicodeDecodeError) as fault:
        raise ArchiveDamaged(f"{path} cannot be read: {fault}") from fault


def seal_of(lines: Iterable[str]) -> Seal:
    """What the lines add up to."""
    digest, count = hashlib.sha256(), 0
    for line in lines:
        digest.update(line.encode() + b"\n")
        count += 1
    return Seal(count, digest.hexdigest())


def _passed_on(lines: Iterable[str], file: gzip.GzipFile) -> Iterator[str]:
    for line in lines:
        file.write(line.encode() + b"\n")
        yield line


def _keep_name(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
