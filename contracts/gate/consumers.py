"""What each consumer really uses (contracts/consumers, in Pact format), held against a contract without a service.

Whether the service does it as well is verified by `contracts/tests/test_consumers.py`.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator

from contracts.gate import documents
from contracts.gate.differences import Document

_SCHEMA = "#/components/schemas/"


@dataclass(frozen=True, slots=True)
class Interaction:
    """One thing that a consumer does, and what it needs in return."""

    consumer: str
    description: str
    states: tuple[str, ...]
    request: dict[str, Any]
    response: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.consumer}, {self.description}"


def interactions() -> list[Interaction]:
    """Everything that any consumer does."""
    found = []
    for path in sorted((documents.FOLDER / "consumers").glob("*.json")):
        pact = json.loads(path.read_text())
        name = pact["consumer"]["name"]
        if name != path.stem:
            raise ValueError(f"{path.name} is the contract of {name}.")
        for each in pact["interactions"]:
            states = tuple(state["name"] for state in each["providerStates"])
            found.append(Interaction(name, each["description"], states, each["request"], each["response"]))
    return found


def hurt(document: Document, asked: Iterable[Interaction]) -> Iterator[str]:
    """Who could not do what under this contract, and why."""
    for interaction in asked:
        yield from (f"{interaction}: {fault}" for fault in _faults(document, interaction))


def users(document: Document, places: Iterable[str], asked: Iterable[Interaction]) -> list[str]:
    """The consumers that use an operation, or one with a schema, at one of these places of the contract."""
    found = set()
    for interaction in asked:
        used = _operation(document, interaction)
        if used is not None and any(_concerns(document, place, *used) for place in places):
            found.add(interaction.consumer)
    return sorted(found)


def _faults(document: Document, interaction: Interaction) -> Iterator[str]:
    found = _operation(document, interaction)
    if found is None:
        yield f"there is no {interaction.request['method']} {interaction.request['path']}."
        return
    _, entry = found
    is_signed = "Authorization" in interaction.request.get("headers", {})
    if interaction.response["status"] != 401 and entry["security"] and {} not in entry["security"] and not is_signed:
        yield "one has to sign in."
    yield from _faults_of_request(document, entry, interaction.request)
    yield from _faults_of_response(document, entry, interaction.response)


def _operation(document: Document, interaction: Interaction) -> tuple[str, Document] | None:
    """The operation that is meant: of several, the one with the fewest places to fill in."""
    method, path = interaction.request["method"].lower(), urlsplit(interaction.request["path"]).path
    fitting = [
        template
        for template, methods in document["paths"].items()
        if method in methods and re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path)
    ]
    if not fitting:
        return None
    template = min(fitting, key=lambda each: each.count("{"))
    return f"{method.upper()} {template}", document["paths"][template][method]


def _faults_of_request(document: Document, entry: Document, request: dict[str, Any]) -> Iterator[str]:
    sent = {"query": request.get("query", {}), "header": request.get("headers", {})}
    declared = {(each["in"], each["name"]): each for each in entry.get("parameters", ())}
    for (where, name), parameter in declared.items():
        if where != "path" and parameter.get("required") and name not in sent[where]:
            yield f"`{name}` is required."
    for name, values in sent["query"].items():
        parameter = declared.get(("query", name))
        if parameter is None:
            yield f"`{name}` is not taken."
        elif not all(_takes(document, parameter, value) for value in values):
            yield f"`{name}` does not take {', '.join(values)}."
    shape = entry.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if "body" in request and shape is None:
        yield "no body is taken."
    elif "body" in request:
        yield from (f"its body is refused: {fault}" for fault in _refusals(document, request["body"]["content"], shape))


def _takes(document: Document, parameter: Document, value: str) -> bool:
    schema = _resolved(document, parameter["schema"])
    kinds = {"integer": int, "boolean": lambda text: text == "true"}
    convert: Any = kinds.get(str(schema.get("type")), str)
    return not list(_refusals(document, convert(value), schema))


def _faults_of_response(document: Document, entry: Document, response: dict[str, Any]) -> Iterator[str]:
    answer = entry["responses"].get(str(response["status"]))
    if answer is None:
        yield f"{response['status']} is no answer."
        return
    if "body" not in response:
        return
    kind, wanted = response["body"]["contentType"], response["body"]["content"]
    media = answer.get("content", {}).get(kind)
    if media is None:
        yield f"{response['status']} is not {kind}."
        return
    if "x-problem-types" in answer and wanted.get("type") not in answer["x-problem-types"]:
        yield f"{response['status']} is never {wanted.get('type')}."
    yield from _missing(document, wanted, media["schema"], "the answer")


def _missing(document: Document, wanted: Any, schema: Document, place: str) -> Iterator[str]:
    """What is wanted of an answer that this schema does not promise."""
    schema = _resolved(document, schema)
    if alternatives := schema.get("anyOf") or schema.get("oneOf"):
        faults = [list(_missing(document, wanted, each, place)) for each in alternatives]
        yield from min(faults, key=len)
    elif isinstance(wanted, dict) and "properties" in schema:
        for name, value in wanted.items():
            if name not in schema["properties"]:
                yield f"{place} has no `{name}`."
            elif name not in schema.get("required", ()) and not schema.get("additionalProperties"):
                yield f"{place} may lack `{name}`."
            else:
                yield from _missing(document, value, schema["properties"][name], f"`{name}`")
    elif isinstance(wanted, list) and "items" in schema:
        for value in wanted:
            yield from _missing(document, value, schema["items"], place)
    else:
        yield from (f"{place} is never like that: {fault}" for fault in _refusals(document, wanted, schema))


def _refusals(document: Document, value: Any, schema: Document) -> Iterator[str]:
    whole = {**_plain(schema), "components": document["components"]}
    yield from (error.message for error in Draft202012Validator(whole).iter_errors(value))


def _plain(schema: Document) -> Document:
    # An id in an example is only an example.
    return {name: value for name, value in schema.items() if name not in {"pattern", "format"}}


def _resolved(document: Document, schema: Document) -> Document:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].removeprefix(_SCHEMA)]
    return schema


def _concerns(document: Document, place: str, label: str, entry: Document) -> bool:
    if place == label or place.startswith(f"{label} "):
        return True
    parts = place.split(".")
    return parts[:2] == ["components", "schemas"] and parts[2] in _schemas_in(document, entry, set())


def _schemas_in(document: Document, node: Any, seen: set[str]) -> set[str]:
    """The names of all schemas that the node leads to."""
    if isinstance(node, list):
        for each in node:
            _schemas_in(document, each, seen)
    elif isinstance(node, dict):
        name = str(node.get("$ref", "")).removeprefix(_SCHEMA)
        if name in document["components"]["schemas"] and name not in seen:
            seen.add(name)
            _schemas_in(document, document["components"]["schemas"][name], seen)
        for each in node.values():
            _schemas_in(document, each, seen)
    return seen
