"""The trailing half hour: the sum of the panes in [start, limit), moved along as the watermark moves.

`limit` lies a minute past the pane that holds the watermark: live contacts are a few seconds newer than it and belong in the
picture; what another partition has of tomorrow, in a replay, doesn't.
"""

from collections.abc import Mapping

from streams.core.measure import Cell, add
from streams.core.merge_panes import Entry
from streams.core.merge_windows import UNREAD
from streams.core.trend import TUMBLING
from streams.core.window import MINUTE_MS, TRAILING_MS, trailing_start

ONLY_DAYS = TUMBLING.index("1d")  # contributions of this level and above mean nothing in part of a day: customers by frequency
AHEAD_MS = MINUTE_MS  # more than events are ever out of order (5 s by default), less than a picture of half an hour shows


class Trailing:
    """One per shard, in memory only. `cells`: series → sum, without empty ones; `dirty`: changed series → read time."""

    def __init__(self, pane_ms: int) -> None:
        self._pane_ms = pane_ms
        self.end_ms = 0
        self.start_ms = 0
        self.limit_ms = 0
        self.cells: dict[str, Cell] = {}
        self.dirty: dict[str, int] = {}

    def add(self, pane_ms: int, cells: Mapping[str, Cell], reads: Mapping[str, int]) -> None:
        """Add contributions of a pane, by series, if it is inside."""
        if self.start_ms <= pane_ms < self.limit_ms:
            dirty = self.dirty
            for series, cell in cells.items():
                self._put(series, cell)
                read_ms = reads[series]
                if read_ms < dirty.get(series, UNREAD + 1):
                    dirty[series] = read_ms

    def move(self, watermark_ms: int, panes: Mapping[int, Mapping[Entry, Cell]]) -> None:
        """Let the window end with the pane that holds the watermark: panes leave and enter; a long jump begins anew."""
        end_ms = watermark_ms - watermark_ms % self._pane_ms + self._pane_ms
        if end_ms == self.end_ms:
            return
        start_ms, limit_ms = trailing_start(end_ms), end_ms + AHEAD_MS
        if end_ms - self.end_ms >= TRAILING_MS:
            self._begin(start_ms, limit_ms, panes)
        else:
            for pane_ms in range(self.start_ms, start_ms, self._pane_ms):
                self._shift(panes.get(pane_ms, {}), -1)
            for pane_ms in range(self.limit_ms, limit_ms, self._pane_ms):
                self._shift(panes.get(pane_ms, {}), 1)
        self.end_ms, self.start_ms, self.limit_ms = end_ms, start_ms, limit_ms

    def _begin(self, start_ms: int, limit_ms: int, panes: Mapping[int, Mapping[Entry, Cell]]) -> None:
        for series in self.cells:
            self.dirty.setdefault(series, UNREAD)
        self.cells.clear()
        for pane_ms in range(start_ms, limit_ms, self._pane_ms):
            self._shift(panes.get(pane_ms, {}), 1)

    def _shift(self, pane: Mapping[Entry, Cell], sign: int) -> None:
        for (level, series), cell in pane.items():
            if level >= ONLY_DAYS:
                continue
            self._put(series, cell if sign > 0 else {code: -n for code, n in cell.items()})
            self.dirty.setdefault(series, UNREAD)

    def _put(self, series: str, cell: Cell) -> None:
        found = self.cells.get(series)
        if found is None:
            if cell:
                self.cells[series] = cell.copy()
            return
        add(found, cell)
        if not found:
            del self.cells[series]
