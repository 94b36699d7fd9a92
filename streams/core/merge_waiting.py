"""Who waits in a queue now: the levels of each source partition, and their sum per series.

A level is not additive over time: each list of a source partition replaces the one before.
"""

from collections.abc import Iterable, MutableMapping

import msgspec

from streams.core.frame import WaitingLevel
from streams.core.kpi import QueueNow

_PREFIX = b"w"
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(list[WaitingLevel])


class Waiting:
    """One per shard; one store entry per source partition, written when its list changed."""

    def __init__(self, store: MutableMapping[bytes, bytes]) -> None:
        self._store = store
        self._levels: dict[int, dict[str, WaitingLevel]] = {}
        self._dirty: set[int] = set()
        self.totals: dict[str, tuple[int, int]] = {}
        for key in [key for key in store if key.startswith(_PREFIX)]:
            self.replace(int(key[1:]), _DECODER.decode(store[key]))
        self._dirty.clear()

    def replace(self, source: int, levels: Iterable[WaitingLevel]) -> set[str]:
        """Take the new list of a source partition; the series whose level may have changed."""
        before = self._levels.get(source, {})
        self._levels[source] = {level.series: level for level in levels if level.waiting > 0}
        self._dirty.add(source)
        touched = before.keys() | self._levels[source].keys()
        for series in touched:
            self._add_up(series)
        return touched

    def now(self, series: str, at_ms: int) -> QueueNow:
        """How many wait in a series, and how long the oldest has, in seconds."""
        waiting, oldest_ms = self.totals.get(series, (0, at_ms))
        return QueueNow(waiting, max(0, at_ms - oldest_ms) / 1000)

    def flush(self) -> None:
        """Write the lists that changed."""
        for source in self._dirty:
            self._store[_PREFIX + str(source).encode()] = _ENCODER.encode(list(self._levels[source].values()))
        self._dirty.clear()

    def _add_up(self, series: str) -> None:
        found = [levels[series] for levels in self._levels.values() if series in levels]
        if found:
            self.totals[series] = (sum(level.waiting for level in found), min(level.oldest_ms for level in found))
        else:
            self.totals.pop(series, None)
