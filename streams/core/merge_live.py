"""The live windows: the trailing half hour and today, one record per series that replaces the one before.

A series that has left a window gets one empty record there, because its last figures would stay on the wall otherwise; then it is
silent. While contacts wait in a queue, their series speaks each second, because the oldest wait grows without any event.
"""

from collections.abc import Iterable, Mapping

from streams.core.measure import Cell
from streams.core.merge_panes import Entry
from streams.core.merge_records import Figures, Issue, trends
from streams.core.merge_trailing import ONLY_DAYS, Trailing
from streams.core.merge_waiting import Waiting
from streams.core.merge_windows import UNREAD
from streams.core.merge_windows import Window as OpenWindow
from streams.core.series import is_by_hours, is_crossed
from streams.core.trend import Trend, Window, WindowKind

QUEUE_MS = 1_000  # what a wallboard's seconds need
# Where more than FEW series have changed, those of one dimension, which a wall shows, are published twice a second, and those of
# crossed ones, of which there are many, every two seconds. A record costs 0.2 to 0.5 ms until it is on the board; the eye sees
# no difference in a figure that moves all the time.
FEW, PLAIN_MS, CROSSED_MS = 20, 500, 2_000
FRESH_MS = (
    600_000  # a watermark within ten minutes of the clock is live, and waits are measured up to now; a replay's up to itself
)
_NOTHING: Cell = {}


class Live:
    """One per shard, in memory only: the first drain after a restart publishes every live series again."""

    def __init__(self, pane_ms: int, refresh_ms: int) -> None:
        self._trailing = Trailing(pane_ms)
        self._today = OpenWindow("1d", -1, -1)  # no day yet
        self._dirty_today: dict[str, int] = {}
        self._shown: dict[WindowKind, set[str]] = {"30m": set(), "today": set()}
        self._queue_ms = self._plain_ms = self._crossed_ms = 0
        self._refresh = Refresh(refresh_ms)

    def add(self, pane_ms: int, level: int, day_ms: int, cells: Mapping[str, Cell], reads: Mapping[str, int]) -> None:
        """Add contributions of a pane, by series, to the trailing window; note that today has changed, if they are of today."""
        if level < ONLY_DAYS:
            self._trailing.add(pane_ms, cells, reads)
        if day_ms == self._today.start_ms:
            dirty = self._dirty_today
            for series, read_ms in reads.items():
                if read_ms < dirty.get(series, UNREAD + 1):
                    dirty[series] = read_ms

    def touch(self, names: Iterable[str]) -> None:
        """Publish these series with the next drain, whatever their contacts do."""
        for series in names:
            self._trailing.dirty.setdefault(series, UNREAD)
            self._dirty_today.setdefault(series, UNREAD)

    def restore(self, watermark_ms: int, today: OpenWindow, panes: Mapping[int, Mapping[Entry, Cell]], waiting: Waiting) -> None:
        """Stand where the last drain stood: what was on the wall then is published again, or as empty where it has left since."""
        self.move(watermark_ms, today, panes)
        now = {*waiting.names(), *waiting.open_names()}
        self.touch(now)
        self._shown["30m"].update(self._trailing.cells, now)
        self._shown["today"].update(today.cells, now)

    def move(self, watermark_ms: int, today: OpenWindow, panes: Mapping[int, Mapping[Entry, Cell]]) -> None:
        """Follow the watermark; `today` is the day that holds it."""
        self._trailing.move(watermark_ms, panes)
        if today.start_ms != self._today.start_ms:
            for series in self._shown["today"] | today.cells.keys():
                self._dirty_today.setdefault(series, UNREAD)
        self._today = today

    def drain(self, issue: Issue, waiting: Waiting) -> list[tuple[str, Trend]]:
        """Records of the live series that changed, and of those whose turn it is to be published again."""
        now_ms = issue.published_ms
        if not 0 <= now_ms - self._queue_ms < QUEUE_MS:
            self._queue_ms = now_ms
            self.touch(waiting.names())
        again = self._refresh.due(now_ms, self._shown)
        self.touch(again)
        for shown in self._shown.values():
            shown.update(again)
        turn = self._turn(now_ms)
        if not any(turn):
            return []
        at_ms = now_ms if abs(now_ms - issue.watermark_ms) < FRESH_MS else issue.watermark_ms
        trailing, day = self._trailing, self._today
        half_hour = Window("30m", trailing.start_ms, trailing.end_ms, issue.time_zone)
        today = Window("today", day.start_ms, day.end_ms, issue.time_zone)
        return [
            *self._records(half_hour, trailing.cells, trailing.dirty, turn, issue, waiting, at_ms),
            *self._records(today, day.cells, self._dirty_today, turn, issue, waiting, at_ms),
        ]

    def _turn(self, now_ms: int) -> tuple[bool, bool]:
        """Whether it is the turn of series of one dimension, and of crossed ones."""
        few = len(self._trailing.dirty) <= FEW
        plain = few or not 0 <= now_ms - self._plain_ms < PLAIN_MS
        crossed = few or not 0 <= now_ms - self._crossed_ms < CROSSED_MS
        self._plain_ms = now_ms if plain else self._plain_ms
        self._crossed_ms = now_ms if crossed else self._crossed_ms
        return plain, crossed

    def _records(
        self,
        window: Window,
        cells: Mapping[str, Cell],
        dirty: dict[str, int],
        turn: tuple[bool, bool],
        issue: Issue,
        waiting: Waiting,
        at_ms: int,
    ) -> list[tuple[str, Trend]]:
        found: list[Figures] = []
        shown = self._shown[window.kind]
        due = list(dirty) if all(turn) else [series for series in dirty if turn[is_crossed(series)]]
        for series in due:
            read_ms = dirty.pop(series)
            cell = cells.get(series, _NOTHING)
            queue = None if is_by_hours(series) else waiting.now(series, at_ms)
            if cell or (queue is not None and (queue.waiting or queue.backlog)):
                shown.add(series)
            elif series in shown:
                shown.discard(series)
            else:
                continue
            found.append(Figures(series, cell, read_ms, queue))
        return trends(found, window, issue, final=False)


class Refresh:
    """Whose turn it is to be published again: all shown series once in `refresh_ms`, spread evenly over it."""

    def __init__(self, refresh_ms: int) -> None:
        self._refresh_ms = refresh_ms
        self._round: list[str] = []
        self._place = 0
        self._began_ms = 0

    def due(self, now_ms: int, shown: Mapping[WindowKind, set[str]]) -> list[str]:
        """The next ones of this round; a new round begins when the time of the last is over."""
        passed_ms = now_ms - self._began_ms
        if self._round and 0 <= passed_ms < self._refresh_ms:
            place = len(self._round) * passed_ms // self._refresh_ms
            due = self._round[self._place : place]
            self._place = max(self._place, place)
            return due
        due = self._round[self._place :]
        self._round = sorted(set().union(*shown.values()))
        self._place, self._began_ms = 0, now_ms
        return due
