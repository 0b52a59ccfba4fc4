"""The OpenAPI document says exactly what the API does: complete, valid, published."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from openapi_spec_validator import validate

from common import examples, ids, openapi
from common.errors import DomainError
from common.problem_types import CATALOGUE
from common.tests.conformance import OUR_FORMATS, check_shape

PUBLISHED = settings.BASE_DIR / "contracts" / "openapi.yaml"
ID_PREFIXES = {
    ids.COURSE,
    ids.USER,
    ids.ENROLLMENT,
    ids.WAITLIST_ENTRY,
    ids.EVENT,
    ids.REVIEW,
    ids.REPORT,
    ids.IMPORT,
    ids.WEBHOOK,
}

Entry = dict[str, Any]


def operations() -> Iterator[tuple[str, str, Entry]]:
    for path, methods in openapi.document()["paths"].items():
        for method, entry in methods.items():
            yield method.upper(), path, entry


def nodes(value: Any) -> Iterator[Any]:
    """Every object and list inside the value, itself included."""
    yield value
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from nodes(inner)


OPERATIONS = {entry["operationId"]: (method, path, entry) for method, path, entry in operations()}
each_operation = pytest.mark.parametrize("name", OPERATIONS)


class TestDocument:
    def test_is_published_as_it_is(self) -> None:
        assert PUBLISHED.read_bytes() == openapi.as_yaml(), "the published document is out of date: make contract"

    def test_is_written_without_warnings_and_the_same_every_time(self, tmp_path: Path) -> None:
        written = tmp_path / "openapi.yaml"
        command = ["manage.py", "spectacular", "--validate", "--fail-on-warn", "--file", str(written)]
        made = subprocess.run(
            [sys.executable, *command],
            cwd=settings.BASE_DIR,
            # Another order of sets than in this process, whatever its own seed.
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings_test", "PYTHONHASHSEED": "7"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr
        assert written.read_bytes() == openapi.as_yaml()

    def test_is_valid_openapi(self) -> None:
        assert openapi.document()["openapi"] == "3.1.0"
        validate(openapi.document())

    def test_has_a_name_for_every_enum(self) -> None:
        named = {id(schema) for schema in openapi.document()["components"]["schemas"].values()}
        inline = [
            node for node in nodes(openapi.document()) if isinstance(node, dict) and isinstance(node.get("enum"), list)
        ]
        assert [node for node in inline if id(node) not in named] == []

    def test_says_null_as_json_schema_does(self) -> None:
        assert not [node for node in nodes(openapi.document()) if isinstance(node, dict) and "nullable" in node]

    def test_marks_the_enums_that_may_grow(self) -> None:
        schemas = openapi.document()["components"]["schemas"]
        open_enums = {name for name, schema in schemas.items() if schema.get("x-extensible-enum")}
        assert open_enums == {
            "ProblemType",
            "EventType",
            "Consequence",
            "HoldReason",
            "WebhookDisabled",
            "DeliveryFault",
        }

    def test_closes_requests_and_leaves_answers_open(self) -> None:
        for name, schema in openapi.document()["components"]["schemas"].items():
            if schema.get("type") == "object" and name != "Problem":
                closed = schema.get("additionalProperties") is False
                assert closed == name.endswith("Request"), name

    def test_requires_every_member_of_an_answer(self) -> None:
        for name, schema in openapi.document()["components"]["schemas"].items():
            if schema.get("type") == "object" and name != "Problem" and not name.endswith("Request"):
                assert schema["required"] == list(schema["properties"]), name

    def test_names_no_member_like_its_object(self) -> None:
        # Generated clients hold both under one name.
        for name, schema in openapi.document()["components"]["schemas"].items():
            assert re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() not in schema.get("properties", {}), name

    def test_describes_each_tag_and_uses_it(self) -> None:
        tags = {tag["name"]: tag["description"] for tag in openapi.document()["tags"]}
        assert all(tags.values())
        assert set(tags) == {entry["tags"][0] for _, _, entry in operations()}

    def test_uses_every_component(self) -> None:
        used = {node["$ref"] for node in nodes(openapi.document()) if isinstance(node, dict) and "$ref" in node}
        made = {
            f"#/components/{kind}/{name}"
            for kind, named in openapi.document()["components"].items()
            for name in named
            if kind != "securitySchemes"
        }
        assert made == used


class TestOperations:
    def test_have_an_id_each(self) -> None:
        assert len(OPERATIONS) == len(list(operations()))

    @each_operation
    def test_are_called_as_in_generated_clients(self, name: str) -> None:
        # `reviews.list`: a group, which is the tag, and a method of it.
        _, _, entry = OPERATIONS[name]
        assert re.fullmatch(rf"{entry['tags'][0].lower()}\.[a-z]+([A-Z][a-z]+)*", name)

    @each_operation
    def test_say_what_they_do(self, name: str) -> None:
        _, _, entry = OPERATIONS[name]
        assert len(entry["tags"]) == 1
        assert 0 < len(entry["summary"]) <= 60
        assert not entry["summary"].endswith(".")
        assert entry["description"].endswith(".")
        assert not entry["description"].startswith(entry["summary"])

    @each_operation
    def test_show_an_example_of_everything(self, name: str) -> None:
        _, _, entry = OPERATIONS[name]
        contents = [answer["content"] for answer in entry["responses"].values() if "content" in answer]
        if "requestBody" in entry:
            contents.append(entry["requestBody"]["content"])
        assert all(media["examples"] for content in contents for media in content.values())

    @each_operation
    def test_show_one_example_of_each_problem(self, name: str) -> None:
        _, _, entry = OPERATIONS[name]
        for status, answer in entry["responses"].items():
            if int(status) >= 400:
                [(media_type, media)] = answer["content"].items()
                assert media_type == "application/problem+json"
                assert media["schema"] == {"$ref": "#/components/schemas/Problem"}
                assert [f"/problems/{slug}" for slug in media["examples"]] == answer["x-problem-types"]

    @each_operation
    def test_take_parameters_that_are_described(self, name: str) -> None:
        _, path, entry = OPERATIONS[name]
        parameters = entry.get("parameters", [])
        assert [each["name"] for each in parameters if each["in"] == "path"] == re.findall(r"{(\w+)}", path)
        assert all(each.get("description") for each in parameters if each["in"] != "query")

    def test_of_changes_take_no_form_but_json(self) -> None:
        bodies = {
            entry["operationId"]: set(entry["requestBody"]["content"])
            for _, _, entry in operations()
            if "requestBody" in entry
        }
        assert bodies.pop("imports.start") == {"application/json", "multipart/form-data", "text/csv"}
        assert set.union(*bodies.values()) == {"application/json"}


class TestExamples:
    @each_operation
    def test_of_requests_fit(self, name: str) -> None:
        _, _, entry = OPERATIONS[name]
        for media in entry.get("requestBody", {}).get("content", {}).values():
            for example in media["examples"].values():
                check_shape(example["value"], media["schema"], name, formats=OUR_FORMATS)

    @each_operation
    def test_of_answers_fit_and_have_exactly_the_declared_members(self, name: str) -> None:
        _, _, entry = OPERATIONS[name]
        for status, answer in entry["responses"].items():
            for media in answer.get("content", {}).values():
                for example in media["examples"].values():
                    if "value" in example:
                        check_shape(example["value"], media["schema"], f"{name} {status}")

    def test_of_problems_fit(self) -> None:
        shown = openapi.document()["components"]["examples"]
        for slug, example in shown.items():
            check_shape(example["value"], {"$ref": "#/components/schemas/Problem"}, slug)
            assert example["value"]["type"] == f"/problems/{slug}"
            assert example["value"]["instance"].startswith("/api/v1/")
            assert "{" not in example["value"]["instance"]

    def test_have_ids_that_are_ids(self) -> None:
        found = set(re.findall(r"\b([a-z]{3})_([0-9a-z]{26})\b", openapi.as_yaml().decode()))
        assert {prefix for prefix, _ in found} <= ID_PREFIXES
        for prefix, suffix in found:
            decoded = ids.decode(prefix, f"{prefix}_{suffix}")
            assert decoded is not None, suffix
            assert decoded.version == 7, suffix
        assert examples.COURSE in openapi.as_yaml().decode()


def families(error: type[DomainError]) -> Iterator[type[DomainError]]:
    for child in error.__subclasses__():
        yield child
        yield from families(child)


class TestProblems:
    # The table of the public contract, section 1.
    TABLE = {
        400: "invalid-request invalid-cursor",
        401: "unauthenticated invalid-credentials",
        403: "permission-denied review-not-allowed",
        404: "not-found course-not-found enrollment-not-found review-not-found import-not-found webhook-not-found",
        405: "method-not-allowed",
        406: "not-acceptable",
        409: "course-closed course-full already-enrolled already-waitlisted enrollment-completed "
        "capacity-below-enrollment invalid-transition review-already-exists already-reported moderation-conflict "
        "email-already-registered slug-already-used idempotency-key-in-flight",
        412: "precondition-failed",
        413: "payload-too-large",
        415: "unsupported-media-type",
        422: "idempotency-key-reused",
        429: "rate-limited",
        500: "internal-error",
        503: "dependency-unavailable overloaded",
    }

    def test_are_those_of_the_contract(self) -> None:
        promised = {slug: status for status, slugs in self.TABLE.items() for slug in slugs.split()}
        assert {kind.slug: kind.status for kind in CATALOGUE.values()} == promised
        assert all(kind.uri == f"/problems/{kind.slug}" for kind in CATALOGUE.values())
        assert all(code == kind.code == kind.slug.replace("-", "_") for code, kind in CATALOGUE.items())

    def test_cover_every_domain_error(self) -> None:
        known = {error: vars(error).get("code") or error.code for error in families(DomainError)}
        assert len(known) > 15
        assert {error.__qualname__ for error, code in known.items() if code not in CATALOGUE} == set()

    def test_are_all_named_in_the_document(self) -> None:
        enum = openapi.document()["components"]["schemas"]["ProblemType"]
        assert set(enum["enum"]) == {kind.uri for kind in CATALOGUE.values()}
        names = dict(zip(enum["enum"], enum["x-enum-varnames"], strict=True))
        assert names["/problems/course-full"] == "COURSE_FULL"

    def test_have_no_member_that_the_document_does_not_describe(self) -> None:
        described = openapi.document()["components"]["schemas"]["Problem"]["properties"]
        assert {member for kind in CATALOGUE.values() for member in kind.members} <= set(described)
