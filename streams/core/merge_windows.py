"""The open tumbling windows of merge: sums per series, what changed, and when each window closes.

A window is closed when the watermark reaches its end + grace. The surprise: `close` may stop before the watermark it is given, so
that a replay of a month doesn't close ten thousand windows in one flush; it says how far it came, and the next one goes on.
"""

from collections.abc import Mapping
from heapq import heappop, heappush
from typing import NamedTuple
from zoneinfo import ZoneInfo

from streams.core.measure import Cell, add
from streams.core.trend import TUMBLING, WindowKind
from streams.core.window import window_bounds

KINDS = len(TUMBLING)

# Finals per drain, more or less: a minute frame of as many rows stays under Kafka's 1 MB, and at 0.2 ms each a drain holds up
# others for less than half a second. At 3 kB each they are the larger part of what a flush writes in a catch-up.
CLOSE_MAX = 2_000

UNREAD = 1 << 62  # stands for 'no event was read for this', so that the minimum with any time is that time


class Place(NamedTuple):
    """The windows that a pane lies in, by kind: starts, ends, and the watermarks at which they close."""

    starts: tuple[int, ...]
    ends: tuple[int, ...]
    closes: tuple[int, ...]

    def level(self, watermark_ms: int | None) -> int:
        """How many kinds, counted from the shortest, are closed here at a watermark; longer kinds close later."""
        if watermark_ms is None or self.closes[0] > watermark_ms:
            return 0
        return sum(close <= watermark_ms for close in self.closes)


class Window:
    """One open window [start, end): cells per series; `dirty`: series changed since they were last published → read time."""

    __slots__ = ("cells", "dirty", "end_ms", "kind", "published", "start_ms")

    def __init__(self, kind: WindowKind, start_ms: int, end_ms: int) -> None:
        self.kind = kind
        self.start_ms = start_ms
        self.end_ms = end_ms
        self.cells: dict[str, Cell] = {}
        self.dirty: dict[str, int] = {}
        self.published: set[str] = set()


class Windows:
    """One per shard, in memory only: rebuilt from the ledger."""

    def __init__(self, zone: ZoneInfo, graces_ms: tuple[int, ...]) -> None:
        assert list(graces_ms) == sorted(graces_ms), "a longer kind's grace is no shorter, so that kinds close in order"
        self._zone = zone
        self._graces_ms = graces_ms
        self._places: dict[int, Place] = {}
        self._closing: list[tuple[int, int, int]] = []  # heap of (closes at, kind, start)
        self.open: tuple[dict[int, Window], ...] = tuple({} for _ in TUMBLING)
        self.dirty: tuple[set[int], ...] = tuple(set() for _ in TUMBLING)  # starts of windows with dirty series

    def place(self, pane_ms: int) -> Place:
        """The windows of a pane, remembered."""
        place = self._places.get(pane_ms)
        if place is None:
            bounds = [window_bounds(kind, pane_ms, self._zone) for kind in TUMBLING]
            starts, ends = tuple(start for start, _ in bounds), tuple(end for _, end in bounds)
            place = Place(starts, ends, tuple(end + grace for end, grace in zip(ends, self._graces_ms, strict=True)))
            if len(self._places) >= 10_000:  # a day of panes of 10 s; then forget and begin anew
                self._places.clear()
            self._places[pane_ms] = place
        return place

    def add(self, kind: int, place: Place, cells: Mapping[str, Cell], reads: Mapping[str, int]) -> None:
        """Add contributions, by series, to the window of a kind in which their panes lie."""
        start = place.starts[kind]
        window = self.open[kind].get(start) or self._begin(kind, place)
        totals, dirty = window.cells, window.dirty
        self.dirty[kind].add(start)
        for series, cell in cells.items():
            found = totals.get(series)
            if found is None:
                totals[series] = cell.copy()
            else:
                add(found, cell)
            read_ms = reads[series]
            if read_ms < dirty.get(series, UNREAD + 1):
                dirty[series] = read_ms

    def close(self, watermark_ms: int, room: int = CLOSE_MAX) -> tuple[int, list[Window]]:
        """Close what the watermark closes, up to about `room` series × windows: (how far it came, windows in order)."""
        closed: list[Window] = []
        while self._closing and self._closing[0][0] <= watermark_ms:
            closes_ms = self._closing[0][0]
            if room <= 0:
                return closes_ms - 1, closed
            while self._closing and self._closing[0][0] == closes_ms:
                _, kind, start = heappop(self._closing)
                window = self.open[kind].pop(start)
                self.dirty[kind].discard(start)
                closed.append(window)
                room -= len(window.cells)
        return watermark_ms, closed

    def mark_published(self) -> None:
        """After a restart: figures of every window may be out."""
        for windows in self.open:
            for window in windows.values():
                window.published.update(window.cells)

    def _begin(self, kind: int, place: Place) -> Window:
        start = place.starts[kind]
        window = self.open[kind][start] = Window(TUMBLING[kind], start, place.ends[kind])
        heappush(self._closing, (place.closes[kind], kind, start))
        return window
