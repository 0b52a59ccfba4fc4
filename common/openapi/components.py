"""What many operations share in the OpenAPI document: problems, the page envelope, headers, path parameters."""

from typing import Any

from common import examples, ids
from common.problem_types import CATALOGUE, ProblemType
from common.uploads import FORM, Upload

Schema = dict[str, Any]


def id_schema(prefix: str) -> Schema:
    """A public id of the type `prefix`."""
    return {"type": "string", "pattern": f"^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$"}


# -- problems -----------------------------------------------------------------------------------

_PROBLEM_MEMBERS: dict[str, Schema] = {
    "type": {
        "anyOf": [{"$ref": "#/components/schemas/ProblemType"}, {"type": "string", "format": "uri-reference"}],
        "description": "What kind of problem this is. Stable for ever; the page at this address explains it.",
    },
    "title": {"type": "string", "description": "The kind in words, for people. May be reworded."},
    "status": {"type": "integer", "minimum": 400, "maximum": 599, "description": "The HTTP status."},
    "detail": {"type": "string", "description": "This occurrence in words, for people. May be reworded."},
    "instance": {"type": "string", "description": "The path of the request."},
    "code": {"type": "string", "description": "The kind in one word, as stable as `type`."},
    "request_id": {"type": "string", "description": "The X-Request-ID, for questions to whoever runs this."},
}
_FURTHER_MEMBERS: dict[str, Schema] = {
    "errors": {
        "type": "array",
        "items": {"$ref": "#/components/schemas/FieldError"},
        "description": "With `invalid_request`: every wrong place.",
    },
    "enrollment_id": {**id_schema(ids.ENROLLMENT), "description": "The enrollment that stands in the way."},
    "waitlist_entry_id": {**id_schema(ids.WAITLIST_ENTRY), "description": "The place in line that exists."},
    "review_id": {**id_schema(ids.REVIEW), "description": "The review that exists."},
    "current_status": {"type": "string", "description": "With `invalid_transition`: the state that does not allow it."},
    "seats_taken": {"type": "integer", "minimum": 0, "description": "With `capacity_below_enrollment`."},
    "current_version": {"type": "integer", "minimum": 1, "description": "With `moderation_conflict`."},
}
PROBLEM: Schema = {
    "type": "object",
    "description": "Problem details (RFC 9457). Act on `type` or `code`; the set of types may grow.",
    "properties": {**_PROBLEM_MEMBERS, **_FURTHER_MEMBERS},
    "required": list(_PROBLEM_MEMBERS),
    "additionalProperties": True,
}
FIELD_ERROR: Schema = {
    "type": "object",
    "description": "One wrong place in a request: either `pointer` or `parameter` names it.",
    "properties": {
        "pointer": {
            "type": ["string", "null"],
            "description": "A JSON Pointer (RFC 6901) into the body; empty: the body as a whole.",
        },
        "parameter": {"type": ["string", "null"], "description": "The name of a query parameter or header."},
        "code": {"type": "string", "description": "What is wrong, in one word."},
        "detail": {"type": "string", "description": "What is wrong, in a sentence for people."},
    },
    "required": ["pointer", "parameter", "code", "detail"],
}


def problem_type() -> Schema:
    """The catalogue as an enum."""
    kinds = sorted(CATALOGUE.values(), key=lambda kind: kind.slug)
    return {
        "type": "string",
        "description": "The catalogue of problem types; the pages at /problems explain them. It may grow.",
        "enum": [kind.uri for kind in kinds],
        "x-enum-varnames": [kind.code.upper() for kind in kinds],
        "x-extensible-enum": True,
    }


def problems_in_words(kinds: list[ProblemType]) -> str:
    """The description of an answer that is one of these problems."""
    lines = [f"`{kind.code}`: {kind.title}." for kind in kinds]
    return lines[0] if len(lines) == 1 else "\n".join(f"- {line}" for line in lines)


# -- lists --------------------------------------------------------------------------------------

PAGE_INFO: Schema = {
    "type": "object",
    "description": "Where a page ends. Lists give no totals.",
    "properties": {
        "limit": {"type": "integer", "minimum": 1, "maximum": 100},
        "next_cursor": {
            "type": ["string", "null"],
            "description": "Leads to the next page of the same list, filters and sort.",
        },
        "has_more": {"type": "boolean"},
    },
    "required": ["limit", "next_cursor", "has_more"],
}
PAGE_INFO_EXAMPLE = {"limit": 20, "next_cursor": examples.CURSOR, "has_more": True}


