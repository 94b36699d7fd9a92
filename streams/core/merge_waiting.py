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
    """One per shard; one store entry per source partition, written when its list changed.

    Sums are made when they are asked for: with one sum per series and list, the cost of a flush grew with the square of the
    source partitions, and merge stood still at 256.
    """

    def __init__(self, store: MutableMapping[bytes, bytes]) -> None:
        self._store = store
        self._levels: dict[int, dict[str, WaitingLevel]] = {}
        self._by_series: dict[str, dict[int, WaitingLevel]] = {}
        self._sums: dict[str, tuple[int, int]] = {}  # of the series that were asked for since they changed
        self._dirty: set[int] = set()
        for key in [key for key in store if key.startswith(_PREFIX)]:
            self.replace(int(key[1:]), _DECODER.decode(store[key]))
        self._dirty.clear()

    def replace(self, source: int, levels: Iterable[WaitingLevel]) -> set[str]:
        """Take the new list of a source partition; the series whose level may have changed."""
        before = self._levels.get(source, {})
        after = self._levels[source] = {level.series: level for level in levels if level.waiting > 0}
        self._dirty.add(source)
        touched = before.keys() | after.keys()
        for series in touched:
            self._put(series, source, after.get(series))
        return touched

    def names(self) -> Iterable[str]:
        """The series in which somebody waits."""
        return self._by_series.keys()

    def now(self, series: str, at_ms: int) -> QueueNow:
        """How many wait in a series, and how long the oldest has, in seconds."""
        levels = self._by_series.get(series)
        if levels is None:
            return QueueNow(0, 0.0)
        found = self._sums.get(series)
        if found is None:
            waiting = sum([level.waiting for level in levels.values()])
            found = self._sums[series] = (waiting, min([level.oldest_ms for level in levels.values()]))
        waiting, oldest_ms = found
        return QueueNow(waiting, max(0, at_ms - oldest_ms) / 1000)

    def flush(self) -> None:
        """Write the lists that changed."""
        for source in self._dirty:
            self._store[_PREFIX + str(source).encode()] = _ENCODER.encode(list(self._levels[source].values()))
        self._dirty.clear()

    def _put(self, series: str, source: int, level: WaitingLevel | None) -> None:
        self._sums.pop(series, None)
        levels = self._by_series.setdefault(series, {})
        if level is not None:
            levels[source] = level
        else:
            levels.pop(source, None)
            if not levels:
                del self._by_series[series]
