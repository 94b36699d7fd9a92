"""How much has been read and isn't durable yet, and whether there is room for more.

Batches count until they reach their agent, bytes until what follows from them is drained for a flush: when a flush hangs, reading
stops before memory runs out. The surprise: either may pass its limit by one read. A read is never torn apart.
"""

import threading
from collections import deque
from time import monotonic
from typing import NamedTuple

OVERHEAD_BYTES = 300  # what a record takes beside its value: key, headers, the objects of Python and librdkafka
RECORD_BYTES_AT_FIRST = 64 * 1024  # until one was seen: the largest event that intake takes


class Limits(NamedTuple):
    """How much is read at once, and how much may wait for the agents."""

    batch_records: int
    batches_under_way: int
    kilobytes_under_way: int = 1 << 30  # not yet in a flush; no limit unless told otherwise


class Room:
    """Counted up in the source's thread, down in the event loop."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._bytes_max = limits.kilobytes_under_way * 1024
        self._waiting: deque[int] = deque()  # sizes of the batches on their way, which arrive in this order
        self._bytes = 0
        self._applied = 0  # bytes of batches that arrived and aren't drained
        self._record_bytes = RECORD_BYTES_AT_FIRST
        self._lock = threading.Lock()
        self._free = threading.Event()
        self._free.set()
        self.held_seconds = 0.0  # since the start

    def count(self) -> int:
        """How many records to read at once: so many that all batches under way have room if they are as large as the last."""
        return max(1, min(self._limits.batch_records, self._bytes_max // self._limits.batches_under_way // self._record_bytes))

    def enter(self, records: int, size_bytes: int) -> None:
        """A batch sets out: how many records, and the size of their values."""
        size = size_bytes + records * OVERHEAD_BYTES
        with self._lock:
            self._record_bytes = size // records
            self._waiting.append(size)
            self._bytes += size
            self._look()

    def leave(self) -> None:
        """A batch has arrived."""
        with self._lock:
            self._applied += self._waiting.popleft()
            self._look()

    def applied(self) -> int:
        """Bytes of the batches that have arrived and aren't drained."""
        return self._applied

    def drained(self, size_bytes: int) -> None:
        """What follows from so many bytes of the batches that have arrived is in a flush now."""
        with self._lock:
            self._bytes -= size_bytes
            self._applied -= size_bytes
            self._look()

    def is_full(self) -> bool:
        """Whether nothing more is read before the next flush: all that there is room for has arrived."""
        return not self._waiting and self._bytes >= self._bytes_max

    def wait(self, seconds: float) -> bool:
        """Whether there is room, at the latest after so many seconds."""
        if self._free.is_set():
            return True
        began = monotonic()
        free = self._free.wait(seconds)
        self.held_seconds += monotonic() - began
        return free

    def batches(self) -> int:
        """How many are on their way."""
        return len(self._waiting)

    def _look(self) -> None:
        if len(self._waiting) < self._limits.batches_under_way and self._bytes < self._bytes_max:
            self._free.set()
        else:
            self._free.clear()
