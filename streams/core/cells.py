"""Cells: what the contacts since the last drain add up to, by pane, closed level and combination, rolled up to the cuts at drain.

Per event one cell is touched, however many cuts there are. The surprise: a new series takes its place in its cut at its first
contact, not at the drain, so that neither batching nor a restart changes which series a full cut takes no more.
"""

from collections.abc import Iterable

from streams.core.context import Combination
from streams.core.frame import PaneChange, shard_of
from streams.core.measure import Cell
from streams.core.rules import IntakeRules
from streams.core.series import TOTAL, cut_dimensions, series_cut, series_of

OTHER = "other"  # what the values of a series become in a cut that is full
_LEVELS = 8  # more than there are kinds: pane and level share one integer, the cheapest key


class Cells:
    """The cells of one source partition since the last drain, and the series it has ever counted (`known`, by cut)."""

    def __init__(self, rules: IntakeRules, finest: tuple[str, ...], known: Iterable[str]) -> None:
        self._rules = rules
        self._positions = {cut: tuple(finest.index(name) for name in cut_dimensions(cut)) for cut in rules.cuts}
        self._known: dict[str, set[str]] = {cut: set() for cut in rules.cuts}
        for series in known:
            self._known.setdefault(series_cut(series), set()).add(series)
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
        """Shard and series of a combination in each cut; one that is new to a full cut is 'other'."""
        if combination.series is None:
            names = [self._name(cut, combination.values) for cut in self._rules.cuts]
            combination.series = [(shard_of(name, self._rules.shards), name) for name in names]
        return combination.series

    def take(self) -> list[list[PaneChange]]:
        """The changes since the last call, by shard; nothing is left."""
        shards: list[list[PaneChange]] = [[] for _ in range(self._rules.shards)]
        for key, row in self._cells.items():
            pane, level = divmod(key, _LEVELS)
            for (shard, series), cell in self._roll_up(row).items():
                if 0 in cell.values():  # taken back within this drain, or a sum of nothing
                    cell = {code: n for code, n in cell.items() if n}
                if cell:
                    shards[shard].append(PaneChange(pane * self._rules.pane_ms, level, series, cell))
        self._cells = {}
        return shards

    def _roll_up(self, row: dict[Combination, Cell]) -> dict[tuple[int, str], Cell]:
        rolled: dict[tuple[int, str], Cell] = {}
        for combination, cell in row.items():
            for key in combination.series or ():
                target = rolled.get(key)
                if target is None:
                    rolled[key] = cell.copy()
                    continue
                get = target.get
                for code, n in cell.items():
                    target[code] = get(code, 0) + n
        return rolled

    def _name(self, cut: str, values: tuple[str, ...]) -> str:
        positions = self._positions[cut]
        series = series_of(cut, *(values[position] for position in positions))
        known = self._known[cut]
        if series in known:
            return series
        if cut != TOTAL and len(known) >= self._rules.cut_series_max:
            self.capped[cut] = self.capped.get(cut, 0) + 1
            return series_of(cut, *(OTHER for _ in positions))
        known.add(series)
        self.new_series.append(series)
        return series
