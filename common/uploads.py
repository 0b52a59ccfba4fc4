"""Files that an operation takes: as they are, as the part `file` of a form, or rows of them as JSON.

They may be larger than other bodies, so they are never in memory as a whole: they lie in a temporary file, from which
the operation reads.
"""

from dataclasses import dataclass
from hashlib import sha256
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from django.core.exceptions import TooManyFilesSent
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from rest_framework.exceptions import UnsupportedMediaType

from common.errors import InvalidInput, PayloadTooLarge

FORM = "multipart/form-data"
JSON = "application/json"
# What the frame of a form may need beside the file.
FRAME_BYTES = 65_536
_BLOCK = 65_536
_IN_MEMORY_BYTES = 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What an operation takes: files of `media_type`, of so many bytes at most, such as `example`."""

    media_type: str
    max_bytes: int
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What was sent. `name` is the file's, None for a body that is not a form; `digest` tells it from any other."""

    file: BinaryIO
    media_type: str
    name: str | None
    digest: bytes


def take(request: HttpRequest, wanted: Upload) -> Sent:
    """The file in the body of the request, or the JSON in its place.

    Raises:
        UnsupportedMediaType: the body is neither, or compressed.
        PayloadTooLarge: it is over the limit.
        InvalidInput: the form cannot be read, or has not exactly the one part `file`.
    """
    media_type = str(request.content_type).lower()
    if media_type not in {wanted.media_type, FORM, JSON}:
        raise UnsupportedMediaType(media_type)
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType(media_type)
    if _length(request) > wanted.max_bytes + (FRAME_BYTES if media_type == FORM else 0):
        raise _too_large(wanted)
    if media_type != FORM:
        file = _spooled(request)
        return Sent(file=file, media_type=media_type, name=None, digest=_digest(file, media_type, ""))
    part = _part(request)
    if (part.size or 0) > wanted.max_bytes:
        raise _too_large(wanted)
    file, name = cast("BinaryIO", part.file), str(part.name)
    return Sent(file=file, media_type=wanted.media_type, name=name, digest=_digest(file, wanted.media_type, name))


def _length(request: HttpRequest) -> int:
    return int(request.META.get("CONTENT_LENGTH") or 0)


def _too_large(wanted: Upload) -> PayloadTooLarge:
    return PayloadTooLarge(f"A file may have at most {wanted.max_bytes:,} bytes.")


def _spooled(request: HttpRequest) -> BinaryIO:
    # The request closes what it holds when the answer is out; this is closed when nobody holds it any more.
    file = SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115
    while block := request.read(_BLOCK):
        file.write(block)
    file.seek(0)
    return cast("BinaryIO", file)


def _part(request: HttpRequest) -> UploadedFile:
    try:
        fields, files = request.POST, request.FILES
    except (MultiPartParserError, TooManyFilesSent) as fault:
        raise InvalidInput(field="", reasons=["The form cannot be read."], reason_code="unreadable") from fault
    if "file" in fields:
        raise InvalidInput(field="file", reasons=["Must be a file: send it with a file name."])
    for name in [*fields, *files]:
        if name != "file":
            raise InvalidInput(field=name, reasons=["There is no such field. Known: file."], reason_code="unknown")
    parts = cast("list[Any]", files.getlist("file"))
    if not parts:
        raise InvalidInput(field="file", reasons=["This field is required."], reason_code="required")
    if len(parts) > 1:
        raise InvalidInput(field="file", reasons=["May be given only once."], reason_code="repeated")
    part: UploadedFile = parts[0]
    return part


def _digest(file: BinaryIO, media_type: str, name: str) -> bytes:
    digest = sha256(f"{media_type}\0{name}\0".encode())
    while block := file.read(_BLOCK):
        digest.update(block)
    file.seek(0)
    return digest.digest()
