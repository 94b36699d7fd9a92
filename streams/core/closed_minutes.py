"""Closed minutes: what merge shards have told of minutes that not all of them have closed, and the minute that is next.

The surprise: shards close a minute one after the other and are counted on once each has been heard, so this is what of the
minutes survives a restart.
"""

from typing import NamedTuple

import msgspec

from streams.core.frame import MinuteFrame
from streams.core.measure import AVAILABLE_MS, OFFERED, Cell, add
from streams.core.series import series_cut
from streams.core.window import MINUTE_MS


class Wanted(NamedTuple):
    """Cuts by what is kept of them: contacts offered; the contacts' whole cells, for thresholds; all, agents' time included."""

    offered: frozenset[str]
    judged: frozenset[str]
    staffed: frozenset[str]


class ClosedMinutes(msgspec.Struct, array_like=True):
    """By shard: the number of its newest frame, until when it has closed, where its feed ends. next_ms: the minute to step;
    empty_minutes: without contacts before it. By minute and series: waiting, cells and staff, see `Wanted`."""

    numbers: dict[int, int] = {}
    closed_ms: dict[int, int] = {}
    next_ms: int | None = None
    empty_minutes: int = 0
    waiting: dict[int, dict[str, int]] = {}
    ended_ms: dict[int, int | None] = {}
    cells: dict[int, dict[str, Cell]] = {}
    staff: dict[int, dict[str, Cell]] = {}

    def take(self, frame: MinuteFrame, wanted: Wanted) -> None:
        """A frame of a shard, the next one of it."""
        expected = self.numbers.get(frame.shard, frame.number - 1) + 1
        assert frame.number == expected, f"minutes of shard {frame.shard}: expected frame {expected}, found {frame.number}"
        self.numbers[frame.shard] = frame.number
        for row in frame.rows:
            cut = series_cut(row.series)
            if cut in wanted.judged and (of_contacts := {code: n for code, n in row.cell.items() if code < AVAILABLE_MS}):
                add(self.cells.setdefault(row.start_ms, {}).setdefault(row.series, {}), of_contacts)
            if cut in wanted.staffed:
                add(self.staff.setdefault(row.start_ms, {}).setdefault(row.series, {}), row.cell)
            offered = row.cell.get(OFFERED, 0)
            if offered > 0 and cut in wanted.offered:
                late = self.next_ms is not None and row.start_ms < self.next_ms
                assert not late, f"minute {row.start_ms} of shard {frame.shard} was closed before {self.next_ms}"
                minute = self.waiting.setdefault(row.start_ms, {})
                minute[row.series] = minute.get(row.series, 0) + offered
        self.ended_ms[frame.shard] = frame.ended_ms
        self.closed_ms[frame.shard] = max(frame.closed_ms, self.closed_ms.get(frame.shard, frame.closed_ms))

    def end_ms(self, closed_ms: int) -> int:
        """Where the feed ends: minutes that end after it aren't judged. Past everything closed unless all shards say so."""
        ends = self.ended_ms.values()
        known = [end_ms for end_ms in ends if end_ms is not None]
        return max(known) if known and len(known) == len(ends) else closed_ms + MINUTE_MS

    def forget(self, start_ms: int) -> None:
        """No cells of a minute are wanted any longer."""
        self.cells.pop(start_ms, None)
        self.staff.pop(start_ms, None)

    def forget_until(self, end_ms: int) -> None:
        """No cells of minutes that begin before `end_ms` are wanted any longer: they were slept through."""
        self.cells = {start_ms: cells for start_ms, cells in self.cells.items() if start_ms >= end_ms}
        self.staff = {start_ms: cells for start_ms, cells in self.staff.items() if start_ms >= end_ms}
