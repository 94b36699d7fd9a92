"""Expiry: which interactions are due, found without looking at the others.

Ids lie in buckets of event time. The surprise: a due time that moves later is noticed only when its bucket comes up; one that
moves earlier moves the id at once. So an id is looked at a few times in its life, and never after it is due.
"""

from collections.abc import Iterator
from heapq import heappop, heappush

# Due times are rounded up to this: fine beside lives of an hour to a day, coarse enough to keep buckets few.
BUCKET_MS = 60_000


def rounded(due_ms: int) -> int:
    """The moment (watermark, ms) at which something that is due at `due_ms` is done: the end of its bucket."""
    return -(-due_ms // BUCKET_MS) * BUCKET_MS


class Expiry:
    """Ids by the moment at which they are due."""

    def __init__(self) -> None:
        self._buckets: dict[int, dict[str, None]] = {}
        self._order: list[int] = []
        self.scheduled: dict[str, int] = {}  # id → its bucket
        self.next_ms = 1 << 62

    def schedule(self, key: str, due_ms: int) -> None:
        """Look at `key` not later than at `due_ms`, rounded up; an earlier appointment stands."""
        bucket, earlier = rounded(due_ms), self.scheduled.get(key)
        if earlier is not None:
            if earlier <= bucket:
                return
            del self._buckets[earlier][key]
        self.scheduled[key] = bucket
        keys = self._buckets.get(bucket)
        if keys is None:
            keys = self._buckets[bucket] = {}
            heappush(self._order, bucket)
            self.next_ms = self._order[0]
        keys[key] = None

    def due(self, watermark_ms: int) -> Iterator[str]:
        """The ids that are due; each has no appointment any more and needs a new one unless it is done with."""
        while self._order and self._order[0] <= watermark_ms:
            bucket = self._buckets[self._order[0]]
            while bucket:
                key, _ = bucket.popitem()
                del self.scheduled[key]
                yield key
            del self._buckets[heappop(self._order)]
        self.next_ms = self._order[0] if self._order else 1 << 62
