"""Cells: what the contacts since the last drain add up to, by pane, closed level and combination, rolled up to the cuts at drain.

Per event one cell is touched, however many cuts there are. A cut is rolled up from the smallest finer one ('queue' from
'channel+queue'), which has fewer cells than there are combinations: with ten cuts half the work.

The surprise: a new series takes its place in its cut at its first contact, not at the drain, so that neither batching nor a
restart changes which series a full cut takes no more.
"""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from streams.core.context import Combination
from streams.core.frame import PaneChange, shard_of
from streams.core.hours import CLOSED, OPEN, OpenHours
from streams.core.measure import Cell
from streams.core.rules import IntakeRules
from streams.core.series import HOURS, TOTAL, cut_dimensions, is_by_hours, series_cut, series_of

OTHER = "other"  # what the values of a series become in a cut that is full
_LEVELS = 8  # more than there are kinds: pane and level share one integer, the cheapest key


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
        self._order = roll_up_order(rules.cuts)
        self._shards: dict[str, int] = {}
        self._coarser: list[dict[str, str]] = [
            {} for _ in self._order
        ]  # by step of the order: series of the finer cut → its series
        self._full: set[str] = set()  # cuts with series under 'other': what is finer can't be told from them any more
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

    def series(self, combination: Combination) -> list[tuple[int, str]]:
        """Shard and series of a combination in each cut, in the order of the cuts; one that is new to a full cut is 'other'.

        Of cuts by business hours the series of open hours; that of closed hours takes its place, too.
        """
        if combination.series is None:
            combination.series = combination.closed = self._series(combination.values, OPEN)
            if self._is_by_hours:
                combination.closed = self._series(combination.values, CLOSED)
        return combination.series

    def now(self, combination: Combination) -> list[tuple[int, str]]:
        """The same for who waits at this moment: without cuts by business hours, which are of the past."""
        series = self.series(combination)
        return [place for place in series if not is_by_hours(place[1])] if self._is_by_hours else series

    def _series(self, values: tuple[str, ...], hours: str) -> list[tuple[int, str]]:
        names = {cut: self._name(cut, (*values, hours)) for cut in self._rules.cuts}
        for (cut, finer), coarser in zip(self._order, self._coarser, strict=True):
            if finer is not None:
                coarser[names[finer]] = names[cut]
        return [(self._shards.setdefault(name, shard_of(name, self._rules.shards)), name) for name in names.values()]

    def take(self) -> list[list[PaneChange]]:
        """The changes since the last call, by shard; nothing is left."""
        shards: list[list[PaneChange]] = [[] for _ in range(self._rules.shards)]
        for key, row in self._cells.items():
            pane, level = divmod(key, _LEVELS)
            for rolled in self._roll_up(row, pane * self._rules.pane_ms).values():
                for series, cell in rolled.items():
                    if 0 in cell.values():  # taken back within this drain, or a sum of nothing
                        cell = {code: n for code, n in cell.items() if n}
                    if cell:
                        shards[self._shards[series]].append(PaneChange(pane * self._rules.pane_ms, level, series, cell))
        self._cells = {}
        return shards

    def _roll_up(self, row: dict[Combination, Cell], time_ms: int) -> dict[str, dict[str, Cell]]:
        """Cut → series → cell."""
        places = [(self._at(combination, time_ms), cell) for combination, cell in row.items()]
        rolled: dict[str, dict[str, Cell]] = {}
        cuts = self._rules.cuts
        for (cut, finer), coarser in zip(self._order, self._coarser, strict=True):
            target = rolled[cut] = {}
            if finer is None or finer in self._full:
                position = cuts.index(cut)
                for series_of_cuts, cell in places:
                    _add(target, series_of_cuts[position][1], cell)
            else:
                for series, cell in rolled[finer].items():
                    _add(target, coarser[series], cell)
        return rolled

    def _at(self, combination: Combination, time_ms: int) -> list[tuple[int, str]]:
        """The series of a combination at a pane's start: panes divide minutes, so a queue is open for all of one or for none."""
        if self._is_by_hours and not self._open_hours.is_open(combination.values[self._queue], time_ms):
            series = combination.closed
        else:
            series = combination.series
        assert series is not None, "a cell's combination has its series"
        return series

    def _name(self, cut: str, values: tuple[str, ...]) -> str:
        positions = self._positions[cut]
        series = series_of(cut, *(values[position] for position in positions))
        known = self._known[cut]
        if series in known:
            return series
        if cut != TOTAL and len(known) >= self._rules.cut_series_max:
            self.capped[cut] = self.capped.get(cut, 0) + 1
            self._full.add(cut)
            return series_of(cut, *(values[position] if position == self._hours else OTHER for position in positions))
        known.add(series)
        self.new_series.append(series)
        return series


def roll_up_order(cuts: Iterable[str]) -> list[tuple[str, str | None]]:
    """Each cut with the finer one that it is rolled up from, which comes before it; None: from the combinations."""
    order: list[tuple[str, str | None]] = []
    for cut in sorted(cuts, key=lambda cut: -len(cut_dimensions(cut))):
        dimensions = set(cut_dimensions(cut))
        finer = [other for other, _ in order if dimensions < set(cut_dimensions(other))]
        order.append((cut, min(finer, key=lambda other: len(cut_dimensions(other)), default=None)))
    return order


def _add(target: dict[str, Cell], series: str, cell: Cell) -> None:
    found = target.get(series)
    if found is None:
        target[series] = cell.copy()
        return
    get = found.get
    for code, n in cell.items():
        found[code] = get(code, 0) + n
