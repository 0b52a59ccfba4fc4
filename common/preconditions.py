"""Conditional requests (RFC 9110, section 13): ETag, If-Match, If-None-Match.

An ETag is `"<version>.<digest>"`. The digest covers the whole representation, so that a 304 is always true. If-Match
looks at the version alone: it protects what the request changes, and a course whose seats fill while somebody edits
its title must not refuse the edit.
"""

from hashlib import blake2b

from django.http import HttpResponse
from django.utils.http import parse_etags
from rest_framework.request import Request

from common.api import JSON, to_json
from common.errors import PreconditionFailed


def etag_of(body: dict[str, object], *, version: str) -> str:
    """The ETag of the representation `body` at `version`."""
    return f'"{version}.{blake2b(to_json(body), digest_size=8).hexdigest()}"'


def representation(request: Request, body: dict[str, object], *, version: str) -> HttpResponse:
    """A single resource with its ETag, or 304 if the client has it already."""
    tag = etag_of(body, version=version)
    known = parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))
    if request.method in {"GET", "HEAD"} and ("*" in known or tag in {etag.removeprefix("W/") for etag in known}):
        unchanged = HttpResponse(status=304, headers={"ETag": tag})
        del unchanged["Content-Type"]
        return unchanged
    return HttpResponse(to_json(body), content_type=JSON, headers={"ETag": tag})


def check_match(request: Request, version: str) -> str | None:
    """The version that the change must still find, None if the client does not mind.

    Raises:
        PreconditionFailed: If-Match names only other versions.
    """
    header = request.META.get("HTTP_IF_MATCH")
    if header is None or header.strip() == "*":
        return None
    # Strong comparison: a weak tag never matches, since its W/ stays in front of the version.
    named = {etag.strip('"').rpartition(".")[0] for etag in parse_etags(header)}
    if version not in named:
        raise PreconditionFailed
    return version
