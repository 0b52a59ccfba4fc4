"""From the declaration of an operation to its entry in the document."""

import re
from typing import Any

from drf_spectacular.drainage import warn
from drf_spectacular.openapi import AutoSchema as SpectacularSchema
from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent, append_meta, get_doc, safe_ref
from rest_framework import serializers

from common.deprecation import HEADERS as ANNOUNCING
from common.deprecation import Leaving, members_of
from common.fields import Choice, Constant, DistinctList, Null, PublicId, QueryBoolean, Text
from common.openapi import components
from common.openapi.components import Schema
from common.operations import Access, CsvFile, Operation, PageOf
from common.problem_types import ProblemType
from common.problems import CONTENT_TYPE
from common.wire import View

JSON = "application/json"
_BEARER: dict[str, list[str]] = {"bearerAuth": []}
_API_KEY: dict[str, list[str]] = {"apiKeyAuth": []}


class AutoSchema(SpectacularSchema):
    """Writes down what an operation declares instead of guessing from the view."""

    declared: Operation

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> Schema:
        self.path, self.method, self.registry = path, method.upper(), registry
        self.declared = getattr(self.view, method.lower()).operation
        entry = {
            "operationId": self.declared.id,
            "tags": [self.declared.tag.name],
            "summary": self.declared.summary,
            "description": self._description(),
            "security": self._security(),
            "x-permission": self.declared.access if isinstance(self.declared.access, str) else None,
            **(_leaving(self.declared.leaving) if self.declared.leaving else {}),
            "parameters": self._parameters(),
            "requestBody": self._body(),
            "responses": self._responses(),
        }
        return {name: value for name, value in entry.items() if value or name == "security"}

    def _description(self) -> str:
        sentences = [self.declared.description or f"{self.declared.summary}."]
        if isinstance(self.declared.access, str):
            sentences.append(f"Needs the permission `{self.declared.access}`.")
        if self.declared.leaving is not None:
            sentences.append(self.declared.leaving.words)
        return " ".join(sentences)

    def _security(self) -> list[dict[str, list[str]]]:
        match self.declared.access:
            case Access.WITHOUT_CREDENTIALS:
                return []
            case Access.ANYONE:
                return [{}, _BEARER]
            case Access.PARTNER:
                return [_API_KEY]
        return [_BEARER]

    # -- what goes in ----------------------------------------------------------------------------

    def _parameters(self) -> list[Schema]:
        names = [part.strip("{}") for part in self.path.split("/") if part.startswith("{")]
        query = self.declared.query_shape().fields
        return [
            *(components.path_parameter(name) for name in names),
            *(self._query_parameter(name, field) for name, field in query.items()),
            *(components.REQUEST_HEADERS[name] for name in self._request_headers()),
        ]

    def _query_parameter(self, name: str, field: serializers.Field) -> Schema:
        schema = self._map_serializer_field(field, "request")
        self._insert_field_validators(field, schema)
        mark = members_of(self.declared.query_shape).get(name)
        description = _described(schema.pop("description", None), mark)
        parameter = {"in": "query", "name": name, "required": field.required, "schema": safe_ref(schema)}
        parameter |= _leaving(mark) if mark else {}
        return {**parameter, "description": description} if description else parameter

    def _request_headers(self) -> list[str]:
        wanted = {
            "Idempotency-Key": self.declared.idempotent,
            "If-Match": self.declared.conditional,
            "If-None-Match": self._honours_if_none_match(),
        }
        return [name for name, is_wanted in wanted.items() if is_wanted]

    def _honours_if_none_match(self) -> bool:
        return self.declared.tagged and self.method == "GET"

    def _body(self) -> Schema | None:
        shape = self.declared.body
        if shape is None:
            return None
        content = {
            JSON: {
                "schema": self.resolve_serializer(shape, "request").ref,
                "examples": {"example": {"value": shape.example}},
            }
        }
        if self.declared.upload is not None:
            form = self._register("FileRequest", components.file_form(self.declared.upload))
            content = {**components.upload(self.declared.upload, form), **content}
        return {"content": content, "required": any(field.required for field in shape().fields.values())}

    # -- what comes out --------------------------------------------------------------------------

    def _responses(self) -> Schema:
        answers = {str(status): self._answer(status, shape) for status, shape in self.declared.answers.items()}
        if self._honours_if_none_match():
            answers["304"] = {
                "description": "The version at hand is still the current one.",
                "headers": self._headers("X-Request-ID", "ETag"),
            }
        by_status: dict[int, list[ProblemType]] = {}
        for kind in self.declared.problems:
            by_status.setdefault(kind.status, []).append(kind)
        answers.update({str(status): self._problem(status, kinds) for status, kinds in by_status.items()})
        return dict(sorted(answers.items()))

    def _answer(self, status: int, shape: type[View] | PageOf | CsvFile | None) -> Schema:
        names = {
            "X-Request-ID": True,
            "Location": self.declared.located and status in {201, 202},
            "ETag": self.declared.tagged,
            "Idempotency-Replayed": self.declared.idempotent,
        }
        answer: Schema = {
            "description": _in_words(shape),
            "headers": self._headers(*(name for name, is_wanted in names.items() if is_wanted)),
        }
        if shape is None:
            return answer
        if isinstance(shape, CsvFile):
            answer["content"] = components.csv_content(shape.example)
            return answer
        if isinstance(shape, PageOf):
            schema = self._page(shape.view)
            example = {"data": [shape.view.example], "page": components.PAGE_INFO_EXAMPLE}
        else:
            schema = self.resolve_serializer(shape, "response").ref
            example = shape.example
        answer["content"] = {JSON: {"schema": schema, "examples": {"example": {"value": example}}}}
        return answer

    def _page(self, view: type[View]) -> Schema:
        self._register("PageInfo", components.PAGE_INFO)
        row = self.resolve_serializer(view, "response")
        return self._register(f"{row.name}Page", components.page_schema(row.ref))

    def _problem(self, status: int, kinds: list[ProblemType]) -> Schema:
        self._register("ProblemType", components.problem_type())
        self._register("FieldError", components.FIELD_ERROR)
        headers = self._headers("X-Request-ID")
        if status == 401:
            headers |= self._headers("WWW-Authenticate")
        if status in {429, 503}:
            headers |= self._headers("Retry-After")
        if any(kind.code == "idempotency_key_in_flight" for kind in kinds):
            headers["Retry-After"] = components.RETRY_AFTER_AT_TIMES
        return {
            "description": components.problems_in_words(kinds),
            "headers": headers,
            "content": {
                CONTENT_TYPE: {
                    "schema": self._register("Problem", components.PROBLEM),
                    "examples": {kind.slug: self._problem_example(kind) for kind in kinds},
                }
            },
            "x-problem-types": [kind.uri for kind in kinds],
        }

    def _problem_example(self, kind: ProblemType) -> Schema:
        """One for each kind, from the first operation that answers it."""
        example = {"summary": kind.title, "value": kind.example(components.example_path(self.path))}
        return self._register(kind.slug, example, kind="examples")

    def _headers(self, *names: str) -> Schema:
        if self._announces():
            names = (*names, *ANNOUNCING)
        return {name: self._register(name, components.RESPONSE_HEADERS[name], kind="headers") for name in names}

    def _announces(self) -> bool:
        """Whether an answer may have to say that something is on its way out."""
        taken = [self.declared.query_shape, *([self.declared.body] if self.declared.body else [])]
        return bool(self.declared.departures or any(members_of(shape) for shape in taken))

    def _register(self, name: str, schema: Schema, *, kind: str = ResolvedComponent.SCHEMA) -> Schema:
        component = ResolvedComponent(name=name, type=kind, schema=schema, object=name)
        self.registry.register_on_missing(component)
        if kind == ResolvedComponent.SCHEMA and self.registry[component].schema != schema:
            warn(f"Two schemas by the name of {name}: {self.registry[component].schema} and {schema}")
        reference: Schema = component.ref
        return reference

    # -- schemas ---------------------------------------------------------------------------------

    def _get_serializer_name(self, serializer: Any, direction: str, *_options: Any) -> str:
        name = type(serializer).__name__
        return name.removesuffix("View") if direction == "response" else f"{name.removesuffix('Body')}Request"

    def _map_basic_serializer(self, serializer: Any, direction: str) -> Schema:
        schema: Schema = super()._map_basic_serializer(serializer, direction)
        if isinstance(serializer, View):
            # Every declared member is always there.
            schema["required"] = list(schema["properties"])
            for member in schema["properties"].values():
                member.pop("readOnly", None)
        else:
            schema["additionalProperties"] = False
        for name, mark in members_of(type(serializer)).items():
            member = schema["properties"][name]
            schema["properties"][name] = (
                member | _leaving(mark) | {"description": _described(member.get("description"), mark)}
            )
        return schema

    def _map_serializer_field(self, field: Any, direction: str, *options: Any) -> Any:
        schema = self._own_mapping(field, direction)
        if schema is None:
            schema = super()._map_serializer_field(field, direction, *options)
            return {**schema, "uniqueItems": True} if isinstance(field, DistinctList) else schema
        return append_meta(schema, self._get_serializer_field_meta(field, direction))

    def _own_mapping(self, field: Any, direction: str) -> Schema | None:
        match field:
            case PublicId():
                return components.id_schema(field.prefix)
            case QueryBoolean():
                return {"type": "boolean"}
            case Constant():
                return {"type": "string", "const": field.value}
            case Null():
                return {"type": "null"}
            case Choice():
                return self._choice(field, direction)
        return None

    def _choice(self, field: Choice, direction: str) -> Schema:
        schema: Schema = {"type": "string", "enum": list(field.choices)}
        if field.open:
            schema |= {"x-extensible-enum": True}
        reference = self._register(field.name, schema)
        if field.open and direction == "response":
            return {"anyOf": [reference, {"type": "string"}]}
        return reference

    def _insert_field_validators(self, field: Any, schema: Schema) -> None:
        super()._insert_field_validators(field, schema)
        if isinstance(field, Text):
            _describe_blanks(field, schema)


def _describe_blanks(field: Text, schema: Schema) -> None:
    if field.allow_blank and "oneOf" in schema:
        # A pattern that takes the empty string needs no second branch for it.
        schema |= schema.pop("oneOf")[0]
    if field.trim_whitespace and not field.allow_blank:
        pattern = schema.get("pattern", "")
        if re.search(pattern, " "):
            schema["pattern"] = pattern.replace("^", r"^(?=.*\S)", 1) if pattern else r"\S"


def _leaving(mark: Leaving) -> Schema:
    return {"deprecated": True, "x-sunset": mark.sunset.isoformat()}


def _described(description: str | None, mark: Leaving | None) -> str:
    return " ".join(part for part in (description, mark.words if mark else None) if part)


def _in_words(shape: type[View] | PageOf | CsvFile | None) -> str:
    if shape is None:
        return "Done. There is no body."
    if isinstance(shape, PageOf):
        return "One page of the list."
    if isinstance(shape, CsvFile):
        return shape.description
    return get_doc(shape)
