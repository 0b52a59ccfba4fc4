"""The secrets that webhooks sign with: how they are made, kept and used.

They are needed in clear to sign, so a hash would not do. In the database they are encrypted with a key derived from
SECRET_KEY, so that a copy of the database alone forges nothing.
"""

import base64
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from standardwebhooks import Webhook

_PREFIX = "whsec_"
_BYTES = 32


def make() -> str:
    """A new secret, in the form of the Standard Webhooks specification."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def seal(secret: str) -> bytes:
    """The secret as the database may have it."""
    return _box().encrypt(secret.encode())


def unseal(sealed: bytes) -> str:
    """The secret that was sealed.

    Raises:
        cryptography.fernet.InvalidToken: SECRET_KEY is another one, and the old one not among SECRET_KEY_FALLBACKS.
    """
    return _box().decrypt(bytes(sealed)).decode()


def headers(*, secrets: Sequence[str], id: str, body: bytes, now: datetime) -> dict[str, str]:
    """The headers that prove who sent this body, and when, by each of the secrets."""
    at = now.astimezone(UTC)
    signatures = [Webhook(secret).sign(id, at, body.decode()) for secret in secrets]
    return {
        "webhook-id": id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _box() -> MultiFernet:
    return _box_for((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=4)
def _box_for(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(base64.urlsafe_b64encode(_derive(key))) for key in keys])


def _derive(key: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=_BYTES, salt=None, info=b"lectern webhook secrets").derive(key.encode())
