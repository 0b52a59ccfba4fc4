"""How a change is planted into an excerpt of the published contract, and the verdict it must get.

An excerpt, since comparing takes the longer the larger the contract is, and there are many changes.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

Document = dict[str, Any]
Change = Callable[[Document], object]

TODAY = date(2027, 6, 1)
YESTERDAY, TOMORROW = "2027-05-31", "2027-06-02"


_KEPT = {
    f"/api/v1{path}"
    for path in (
        "/auth/register",
        "/users/me",
        "/courses",
        "/courses/{course_id}",
        "/courses/{course_id}/enrollments",
        "/courses/{course_id}/enrollments/me",
        "/courses/{course_id}/reviews",
        "/courses/{course_id}/reviews/me",
        "/courses/{course_id}/reviews/summary",
        "/moderation/reviews/{review_id}/decisions",
        "/partner/enrollments",
        "/events",
    )
}


def excerpt(published: Document) -> Document:
    """The operations that changes are planted into, with everything that they refer to."""
    kept = {**published, "paths": {path: methods for path, methods in published["paths"].items() if path in _KEPT}}
    assert len(kept["paths"]) == len(_KEPT)
    wanted = set(_references(kept["paths"]))
    while more := {each for kind, name in wanted for each in _references(published["components"][kind][name])} - wanted:
        wanted |= more
    kept["components"] = {
        kind: {name: one for name, one in named.items() if (kind, name) in wanted or kind == "securitySchemes"}
        for kind, named in published["components"].items()
    }
    return kept


def _references(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict) and isinstance(node.get("$ref"), str):
        _, _, kind, name = node["$ref"].split("/")
        yield kind, name
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _references(inner)


@dataclass(frozen=True, slots=True)
class Planted:
    """A change, and what has to be in the older contract already for it to be possible."""

    verdict: str
    change: Change
    given: Change

    @property
    def name(self) -> str:
        return self.change.__name__

    def pair(self, published: Document) -> tuple[Document, Document]:
        """The contract before and after."""
        old = copy.deepcopy(published)
        self.given(old)
        new = copy.deepcopy(old)
        self.change(new)
        assert old != new, f"{self.name} changes nothing"
        return old, new


PLANTED: list[Planted] = []


def nothing(_document: Document) -> None:
    """The published contract as it is."""


def breaking(given: Change = nothing) -> Callable[[Change], Change]:
    """Registers a change that clients would not survive."""
    return _registered("breaking", given)


def additive(given: Change = nothing) -> Callable[[Change], Change]:
    """Registers a change that no client minds."""
    return _registered("additive", given)


def _registered(verdict: str, given: Change) -> Callable[[Change], Change]:
    def register(change: Change) -> Change:
        PLANTED.append(Planted(verdict, change, given))
        return change

    return register


# -- finding the place --------------------------------------------------------------------------


def operation(document: Document, call: str) -> Document:
    """`GET /courses`"""
    method, path = call.split()
    found: Document = document["paths"][f"/api/v1{path}"][method.lower()]
    return found


def parameter(document: Document, call: str, name: str) -> Document:
    """A parameter of an operation, whichever way it is sent."""
    [found] = [each for each in operation(document, call)["parameters"] if each["name"] == name]
    return found


def answer(document: Document, call: str, status: int) -> Document:
    """What an operation answers with a status."""
    found: Document = operation(document, call)["responses"][str(status)]
    return found


def schema(document: Document, name: str) -> Document:
    """A schema by its name."""
    found: Document = document["components"]["schemas"][name]
    return found


def member(document: Document, path: str) -> Document:
    """`Course.title`"""
    name, inner = path.split(".")
    found: Document = schema(document, name)["properties"][inner]
    return found


def drop_member(document: Document, path: str) -> Document:
    """Takes `Course.title` away, and gives what it was."""
    name, inner = path.split(".")
    required = schema(document, name).get("required", [])
    if inner in required:
        required.remove(inner)
    found: Document = schema(document, name)["properties"].pop(inner)
    return found


def add_member(document: Document, path: str, described: Document, *, required: bool) -> None:
    """Gives a schema one more member."""
    name, inner = path.split(".")
    schema(document, name)["properties"][inner] = described
    if required:
        schema(document, name).setdefault("required", []).append(inner)


def rename_schema(document: Document, name: str, new_name: str) -> None:
    """Calls a schema otherwise, everywhere."""
    document["components"]["schemas"][new_name] = document["components"]["schemas"].pop(name)
    _repoint(document, f"#/components/schemas/{name}", f"#/components/schemas/{new_name}")


def _repoint(node: Any, before: str, after: str) -> None:
    if isinstance(node, dict) and node.get("$ref") == before:
        node["$ref"] = after
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _repoint(inner, before, after)
