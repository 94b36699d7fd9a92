"""Merge: frames of all source partitions in; trends, closed minutes and the shard's pulse out. One state per shard.

It owns the order of a drain: watermark, finals, ledger, provisional records, clock, store. The parts are in merge_*.py. The
surprise: windows close in `drain` only, and only so many in one drain; the watermark that a drain publishes is the one it has
worked through, which in a fast replay is behind the one it heard of.
"""

from collections import Counter
from collections.abc import Mapping, MutableMapping, Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from streams.core.frame import Frame, MinuteFrame, MinuteRow, PaneChange
from streams.core.kpi import KpiRules
from streams.core.measure import BREAK_MS, OFFERED, Cell, handle_logs
from streams.core.merge_fresh import Fresh, by_window
from streams.core.merge_live import Live
from streams.core.merge_long import Long
from streams.core.merge_panes import Panes
from streams.core.merge_progress import Heard, MergeError, Progress
from streams.core.merge_records import Issue, publish
from streams.core.merge_waiting import Waiting
from streams.core.merge_windows import KINDS, UNREAD, Place, Windows
from streams.core.merge_windows import Window as OpenWindow
from streams.core.series import series_cut
from streams.core.trend import TUMBLING, Clock, Trend, WindowKind
from streams.core.window import MINUTE_MS, TRAILING_MS, window_bounds

__all__ = ["Merge", "MergeChanges", "MergeError", "MergeRules"]

META = b"meta"
STATE_VERSION = 2
PULSE_MS = 1_000  # the clock's promise: at least once a second
# How often provisional windows follow, by kind: what moves on a wall are the live windows. Each second for the minute and every
# five for the others still took a third of a drain in a busy centre.
EACH_MS = (2_000, 10_000, 10_000, 10_000)
AHEAD_MS = MINUTE_MS  # a window that begins further past the watermark isn't current: another partition runs ahead in a replay

_ENCODER = msgspec.msgpack.Encoder()


class MergeRules(msgspec.Struct, frozen=True, kw_only=True):
    """One set for all shards. Durations in ms.

    shards: merge shards; sources: source partitions, all of which are waited for; followers: so many of them, the last ones, take
    the time from intake's pulses (see Progress). pane_ms: divides 60,000. time_zone: IANA name.
    graces_ms: per tumbling kind, shortest kind first; must not shrink. refresh_ms: live series are published again this often.
    watch_cuts: the cuts whose closed minutes go to detect; of contribution_cuts only the contacts offered do.
    """

    shards: int
    sources: int
    followers: int
    pane_ms: int
    time_zone: str
    graces_ms: tuple[tuple[WindowKind, int], ...]
    refresh_ms: int
    watch_cuts: frozenset[str]
    contribution_cuts: frozenset[str]
    kpi: KpiRules


class MergeChanges(NamedTuple):
    """Everything since the last drain: (series, trend) records, finals first and in time order; what else the shard has to say.

    closed: series × windows made final, by kind; late: changes that came when merge had closed the window, by kind.
    """

    trends: list[tuple[str, Trend]]
    minutes: MinuteFrame | None
    clock: Clock | None
    closed: Mapping[WindowKind, int]
    late: Mapping[WindowKind, int]


