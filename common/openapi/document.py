"""The whole document: what holds for every operation, and its two written forms."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer

from common.openapi.components import Schema
from common.operations import Tag

_INTRODUCTION = Path(__file__).with_name("introduction.md")
_SERVERS = [{"url": "/", "description": "The host that serves this document"}]


class Generator(SchemaGenerator):
    """Puts before the operations what holds for all of them."""

    def get_schema(self, **options: Any) -> Schema:
        made = super().get_schema(**options)
        return {
            "openapi": made["openapi"],
            "info": {**made["info"], "description": _INTRODUCTION.read_text()},
            "servers": _SERVERS,
            "tags": [{"name": tag.name, "description": tag.description} for tag in self._tags()],
            "paths": made["paths"],
            "components": made["components"],
        }

    def _tags(self) -> list[Tag]:
        """Each tag once, in the order of the URLs."""
        endpoints = self._get_paths_and_endpoints()
        return list(dict.fromkeys(getattr(view, method.lower()).operation.tag for _, _, method, view in endpoints))


def no_request(*_arguments: Any) -> None:
    """Declarations are read without asking a view anything, so no request is made up for it."""


@cache
def document() -> Schema:
    """The document as data. Not to be changed."""
    made: Schema = Generator().get_schema(request=None, public=True)
    return made


@cache
def as_json() -> bytes:
    """The document in JSON."""
    return json.dumps(document(), ensure_ascii=False, indent=2).encode()


@cache
def as_yaml() -> bytes:
    """The document in YAML, byte for byte as `manage.py spectacular` writes it."""
    written: bytes = OpenApiYamlRenderer().render(document())
    return written
