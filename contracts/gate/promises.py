"""What `redocly diff` does not look at, or rates otherwise than clients would: promises of ours, and names in SDKs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from contracts.gate.departures import ANNOUNCING
from contracts.gate.differences import Difference, Document

_SCHEMA = "#/components/schemas/"


@dataclass(frozen=True, slots=True)
class Broken:
    """A promise that the newer contract no longer keeps, and where."""

    rule: str
    place: str
    message: str


def broken(old: Document, new: Document) -> Iterator[Broken]:
    """Every promise of `old` that `new` breaks, of those that the tool does not know."""
    for place, before, after in _operations_of_both(old, new):
        yield from _problem_types(place, before, after)
        yield from _headers(place, Resolved(old, before), Resolved(new, after))
        yield from _names_and_access(place, before, after)
    yield from _models(old, new)


def is_broken_by(difference: Difference) -> bool:
    """Whether a difference that the tool finds harmless breaks clients all the same."""
    match difference:
        case Difference(member="default", before=before) if before is not None:
            return True
        case Difference(type_name="PathItem", member="key"):
            # Generated clients hand path parameters over by name.
            return True
        case Difference(kind="removed", pointer=pointer) if "/requestBody/" in pointer and "/properties/" in pointer:
            return True
        case Difference(kind="removed", pointer=pointer) if "/responses/" in pointer and pointer.endswith("/schema"):
            # Without a schema the answer may be anything.
            return True
    return False


def is_called_off(difference: Difference) -> bool:
    """Whether only an announcement is gone: what was to leave stays after all."""
    *_, name = difference.pointer.split("/")
    return difference.rule == "response-header-removed" and name in ANNOUNCING


def is_growth_of_open_enum(difference: Difference, old: Document) -> bool:
    """Whether an enum has grown that clients were told would grow, and were given room for in every answer."""
    if difference.rule != "enum-values-added":
        return False
    return any(
        schema.get("enum") == difference.before and _is_open(old, name)
        for name, schema in old["components"]["schemas"].items()
    )


# -- what an operation promises -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Resolved:
    """An operation, beside the document that its references lead into."""

    document: Document
    operation: Document

    def headers(self) -> Iterator[tuple[str, str, Document]]:
        """Status, name and header of everything that its answers carry."""
        for status, answer in self.operation["responses"].items():
            for name, header in answer.get("headers", {}).items():
                yield status, name, _followed(self.document, header)


def _operations_of_both(old: Document, new: Document) -> Iterator[tuple[str, Document, Document]]:
    for path, methods in old["paths"].items():
        for method, before in methods.items():
            after = new["paths"].get(path, {}).get(method)
            if isinstance(before, dict) and after is not None:
                yield f"{method.upper()} {path}", before, after


def _problem_types(place: str, before: Document, after: Document) -> Iterator[Broken]:
    for status, answer in before["responses"].items():
        given = after["responses"].get(status, {}).get("x-problem-types", ())
        for uri in answer.get("x-problem-types", ()):
            if uri not in given:
                yield Broken("problem-type-removed", place, f"It no longer answers {status} with {uri}.")


def _headers(place: str, before: Resolved, after: Resolved) -> Iterator[Broken]:
    given = {(status, name): header for status, name, header in after.headers()}
    for status, name, header in before.headers():
        now = given.get((status, name))
        if now is not None and header.get("required") and not now.get("required"):
            yield Broken("response-header-became-optional", place, f"{status} need no longer carry {name}.")


def _names_and_access(place: str, before: Document, after: Document) -> Iterator[Broken]:
    if before.get("tags") != after.get("tags"):
        message = f"It moves from {before.get('tags')} to {after.get('tags')}, and so to another place in SDKs."
        yield Broken("sdk-group-changed", place, message)
    needed = after.get("x-permission")
    if needed is not None and needed != before.get("x-permission"):
        yield Broken("permission-changed", place, f"It now needs the permission {needed}.")


# -- models -------------------------------------------------------------------------------------


def _models(old: Document, new: Document) -> Iterator[Broken]:
    models = new["components"]["schemas"]
    for name in sorted(_used_schemas(old)):
        if name not in models:
            yield Broken("sdk-model-removed", name, f"SDKs have a class {name}, which is gone or has another name.")
        else:
            yield from _constants(name, old["components"]["schemas"][name], models[name])


def _constants(name: str, before: Document, after: Document) -> Iterator[Broken]:
    """Generated clients have a constant for each value of an enum."""
    if "enum" not in before:
        return
    kept = _named(after)
    for value, constant in _named(before).items():
        if value not in kept:
            yield Broken("enum-value-removed", name, f"The value {value!r} is gone.")
        elif kept[value] != constant:
            yield Broken("sdk-constant-renamed", name, f"{constant} is now called {kept[value]}.")


def _named(enum: Document) -> dict[Any, str]:
    values = enum.get("enum", [])
    return dict(zip(values, enum.get("x-enum-varnames", map(str, values)), strict=True))


# -- finding one's way --------------------------------------------------------------------------


def _followed(document: Document, node: Document) -> Document:
    if "$ref" not in node:
        return node
    _, _, kind, name = node["$ref"].split("/")
    found: Document = document["components"][kind][name]
    return found


def _references(node: Any) -> Iterator[str]:
    """The names of the schemas that the node refers to directly."""
    if isinstance(node, list):
        for inner in node:
            yield from _references(inner)
    elif isinstance(node, dict):
        reference = node.get("$ref", "")
        if isinstance(reference, str) and reference.startswith(_SCHEMA):
            yield reference.removeprefix(_SCHEMA)
        for inner in node.values():
            yield from _references(inner)


def _used_schemas(document: Document) -> set[str]:
    """The schemas that some operation leads to."""
    schemas = document["components"]["schemas"]
    used: set[str] = set()
    waiting = list(_references({name: part for name, part in document.items() if name != "components"}))
    while waiting:
        name = waiting.pop()
        if name not in used:
            used.add(name)
            waiting.extend(_references(schemas[name]))
    return used


def _is_open(document: Document, name: str) -> bool:
    """Whether the enum may grow: it says so, and no answer holds it without room for other strings."""
    if not document["components"]["schemas"][name].get("x-extensible-enum"):
        return False
    answers = [
        answer
        for methods in document["paths"].values()
        for operation in methods.values()
        if isinstance(operation, dict)
        for answer in operation["responses"].values()
    ]
    return not any(_holds_closed(document, answer, name, set()) for answer in answers)


def _holds_closed(document: Document, node: Any, name: str, seen: set[str]) -> bool:
    if isinstance(node, list):
        return any(_holds_closed(document, inner, name, seen) for inner in node)
    if not isinstance(node, dict):
        return False
    if _leaves_room(node):
        return False
    reference = str(node.get("$ref", "")).removeprefix(_SCHEMA)
    if reference == name:
        return True
    if reference in document["components"]["schemas"] and reference not in seen:
        seen.add(reference)
        return _holds_closed(document, document["components"]["schemas"][reference], name, seen)
    return any(_holds_closed(document, inner, name, seen) for inner in node.values())


def _leaves_room(node: Document) -> bool:
    """An enum beside any other string."""
    return any(choice.get("type") == "string" and "enum" not in choice for choice in node.get("anyOf", ()))
