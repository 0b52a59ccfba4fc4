"""Counters of all processes with the same Redis. Loaded only where CACHE_URL is set."""

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from common.counters import CountersAway

_TIMEOUT_SECONDS = 0.2


class RedisCounters:
    """Those in the Redis at `url`."""

    def __init__(self, url: str) -> None:
        # Tried again once: a connection that was kept may have ended, without Redis being away.
        self._redis = Redis.from_url(
            url,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            socket_timeout=_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 1),
        )

    def add(self, key: str, delta: int, *, seconds: int) -> int:
        """As that of LocalCounters; the key is forgotten after so many seconds.

        Raises:
            CountersAway: Redis does not answer.
        """
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.incrby(key, delta)
        pipeline.expire(key, seconds)
        try:
            count, _ = pipeline.execute()
        except RedisError as fault:
            raise CountersAway(str(fault)) from fault
        return int(count)
