"""How often one caller may ask: counted by account, by partner or by network, in windows of a fixed length.

Each window has counters of its own, which go up by one in one step: rivals cannot overtake a limit together. At the
border of two windows a caller gets at most twice the limit in the time of one. Which limits there are: THROTTLES.
"""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache, lru_cache
from hashlib import blake2b
from ipaddress import IPv4Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.module_loading import import_string
from rest_framework.exceptions import Throttled
from rest_framework.request import Request

from common.counters import CountersAway, LocalCounters
from common.metrics import THROTTLE_COUNTERS_AWAY, THROTTLED
from common.principals import PartnerPrincipal

if TYPE_CHECKING:
    from common.redis_counters import RedisCounters

logger = logging.getLogger(__name__)

# So long Redis is left alone once it does not answer. Meanwhile each process counts for itself.
_AWAY_SECONDS = 10
_READS = {"GET", "HEAD"}
# One customer of a provider has at least so much of IPv6.
_IPV6_PREFIX = 64
_UNKNOWN = "unknown"

_local = LocalCounters(most=50_000)
_away_until = 0.0


def check_caller(request: Request) -> None:
    """The request is counted for who sent it.

    Raises:
        Throttled: it is one too many.
    """
    caller: Any = request.user
    if isinstance(caller, PartnerPrincipal):
        _take("partner", caller.pk)
    elif caller.is_authenticated:
        _take("reads" if request.method in _READS else "writes", caller.pk)
    elif settings.THROTTLES["anonymous"] is not None:
        _take("anonymous", network_of(request.META))


@contextmanager
def failures(kind: type[Exception], *, email: str | None, meta: Mapping[str, Any]) -> Iterator[None]:
    """A block that tells a guess right or wrong. If it ends in `kind`, that stays counted, else not.

    While it runs it counts as failed: many guesses at once are no way around the limit.

    Raises:
        Throttled: of this network, or for this email, too many have failed.
    """
    taken = [_take("sign_in_by_network", network_of(meta))]
    if email is not None:
        taken.append(_take("sign_in_by_account", _digest(email)))
    try:
        yield
    except kind:
        raise
    except BaseException:
        _give_back(taken)
        raise
    _give_back(taken)


def network_of(meta: Mapping[str, Any]) -> str:
    """The network that a request comes from: an IPv4 address, or a /64 of IPv6.

    Of X-Forwarded-For, only what TRUSTED_PROXIES have written is heard: clients can write what they like in front.
    """
    if settings.TRUSTED_PROXIES:
        hops = meta.get("HTTP_X_FORWARDED_FOR", "").split(",")
        network = _network(hops[-min(settings.TRUSTED_PROXIES, len(hops))].strip())
        if network != _UNKNOWN:
            return network
    return _network(meta.get("REMOTE_ADDR", ""))


@lru_cache(maxsize=4096)
def _network(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        return _UNKNOWN
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((address.packed, _IPV6_PREFIX), strict=False))


def _digest(email: str) -> str:
    """An email as a key: nobody who looks into the cache reads it."""
    return blake2b(email.strip().upper().encode(), key=settings.SECRET_KEY.encode()[:64], digest_size=16).hexdigest()


def _take(scope: str, who: object) -> tuple[str, int] | None:
    """One more is counted. Returns under which key and for how long, None where nothing is limited."""
    rate = settings.THROTTLES[scope]
    if rate is None:
        return None
    limit, seconds = rate
    window, past = divmod(time.time(), seconds)
    key = f"lectern:{scope}:{int(window)}:{who}"
    if _count(key, seconds, 1) > limit:
        THROTTLED.labels(scope).inc()
        raise Throttled(wait=seconds - past)
    return key, seconds


def _give_back(taken: list[tuple[str, int] | None]) -> None:
    for one in taken:
        if one is not None:
            _count(*one, -1)


def _count(key: str, seconds: int, delta: int) -> int:
    global _away_until  # noqa: PLW0603 -- of this process, as is what it says
    if settings.CACHE_URL and time.monotonic() >= _away_until:
        try:
            return _shared(settings.CACHE_URL).add(key, delta, seconds=seconds)
        except CountersAway as fault:
            _away_until = time.monotonic() + _AWAY_SECONDS
            logger.warning("Redis is away, each process counts for itself: %s", fault)
    if settings.CACHE_URL:
        THROTTLE_COUNTERS_AWAY.inc()
    return _local.add(key, delta)


@cache
def _shared(url: str) -> "RedisCounters":
    # Loading it takes as long as answering a hundred requests.
    made: RedisCounters = import_string("common.redis_counters.RedisCounters")(url)
    return made
