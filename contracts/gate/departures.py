"""What the contract has announced to leave: `deprecated` with the date of `x-sunset` (`common.deprecation`)."""

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from contracts.gate.differences import Document

# The headers that say so; no answer needs them for anything else.
ANNOUNCING = {"Deprecation", "Sunset", "Link"}
# What a path item may hold besides its operations.
_METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


@dataclass(frozen=True, slots=True, order=True)
class Departure:
    """A thing on its way out. `steps` lead to it: an operation, a parameter of one, or a member of a schema."""

    sunset: date
    steps: tuple[str, ...]

    def __str__(self) -> str:
        kind, *names = self.steps
        return f"{names[1].upper()} {' '.join([names[0], *names[2:]])}" if kind == "paths" else ".".join(names)


def departures(document: Document) -> Iterator[Departure]:
    """Everything that the contract says will leave."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in _METHODS:
                yield from _marked(operation, "paths", path, method)
                for parameter in operation.get("parameters", ()):
                    yield from _marked(parameter, "paths", path, method, parameter["name"])
    for name, schema in document["components"]["schemas"].items():
        for member, described in schema.get("properties", {}).items():
            yield from _marked(described, "schemas", name, member)


def overdue(document: Document, *, today: date) -> list[Departure]:
    """What should have been gone by now."""
    return sorted(departure for departure in departures(document) if departure.sunset <= today)


def without_the_departed(old: Document, new: Document, announcements: Iterable[Document], *, today: date) -> Document:
    """`old` without what `new` no longer has, as far as that was announced and its time has come."""
    due = {departure.steps for announcement in announcements for departure in overdue(announcement, today=today)}
    kept = copy.deepcopy(old)
    for steps in due:
        if _has(old, steps) and not _has(new, steps):
            _take_out(kept, steps)
    return kept


def _marked(node: Any, *steps: str) -> Iterator[Departure]:
    if isinstance(node, dict) and node.get("deprecated") and "x-sunset" in node:
        yield Departure(date.fromisoformat(str(node["x-sunset"])), steps)


def _has(document: Document, steps: tuple[str, ...]) -> bool:
    match steps:
        case ("paths", path, method):
            return method in document["paths"].get(path, {})
        case ("paths", path, method, name):
            operation = document["paths"].get(path, {}).get(method, {})
            return any(parameter["name"] == name for parameter in operation.get("parameters", ()))
        case (_, name, member):
            return member in document["components"]["schemas"].get(name, {}).get("properties", {})
    return False


def _take_out(document: Document, steps: tuple[str, ...]) -> None:
    match steps:
        case ("paths", path, method):
            del document["paths"][path][method]
            if not _METHODS & set(document["paths"][path]):
                del document["paths"][path]
        case ("paths", path, method, name):
            operation = document["paths"][path][method]
            operation["parameters"] = [each for each in operation["parameters"] if each["name"] != name]
        case (_, name, member):
            schema = document["components"]["schemas"][name]
            del schema["properties"][member]
            schema["required"] = [each for each in schema.get("required", ()) if each != member]
