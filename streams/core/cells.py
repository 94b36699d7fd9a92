"""Cells: what the contacts since the last drain add up to, by pane, closed level and combination, rolled up to the cuts at drain.

Per event one cell is touched, however many cuts there are. A drain lays the cells out as (series, measure, number) for all cuts
and adds them up by sorting, in numpy: less than half of what dictionaries took.

The surprise: a new series takes its place in its cut at its first contact, not at the drain, so that neither batching nor a
restart changes which series a full cut takes no more.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, pairwise
from typing import TypeAlias
from zoneinfo import ZoneInfo

import numpy as np

from streams.core.context import Combination
from streams.core.frame import PaneChange, shard_of
from streams.core.hours import CLOSED, OPEN, OpenHours
from streams.core.measure import CODES_MAX, Cell
from streams.core.rules import IntakeRules
from streams.core.series import HOURS, TOTAL, cut_dimensions, is_by_hours, series_cut, series_of

OTHER = "other"  # what the values of a series become in a cut that is full
TOGETHER = 300  # combinations that are added up at once: numpy's calls cost as much as some hundred, and caches hold so many
_LEVELS = 8  # more than there are kinds: pane and level share one integer, the cheapest key

Group: TypeAlias = tuple[int, int, Mapping[Combination, Cell]]  # start of the pane, closed level, cells


class Cells:
    """The cells of one source partition since the last drain, and the series it has ever counted (`known`, by cut)."""

    def __init__(self, rules: IntakeRules, finest: tuple[str, ...], known: Iterable[str]) -> None:
        self._rules = rules
        # 'hours' comes after the finest dimensions: it is put behind a combination's values.
        places = (*finest, HOURS)
        self._positions = {cut: tuple(places.index(name) for name in cut_dimensions(cut)) for cut in rules.cuts}
        self._is_by_hours = any(HOURS in cut_dimensions(cut) for cut in rules.cuts)
        self._open_hours = OpenHours(rules.hours, ZoneInfo(rules.time_zone))
        self._queue, self._hours = finest.index("queue"), len(finest)
        self._known: dict[str, set[str]] = {cut: set() for cut in rules.cuts}
        for series in known:
            self._known.setdefault(series_cut(series), set()).add(series)
        self._numbers: dict[str, int] = {}  # series → its place in the next two
        self._names: list[str] = []
        self._shards: list[int] = []
        self._cells: dict[int, dict[Combination, Cell]] = {}
        self.new_series: list[str] = []
        self.capped: dict[str, int] = {}

    def at(self, time_ms: int, level: int, combination: Combination) -> Cell:
        """The cell of a moment's pane."""
        key = time_ms // self._rules.pane_ms * _LEVELS + level
        row = self._cells.get(key)
        if row is None:
            row = self._cells[key] = {}
        cell = row.get(combination)
        if cell is None:
            self.series(combination)
            cell = row[combination] = {}
        return cell

    def series(self, combination: Combination) -> tuple[int, ...]:
        """The numbers of a combination's series in each cut, in the order of the cuts; one new to a full cut is 'other'.

        Of cuts by business hours the series of open hours; that of closed hours takes its place, too.
        """
        if not combination.series:
            combination.series = combination.closed = self._series(combination.values, OPEN)
            if self._is_by_hours:
                combination.closed = self._series(combination.values, CLOSED)
        return combination.series

    def now(self, combination: Combination) -> list[tuple[int, str]]:
        """Shard and series of who waits at this moment: without cuts by business hours, which are of the past."""
        if combination.now is None:
            places = ((self._shards[number], self._names[number]) for number in self.series(combination))
            combination.now = [(shard, name) for shard, name in places if not is_by_hours(name)]
        return combination.now

    def _series(self, values: tuple[str, ...], hours: str) -> tuple[int, ...]:
        return tuple(self._number(self._name(cut, (*values, hours))) for cut in self._rules.cuts)

    def _number(self, name: str) -> int:
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self._names)
            self._names.append(name)
            self._shards.append(shard_of(name, self._rules.shards))
        return number

    def take(self) -> list[list[PaneChange]]:
        """The changes since the last call, by shard; nothing is left."""
        shards: list[list[PaneChange]] = [[] for _ in range(self._rules.shards)]
        cells, self._cells = self._cells, {}
        groups: list[Group] = []
        waiting = 0
        for key, row in cells.items():
            pane, level = divmod(key, _LEVELS)
            groups.append((pane * self._rules.pane_ms, level, row))
            waiting += len(row)
            if waiting >= TOGETHER:
                self._roll_up(groups, shards)
                groups, waiting = [], 0
        if groups:
            self._roll_up(groups, shards)
        return shards

    def _roll_up(self, groups: Sequence[Group], shards: Sequence[list[PaneChange]]) -> None:
        """Add each series' cell to its shard, without what comes to 0: taken back within this drain, or a sum of nothing."""
        cells = [cell for _, _, row in groups for cell in row.values()]
        sizes = np.fromiter(map(len, cells), np.intp, len(cells))
        count = int(sizes.sum())
        codes = np.fromiter(chain.from_iterable(cells), np.int64, count)
        numbers = np.fromiter(chain.from_iterable(map(dict.values, cells)), np.int64, count)
        series = [self._at(combination, start_ms) for start_ms, _, row in groups for combination in row]
        # The place of a series among those of all groups: a group's come after all of the one before.
        places = np.array(series, np.int64).reshape(len(cells), -1)
        places += np.arange(len(groups)).repeat([len(row) for _, _, row in groups])[:, np.newaxis] * len(self._names)
        keys = (places.T.repeat(sizes, axis=1) * CODES_MAX + codes).ravel()
        order = keys.argsort(kind="stable")
        keys = keys[order]
        starts = np.flatnonzero(np.diff(keys, prepend=-1))
        sums = np.add.reduceat(np.tile(numbers, len(self._rules.cuts))[order], starts) if count else numbers
        keys, sums = keys[starts][sums != 0], sums[sums != 0]
        found, codes = np.divmod(keys, CODES_MAX)
        borders = np.flatnonzero(np.diff(found, prepend=-1))
        each_group, each_series = (each.tolist() for each in np.divmod(found[borders], max(1, len(self._names))))
        each_code, each_sum = codes.tolist(), sums.tolist()
        for group, number, (begin, end) in zip(each_group, each_series, pairwise([*borders.tolist(), len(found)]), strict=True):
            start_ms, level, _ = groups[group]
            cell = dict(zip(each_code[begin:end], each_sum[begin:end], strict=True))
            shards[self._shards[number]].append(PaneChange(start_ms, level, self._names[number], cell))

    def _at(self, combination: Combination, time_ms: int) -> tuple[int, ...]:
        """The series of a combination at a pane's start: panes divide minutes, so a queue is open for all of one or for none."""
        if self._is_by_hours and not self._open_hours.is_open(combination.values[self._queue], time_ms):
            return combination.closed
        return combination.series

    def _name(self, cut: str, values: tuple[str, ...]) -> str:
        positions = self._positions[cut]
        series = series_of(cut, *(values[position] for position in positions))
        known = self._known[cut]
        if series in known:
            return series
        if cut != TOTAL and len(known) >= self._rules.cut_series_max:
            self.capped[cut] = self.capped.get(cut, 0) + 1
            return series_of(cut, *(values[position] if position == self._hours else OTHER for position in positions))
        known.add(series)
        self.new_series.append(series)
        return series
