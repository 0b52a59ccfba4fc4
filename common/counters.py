"""Counters that go up in one step, whoever else counts. A key is for one span of time, so that none has to be set back.

Those here are of this process; `common.redis_counters` has those of all processes.
"""

from collections import OrderedDict
from threading import Lock


class CountersAway(Exception):
    """The counters cannot be reached, or do not answer in time."""


class LocalCounters:
    """Those of this process. Of more than `most` keys, the one that was not used for longest is forgotten."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._counts: OrderedDict[str, int] = OrderedDict()

    def add(self, key: str, delta: int) -> int:
        """`delta` more under `key`. Returns how many that makes."""
        with self._lock:
            count = self._counts[key] = self._counts.get(key, 0) + delta
            self._counts.move_to_end(key)
            if len(self._counts) > self._most:
                self._counts.popitem(last=False)
            return count
