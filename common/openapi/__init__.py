"""The OpenAPI document, made from what each operation declares (`common.operations`)."""

from common.openapi.document import Generator, as_json, as_yaml, document, no_request
from common.openapi.inspector import AutoSchema

__all__ = ["AutoSchema", "Generator", "as_json", "as_yaml", "document", "no_request"]