def page_schema(row: Schema) -> Schema:
    """The envelope of a list of `row`."""
    return {
        "type": "object",
        "properties": {
            "data": {"type": "array", "items": row},
            "page": {"$ref": "#/components/schemas/PageInfo"},
        },
        "required": ["data", "page"],
    }


# -- files --------------------------------------------------------------------------------------


def csv_content(example: str) -> Schema:
    """The content of a body that is CSV."""
    return {"text/csv": {"schema": {"type": "string"}, "examples": {"example": {"value": example}}}}


def file_form(wanted: Upload) -> Schema:
    """The shape of a form with a file."""
    return {
        "type": "object",
        "description": "A file, as browsers send it.",
        "properties": {"file": {"type": "string", "contentMediaType": wanted.media_type, "format": "binary"}},
        "required": ["file"],
        "additionalProperties": False,
    }


def upload(wanted: Upload, form: Schema) -> Schema:
    """The content of a body that is a file, as it is or in `form`."""
    return {
        FORM: {"schema": form, "examples": {"example": {"value": {"file": wanted.example}}}},
        wanted.media_type: {"schema": {"type": "string"}, "examples": {"example": {"value": wanted.example}}},
    }


# -- headers and path parameters ----------------------------------------------------------------


def _response_header(description: str, *, required: bool = True, **schema: Any) -> Schema:
    return {"description": description, "required": required, "schema": {"type": "string", **schema}}


RESPONSE_HEADERS: dict[str, Schema] = {
    "X-Request-ID": _response_header(
        "The request's id: the client's own if it sent a well-formed one.", pattern="^[A-Za-z0-9._-]{1,128}$"
    ),
    "Location": _response_header("Where to read what came of it.", format="uri-reference"),
    "ETag": _response_header("The version of the resource, for `If-Match` and `If-None-Match`."),
    "Idempotency-Replayed": _response_header(
        "Present when this is the kept answer to an earlier request with the same key.", required=False, const="true"
    ),
    "WWW-Authenticate": _response_header("How to sign in."),
    "Retry-After": _response_header("Seconds to wait before the next try.", pattern="^[0-9]+$"),
    "Deprecation": _response_header("Since when something here is on its way out (RFC 9745).", required=False),
    "Sunset": _response_header("When it may be gone (RFC 8594).", required=False),
    "Link": _response_header("Where to read what it is, and what to use instead.", required=False),
}
# Only one of the problems with status 409 comes with it.
RETRY_AFTER_AT_TIMES: Schema = {**RESPONSE_HEADERS["Retry-After"], "required": False}

REQUEST_HEADERS: dict[str, Schema] = {
    name: {"in": "header", "name": name, "description": description, "required": False, "schema": schema}
    for name, description, schema in (
        (
            "Idempotency-Key",
            "Makes a retry safe: for 24 hours the same key has no second effect and gets the first answer again.",
            {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        ),
        (
            "If-Match",
            "The ETag of the version that the change is meant for. If it has changed since: 412, and nothing is done.",
            {"type": "string"},
        ),
        ("If-None-Match", "The ETag of the version at hand. If it is still the current one: 304.", {"type": "string"}),
    )
}
_PATH_PARAMETERS = {
    "course_id": ("The id of a course.", examples.COURSE),
    "enrollment_id": ("The id of an enrollment.", examples.ENROLLMENT),
    "review_id": ("The id of a review.", examples.REVIEW),
    "import_id": ("The id of an import.", examples.IMPORT),
    "webhook_id": ("The id of a webhook.", examples.WEBHOOK),
    "event_id": ("The id of an event.", examples.EVENT),
    "reference": ("The `reference` of an enrollment or a place in line.", examples.ENROLLMENT),
}


def path_parameter(name: str) -> Schema:
    """Any string is a legal request: an id that is malformed or of another type is not found."""
    description, example = _PATH_PARAMETERS[name]
    return {
        "in": "path",
        "name": name,
        "description": description,
        "required": True,
        "schema": {"type": "string"},
        "example": example,
    }


def example_path(path: str) -> str:
    """`path` with its parameters filled in."""
    for name, (_, example) in _PATH_PARAMETERS.items():
        path = path.replace(f"{{{name}}}", example)
    return path
