"""The public keys with which an identity provider signs."""

import logging
import time
from threading import Lock

from jwt import PyJWK, PyJWKClient, PyJWTError

from common.errors import DomainError

logger = logging.getLogger(__name__)

# Signatures alone: with a shared secret, whoever can verify can sign.
ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
_FETCH_SECONDS = 3
# So old, keys are fetched anew: one that was taken out is good no longer than this.
_FRESH_SECONDS = 300
# Whoever makes up ids of keys has them fetched no more often than this. A new key may have to wait so long.
_PAUSE_SECONDS = 10


class ProviderAway(DomainError):
    """No keys have been fetched yet, and the identity provider does not answer."""

    code = "dependency_unavailable"

    def __init__(self) -> None:
        super().__init__("The identity provider does not answer, so the token cannot be verified. Try again.")


class IssuerKeys:
    """The keys at `url`, a JSON Web Key Set. Those at hand go on while the provider does not answer."""

    def __init__(self, url: str) -> None:
        self._client = PyJWKClient(url, cache_jwk_set=False, timeout=_FETCH_SECONDS)
        self._lock = Lock()
        self._keys: dict[str, PyJWK] = {}
        self._asked_at = float("-inf")

    def find(self, key_id: str) -> PyJWK | None:
        """The key with this id, None if there is none.

        Raises:
            ProviderAway: there are no keys at all.
        """
        # Who has a key that is known does not wait for a fetch that another has begun.
        if self._is_due(key_id) and self._lock.acquire(blocking=key_id not in self._keys):
            try:
                if self._is_due(key_id):
                    self._fetch()
            finally:
                self._lock.release()
        if not self._keys:
            raise ProviderAway
        return self._keys.get(key_id)

    def _is_due(self, key_id: str) -> bool:
        pause = _FRESH_SECONDS if key_id in self._keys else _PAUSE_SECONDS
        return time.monotonic() - self._asked_at >= pause

    def _fetch(self) -> None:
        try:
            found = self._client.get_signing_keys(refresh=True)
        except (PyJWTError, OSError, ValueError) as fault:
            logger.warning("The keys of the identity provider cannot be fetched: %s", fault)
        else:
            self._keys = {key.key_id: key for key in found if key.key_id and key.algorithm_name in ALGORITHMS}
        self._asked_at = time.monotonic()