class _Meta(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What of the state isn't a contribution. done_ms: the watermark up to which windows are closed."""

    version: int = STATE_VERSION
    heard: list[Heard | None] = []
    watermark_ms: int | None = None
    event_ms: int | None = None
    done_ms: int | None = None
    revision: int = 0
    minutes: int = 0


_META_DECODER = msgspec.msgpack.Decoder(_Meta)


class Merge:
    """Adds up frames and says what changed. The state is in `store` after each drain, and is rebuilt from it."""

    def __init__(self, shard: int, store: MutableMapping[bytes, bytes], rules: MergeRules) -> None:
        assert tuple(kind for kind, _ in rules.graces_ms) == TUMBLING, "a grace for each kind, shortest kind first"
        self._shard, self._store, self._rules = shard, store, rules
        self._zone = ZoneInfo(rules.time_zone)
        meta = _META_DECODER.decode(store[META]) if META in store else _Meta()
        assert meta.version == STATE_VERSION, f"merge state version {meta.version}, this program reads {STATE_VERSION}"
        heard = [*meta.heard, *([None] * (rules.sources - len(meta.heard)))]
        self._progress = Progress(heard, meta.watermark_ms, meta.event_ms, rules.followers)
        self._done_ms = meta.done_ms
        self._revision, self._minutes = meta.revision, meta.minutes
        self._windows = Windows(self._zone, tuple(grace for _, grace in rules.graces_ms))
        self._waiting = Waiting(store)
        self._panes = Panes(store)
        self._live = Live(rules.pane_ms, rules.refresh_ms)
        self._long = Long(store, self._zone, rules.graces_ms[-1][1])
        self._fresh = Fresh()
        self._grace_1m_ms = rules.graces_ms[0][1]
        self._late: Counter[WindowKind] = Counter()
        self._pulse_ms = 0
        self._provisional_ms = [0] * KINDS
        self._pulse: tuple[int | None, int | None] | None = None
        for start_ms, level, series, cell in self._panes.restore(lambda pane_ms: self._windows.place(pane_ms).starts[1]):
            place = self._windows.place(start_ms)
            for kind in range(max(level, place.level(self._done_ms)), KINDS):
                self._windows.add(kind, place, {series: cell}, {series: UNREAD})
        self._windows.mark_published()
        self._long.restore(self._windows.open[-1])
        if self._done_ms is not None:
            self._live.restore(self._done_ms, self._today(self._done_ms), self._panes.panes, self._waiting)

    def apply(self, frames: Sequence[Frame]) -> None:
        """Add frames; raises MergeError where one is missing or repeated."""
        for frame in frames:
            self._progress.hear(frame)
            read_ms = UNREAD if frame.read_ms is None else frame.read_ms
            for change in frame.changes:
                self._add(change, read_ms)
            if frame.waiting is not None:
                self._live.touch(self._waiting.replace(frame.source, frame.waiting))
            if frame.backlog is not None:
                self._live.touch(self._waiting.replace_backlog(frame.source, frame.backlog))

    def drain(self, now_ms: int) -> MergeChanges:
        """Close what is due, publish what changed, write the state. Cheap when nothing happened."""
        self._settle()
        before = self._closed_ms()
        closed = self._close()
        finals: list[tuple[str, Trend]] = []
        others: list[tuple[str, Trend]] = []
        if self._done_ms is not None:
            counted_ms = self._done_ms - self._done_ms % self._rules.pane_ms
            issue = Issue(self._revision + 1, self._done_ms, now_ms, self._rules.time_zone, self._rules.kpi, counted_ms)
            finals = [record for window in closed for record in publish(window, window.cells, issue, final=True)]
            finals += self._long.close(issue)
            long = self._long.provisional(issue, self._windows.open[-1], AHEAD_MS)
            others = [*self._provisional(issue), *long, *self._live.drain(issue, self._waiting)]
        minutes = None if before == self._closed_ms() else self._minute_frame(closed)
        clock = self._clock(now_ms)
        if finals or others or clock:
            self._revision += 1
        counts = Counter(record.window.kind for _, record in finals)
        changes = MergeChanges([*finals, *others], minutes, clock, counts, self._late)
        self._late = Counter()
        self._flush()
        return changes

    def _add(self, change: PaneChange, read_ms: int) -> None:
        """Note a change for the windows that are open to it; count it late where merge was faster."""
        pane_ms, level, series, cell = change.pane_ms, change.closed, change.series, change.cell
        place = self._windows.place(pane_ms)
        closed = place.level(self._done_ms)
        if closed > level:  # only a source partition that was idle, and so not waited for, can bring this
            self._late.update(TUMBLING[level:closed])
            level = closed
        if level < KINDS:
            self._fresh.add(pane_ms, level, place, series, cell, read_ms)

    def _settle(self) -> None:
        """Add what came to every window that is open to it and to the ledger."""
        groups = self._fresh.take()
        for kind, group in by_window(groups):
            self._windows.add(kind, *group)
            if kind == KINDS - 1:
                self._long.touch(group.place.starts[kind], group.cells)
        for (pane_ms, level), group in groups.items():
            self._live.add(pane_ms, level, group.place.starts[-1], group.cells, group.reads)
            self._panes.add(pane_ms, group.place.starts[1], level, group.cells)

    def _close(self) -> list[OpenWindow]:
        """Follow the watermark as far as one drain goes; the windows that closed, in order."""
        heard_ms = self._progress.advance()
        if heard_ms is None:
            return []
        self._done_ms, closed = self._windows.close(heard_ms)
        self._live.move(self._done_ms, self._today(self._done_ms), self._panes.panes)
        for window in closed:
            if window.kind == "1d":
                self._panes.drop_quarters(window.start_ms, window.end_ms)
                self._long.take_day(window)
        self._fold(self._done_ms)
        return closed

    def _fold(self, done_ms: int) -> None:
        """Fold the quarters that nothing needs pane by pane any more; drop those whose day is final."""
        for quarter_ms in sorted(self._panes.unfolded):
            place = self._windows.place(quarter_ms)
            if not self._is_folded(place):
                return
            level = place.level(done_ms)
            if level == KINDS:
                self._panes.drop_panes(quarter_ms)
            else:
                self._panes.fold(quarter_ms, level)

    def _is_folded(self, place: Place) -> bool:
        """Whether the quarter of an hour has left the trailing window and its minutes are final."""
        if self._done_ms is None:
            return False
        quarter_end_ms = place.ends[1]
        return quarter_end_ms <= self._done_ms - max(TRAILING_MS, self._grace_1m_ms)

    def _provisional(self, issue: Issue) -> list[tuple[str, Trend]]:
        """Records of the open windows that changed and have begun, of the kinds whose turn it is."""
        found: list[tuple[str, Trend]] = []
        for kind, each_ms in enumerate(EACH_MS):
            if 0 <= issue.published_ms - self._provisional_ms[kind] < each_ms:
                continue
            self._provisional_ms[kind] = issue.published_ms
            dirty = self._windows.dirty[kind]
            for start_ms in sorted(start for start in dirty if start <= issue.watermark_ms + AHEAD_MS):
                window = self._windows.open[kind][start_ms]
                found += publish(window, window.dirty, issue, final=False)
                window.dirty.clear()
                dirty.discard(start_ms)
        return found

    def _today(self, done_ms: int) -> OpenWindow:
        """The day that holds the watermark; without contacts yet, an empty one."""
        start_ms, end_ms = window_bounds("1d", done_ms, self._zone)
        return self._windows.open[-1].get(start_ms) or OpenWindow("1d", start_ms, end_ms)

    def _closed_ms(self) -> int | None:
        """Every minute that ends at or before this is closed."""
        return None if self._done_ms is None else (self._done_ms - self._grace_1m_ms) // MINUTE_MS * MINUTE_MS

    def _minute_frame(self, closed: list[OpenWindow]) -> MinuteFrame:
        """The closed minutes of the watched cuts; counts and sums only, or a frame could pass Kafka's 1 MB."""
        closed_ms = self._closed_ms()
        assert closed_ms is not None, "a minute frame follows a watermark"
        self._minutes += 1
        rows = [
            MinuteRow(series, window.start_ms, counts)
            for window in closed
            if window.kind == "1m"
            for series, cell in window.cells.items()
            if (counts := self._of_minute(series_cut(series), cell))
        ]
        return MinuteFrame(
            shard=self._shard,
            shards=self._rules.shards,
            number=self._minutes,
            closed_ms=closed_ms,
            rows=rows,
            ended_ms=self._progress.ended_ms(),
        )

    def _of_minute(self, cut: str, cell: Cell) -> Cell:
        if cut in self._rules.watch_cuts:
            return {code: n for code, n in cell.items() if code <= BREAK_MS} | handle_logs(cell)
        return {OFFERED: cell[OFFERED]} if cut in self._rules.contribution_cuts and OFFERED in cell else {}

    def _clock(self, now_ms: int) -> Clock | None:
        """The pulse, where it says something new or a second has passed."""
        state = (self._done_ms, self._closed_ms())
        if state == self._pulse and 0 <= now_ms - self._pulse_ms < PULSE_MS:
            return None
        self._pulse, self._pulse_ms = state, now_ms
        return Clock(
            shard=self._shard,
            shards=self._rules.shards,
            watermark_ms=self._done_ms,
            closed_ms=self._closed_ms(),
            heard_ms=self._progress.heard_ms(),
            event_ms=self._progress.event_ms,
            revision=self._revision + 1,
            published_ms=now_ms,
        )

    def _flush(self) -> None:
        self._panes.flush()
        self._waiting.flush()
        progress = self._progress
        meta = _Meta(
            STATE_VERSION, progress.heard, progress.watermark_ms, progress.event_ms, self._done_ms, self._revision, self._minutes
        )
        data = _ENCODER.encode(meta)
        if self._store.get(META) != data:
            self._store[META] = data
