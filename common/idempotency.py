"""`Idempotency-Key`: the answer of a POST is stored in the transaction of its effect, so any retry is safe.

After the IETF draft draft-ietf-httpapi-idempotency-key-header. A crash before the commit leaves neither effect nor
answer, one after it leaves both. Refusals did nothing and are not stored.
"""

import json
import re
from collections.abc import Callable, Sequence
from hashlib import blake2b, sha256

from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from common import db
from common.errors import IdempotencyKeyInFlight, IdempotencyKeyReused
from common.failpoints import failpoint

_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]{1,255}\Z")
_REPLAYED = "Idempotency-Replayed"
_KEPT_HEADERS = ("Location", "ETag")

# The lock is what tells a running request from an answered one: it lasts until the commit. A transaction's own,
# since a session's would not survive PgBouncer. The answer is read in a second statement, whose snapshot is younger
# than the lock: one statement could miss an answer that was committed while it waited for nothing.
_LOCK = "SELECT pg_try_advisory_xact_lock(%s)"
_READ = """
    SELECT fingerprint, status, headers::text, body FROM common_idempotencyrecord
    WHERE caller = %s AND key = %s AND created_at > now() - %s
"""
_KEEP = """
    INSERT INTO common_idempotencyrecord (caller, key, fingerprint, status, headers, body)
    VALUES (%(caller)s, %(key)s, %(fingerprint)s, %(status)s, %(headers)s, %(body)s)
    ON CONFLICT (caller, key) DO UPDATE SET  -- an expired one makes way
        fingerprint = excluded.fingerprint, status = excluded.status, headers = excluded.headers,
        body = excluded.body, created_at = now()
"""


def once(
    *,
    request: Request,
    caller: str,
    run: Callable[[], HttpResponse],
    content: bytes | None = None,
    secrets: Sequence[str] = (),
) -> HttpResponse:
    """The answer of `run`, or the one kept from an earlier request of `caller` with the same key.

    `content` stands for the body where that has been read already. Of the members of the answer that are `secrets`,
    null is kept.

    Raises:
        ValidationError: the key is not 1 to 255 visible ASCII characters.
        IdempotencyKeyReused: the key belongs to another request.
        IdempotencyKeyInFlight: the first request with the key still runs.
    """
    key = request.META["HTTP_IDEMPOTENCY_KEY"]
    if not _VISIBLE_ASCII.match(key):
        raise InvalidHeader({"Idempotency-Key": ["Must be 1 to 255 visible ASCII characters."]})
    fingerprint = _fingerprint(request, content)
    with transaction.atomic():
        if not _locked(caller, key):
            raise IdempotencyKeyInFlight
        kept = db.fetch_one(_READ, [caller, key, settings.IDEMPOTENCY_KEPT_FOR])
        if kept is not None:
            return _replay(kept, fingerprint)
        response = run()
        _keep(caller, key, fingerprint, response, secrets)
        failpoint("idempotency.before_commit")
    failpoint("idempotency.after_commit")
    return response


def is_replay(response: HttpResponseBase) -> bool:
    """Whether this is the answer kept from an earlier request."""
    return _REPLAYED in response


class InvalidHeader(ValidationError):
    """A header failed validation; its problem names it as a parameter."""

    parameter = True


def forget_expired() -> int:
    """No answer older than the promised time is kept any longer. Returns how many were dropped."""
    with transaction.atomic():
        return db.execute(
            "DELETE FROM common_idempotencyrecord WHERE created_at < now() - %s", [settings.IDEMPOTENCY_KEPT_FOR]
        )


def _fingerprint(request: Request, content: bytes | None) -> bytes:
    path = request.get_full_path().encode()
    body = request._request.body if content is None else content
    return sha256(b"\0".join([str(request.method).encode(), path, body])).digest()


def _locked(caller: str, key: str) -> bool:
    lock = int.from_bytes(blake2b(f"{caller} {key}".encode(), digest_size=8).digest(), "big", signed=True)
    row = db.fetch_one(_LOCK, [lock])
    return row is not None and bool(row[0])


def _replay(kept: tuple[object, ...], fingerprint: bytes) -> HttpResponse:
    known_fingerprint, status, headers, body = kept
    if bytes(known_fingerprint) != fingerprint:  # type: ignore[call-overload]
        raise IdempotencyKeyReused
    return HttpResponse(
        str(body),
        status=int(str(status)),
        content_type="application/json",
        headers={**json.loads(str(headers)), _REPLAYED: "true"},
    )


def _keep(caller: str, key: str, fingerprint: bytes, response: HttpResponse, secrets: Sequence[str]) -> None:
    body = response.content.decode()
    if secrets:
        body = json.dumps({**json.loads(body), **dict.fromkeys(secrets)}, ensure_ascii=False, separators=(",", ":"))
    values = {
        "caller": caller,
        "key": key,
        "fingerprint": fingerprint,
        "status": response.status_code,
        "headers": json.dumps({name: response[name] for name in _KEPT_HEADERS if name in response}),
        "body": body,
    }
    db.execute(_KEEP, values)
