"""What is now: who waits in a queue, who is open and what agents do, as the levels of each source partition, and their sum per
series.

A level is not additive over time: each list of a source partition replaces the one before.
"""

from collections.abc import Collection, Iterable, MutableMapping

import msgspec

from streams.core.frame import WaitingLevel
from streams.core.kpi import AgentsNow, QueueNow

_PREFIX, _BACKLOG_PREFIX = b"w", b"o"
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(list[WaitingLevel])
_BACKLOG_DECODER = msgspec.msgpack.Decoder(dict[str, int])


class Waiting:
    """One per shard; one store entry per source partition, written when its list changed.

    Sums are made when they are asked for: with one sum per series and list, the cost of a flush grew with the square of the
    source partitions, and merge stood still at 256.
    """

    def __init__(self, store: MutableMapping[bytes, bytes]) -> None:
        self._store = store
        self._levels: dict[int, dict[str, WaitingLevel]] = {}
        self._by_series: dict[str, dict[int, WaitingLevel]] = {}
        self._queues: dict[str, int] = {}  # series in which somebody waits: in how many source partitions
        self._sums: dict[str, tuple[int, int, AgentsNow | None]] = {}  # of the series that were asked for since they changed
        self._backlogs: dict[int, dict[str, int]] = {}  # by source partition
        self._dirty: set[int] = set()
        self._dirty_backlogs: set[int] = set()
        for key in [key for key in store if key.startswith(_BACKLOG_PREFIX)]:
            self._backlogs[int(key[1:])] = _BACKLOG_DECODER.decode(store[key])
        for key in [key for key in store if key.startswith(_PREFIX)]:
            self.replace(int(key[1:]), _DECODER.decode(store[key]))
        self._dirty.clear()

    def replace(self, source: int, levels: Iterable[WaitingLevel]) -> set[str]:
        """Take the new list of a source partition; the series whose level may have changed."""
        before = self._levels.get(source, {})
        after = self._levels[source] = {level.series: level for level in levels if level.waiting > 0 or level.agents}
        self._dirty.add(source)
        touched = before.keys() | after.keys()
        for series in touched:
            self._put(series, source, after.get(series))
        return touched

    def replace_backlog(self, source: int, backlog: dict[str, int]) -> set[str]:
        """Take how many are open in each series of a source partition; the series in which that is another number."""
        before = self._backlogs.get(source, {})
        self._backlogs[source] = backlog
        self._dirty_backlogs.add(source)
        return {series for series in before.keys() | backlog.keys() if before.get(series) != backlog.get(series)}

    def names(self) -> Iterable[str]:
        """The series in which somebody waits."""
        return self._queues.keys()

    def open_names(self) -> set[str]:
        """The series in which a contact is open."""
        return {series for backlog in self._backlogs.values() for series in backlog}

    def now(self, series: str, at_ms: int) -> QueueNow:
        """How many wait in a series, how long the oldest has, in seconds, what its agents do, and how many are open."""
        backlog = sum([levels.get(series, 0) for levels in self._backlogs.values()])
        levels = self._by_series.get(series)
        if levels is None:
            return QueueNow(0, 0.0, backlog=backlog)
        found = self._sums.get(series)
        if found is None:
            found = self._sums[series] = _sum(levels.values())
        waiting, oldest_ms, agents = found
        return QueueNow(waiting, max(0, at_ms - oldest_ms) / 1000 if waiting else 0.0, agents, backlog)

    def flush(self) -> None:
        """Write the lists that changed."""
        for source in self._dirty:
            self._store[_PREFIX + str(source).encode()] = _ENCODER.encode(list(self._levels[source].values()))
        for source in self._dirty_backlogs:
            self._store[_BACKLOG_PREFIX + str(source).encode()] = _ENCODER.encode(self._backlogs[source])
        self._dirty.clear()
        self._dirty_backlogs.clear()

    def _put(self, series: str, source: int, level: WaitingLevel | None) -> None:
        self._sums.pop(series, None)
        levels = self._by_series.setdefault(series, {})
        before = levels.pop(source, None)
        if level is not None:
            levels[source] = level
        elif not levels:
            del self._by_series[series]
        queues = self._queues.get(series, 0) + _is_queue(level) - _is_queue(before)
        if queues:
            self._queues[series] = queues
        else:
            self._queues.pop(series, None)


def _is_queue(level: WaitingLevel | None) -> bool:
    return level is not None and level.waiting > 0


def _sum(levels: Collection[WaitingLevel]) -> tuple[int, int, AgentsNow | None]:
    """How many wait, since when the oldest does, and what agents do, None where nothing is known of any."""
    waiting = sum([level.waiting for level in levels])
    oldest_ms = min([level.oldest_ms for level in levels if level.waiting], default=0)
    known = [level.agents for level in levels if level.agents]
    return waiting, oldest_ms, AgentsNow(*(sum(of_state) for of_state in zip(*known, strict=True))) if known else None
