"""The published document, as requests are made up from it: with values that lead somewhere."""

import copy
from collections.abc import Sequence
from typing import Any

from common import openapi
from contracts.tests.fuzzing.world import World

Document = dict[str, Any]

# Stands for the cursor of the page after the one that is asked for; `contracts.tests.fuzzing.service` puts it in.
NEXT_PAGE = "next-page"
_CURSORS = ("cursor", "after")
_CONTROLS = r"\u0000-\u001f\u007f-\u009f"
# The same patterns as Python sees them, to which `\s` is more, and without looking ahead, which takes minutes.
_PATTERNS = {
    r"\S": r"[^\s\u001c-\u001f\u0085]",
    rf"^(?=.*\S)[^{_CONTROLS}]*$": rf"^[^{_CONTROLS}]*[^\s{_CONTROLS}][^{_CONTROLS}]*$",
}
_IF_MATCH = ["*", '"older"']


def document_for(world: World) -> Document:
    """The document with the ids of this world, and with cursors and ETags that are not made up."""
    document: Document = copy.deepcopy(openapi.document())
    for methods in document["paths"].values():
        for entry in methods.values():
            _lead_somewhere(entry, world)
    for name, members in world.bodies.items():
        properties = document["components"]["schemas"][name]["properties"]
        for member, chosen in members.items():
            properties[member] = {"anyOf": [_one_of(chosen), properties[member]]}
    _reword_patterns(document)
    return document


def _reword_patterns(node: Any) -> None:
    if isinstance(node, dict) and node.get("pattern") in _PATTERNS:
        node["pattern"] = _PATTERNS[node["pattern"]]
    if isinstance(node, dict | list):
        for inner in node.values() if isinstance(node, dict) else node:
            _reword_patterns(inner)


def _lead_somewhere(entry: Document, world: World) -> None:
    for parameter in entry.get("parameters", ()):
        if values := _values(parameter, world):
            parameter["schema"] = _one_of(values)
            parameter.pop("example", None)
    for media in entry.get("requestBody", {}).get("content", {}).values():
        chosen = world.bodies.get(media["schema"].get("$ref", "").rpartition("/")[2], {})
        for example in media["examples"].values():
            if chosen:
                example["value"] = {**example["value"], **{name: values[0] for name, values in chosen.items()}}


def _one_of(values: Sequence[str]) -> Document:
    return {"type": "string", "enum": list(values)}


def _values(parameter: Document, world: World) -> Sequence[str]:
    match parameter:
        case {"in": "path", "name": name}:
            return world.places[name]
        case {"in": "query", "name": name} if name in _CURSORS:
            return [NEXT_PAGE]
        case {"in": "query", "name": name}:
            return world.places.get(name, ())
        case {"in": "header", "name": "If-Match"}:
            return _IF_MATCH
    return ()
