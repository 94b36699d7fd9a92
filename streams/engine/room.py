"""How many batches are on their way to agents, and whether there is room for another.

The surprise: the number may pass the limit by the partitions of one read. A read is never torn apart.
"""

import threading
from time import monotonic


class Room:
    """Counted up in the source's thread, down in the event loop."""

    def __init__(self, batches_max: int) -> None:
        self._batches_max = batches_max
        self._batches = 0
        self._lock = threading.Lock()
        self._free = threading.Event()
        self._free.set()
        self.held_seconds = 0.0  # since the start

    def enter(self) -> None:
        """A batch sets out."""
        with self._lock:
            self._batches += 1
            if self._batches >= self._batches_max:
                self._free.clear()

    def leave(self) -> None:
        """A batch has arrived."""
        with self._lock:
            self._batches -= 1
            if self._batches < self._batches_max:
                self._free.set()

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
        return self._batches
