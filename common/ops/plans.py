"""Plans: what a command would do, in a file that can be read, reviewed, and carried out as it stands.

One JSON value in each line: what it is, then the items, then how many there are and the digest of all lines before.
Written and read line by line, so that a plan may be larger than the memory.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from common.ops.finding import as_uuid
from common.ops.types import Item, Outcome

FORMAT = "lectern-plan/1"


class NotAPlan(Exception):
    """The file is no plan, or not as it was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a plan is of: the command, and the arguments that its items were looked for with."""

    command: str
    arguments: Mapping[str, Any]
    made_at: str
    operator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """How a plan ends."""

    items: int
    digest: str


def write(file: IO[str], header: Header, items: Iterable[Item]) -> Seal:
    """The plan is in the file. Returns how it ends."""
    digest = hashlib.sha256()

    def put(value: Mapping[str, Any]) -> None:
        line = json.dumps(value, ensure_ascii=False) + "\n"
        digest.update(line.encode())
        file.write(line)

    put(
        {
            "format": FORMAT,
            "command": header.command,
            "arguments": header.arguments,
            "made_at": header.made_at,
            "operator": header.operator,
        }
    )
    count = 0
    for item in items:
        put(to_plain(item))
        count += 1
    seal = Seal(items=count, digest=digest.hexdigest())
    file.write(json.dumps({"items": seal.items, "digest": seal.digest}) + "\n")
    file.flush()
    return seal


def check(path: Path) -> tuple[Header, Seal]:
    """What the plan in this file is, once it has been read to its end and is as it was written.

    Raises:
        NotAPlan: it is no plan, or was cut off or changed. The text says which, for people.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        header = _header(file.readline())
    digest, last, items = hashlib.sha256(), b"", -2
    with path.open("rb") as file:
        for line in file:
            digest.update(last)
            last, items = line, items + 1
    found = _parsed(last)
    if set(found) != {"items", "digest"}:
        raise NotAPlan("The plan is cut off: its last line is not a digest.")
    if found["digest"] != digest.hexdigest() or found["items"] != items:
        raise NotAPlan("The plan was changed after it was made: its digest does not fit.")
    return header, Seal(items=items, digest=found["digest"])


def items_of(path: Path) -> Iterator[Item]:
    """The items of a plan that has been checked."""
    with path.open(encoding="utf-8") as file:
        next(file)
        for line in file:
            plain = json.loads(line)
            if "digest" not in plain:
                yield from_plain(plain)


def to_plain(item: Item) -> dict[str, Any]:
    """The item as plans and reports have it inside."""
    return {
        "kind": item.kind,
        "key": None if item.key is None else str(item.key),
        "course_id": None if item.course_id is None else str(item.course_id),
        "line": item.line,
        "before": item.before,
        "after": item.after,
        "outcome": item.outcome.value,
        "code": item.code,
        "detail": item.detail,
    }


def from_plain(plain: Mapping[str, Any]) -> Item:
    """The item that `to_plain` was given."""
    return Item(
        kind=plain["kind"],
        key=as_uuid(plain["key"]),
        course_id=as_uuid(plain["course_id"]),
        line=plain["line"],
        before=plain["before"],
        after=plain["after"],
        outcome=Outcome(plain["outcome"]),
        code=plain["code"],
        detail=plain["detail"],
    )


def _header(line: bytes) -> Header:
    found = _parsed(line)
    if found.get("format") != FORMAT:
        raise NotAPlan(f"This is no plan: its first line does not say {FORMAT}. Plans are made with --plan-out FILE.")
    return Header(
        command=found["command"],
        arguments=found["arguments"],
        made_at=found["made_at"],
        operator=found["operator"],
    )


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
