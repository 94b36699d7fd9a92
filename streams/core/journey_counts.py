"""What journey counts since the last drain: cells by combination, as in intake, and customers by frequency, which are by series.

A customer of two queues is one customer of the whole and one of each queue, so distinct customers can't be rolled up from
combinations; each cut is looked at on its own. They are exact: journey knows the customer's other contacts of the week. The
surprise: they lie in the first pane of their day, under the closed level that keeps them out of all shorter windows.
"""

from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from streams.core.cells import Cells
from streams.core.context import Contexts
from streams.core.frame import PaneChange
from streams.core.journey_history import Contributions, Key, Past
from streams.core.measure import Cell, add
from streams.core.measure_journey import DAY_CUSTOMERS, OFTEN, WEEK_CUSTOMERS
from streams.core.rules import IntakeRules
from streams.core.trend import WindowKind
from streams.core.watermark import Lateness
from streams.core.window import window_start

PERIODS: tuple[tuple[WindowKind, int], ...] = (("1d", DAY_CUSTOMERS), ("1w", WEEK_CUSTOMERS))


class Counts:
    """One per partition. `new_series`: series first counted since the last `take`, for the store."""

    def __init__(self, rules: IntakeRules, contexts: Contexts, known: Iterable[str]) -> None:
        self._rules = rules
        self._contexts = contexts
        self._zone = ZoneInfo(rules.time_zone)
        self._lateness = Lateness(rules)
        self._cells = Cells(rules, contexts.finest, known)
        self._day_level = self._lateness.kinds.index("1d")
        self._days: dict[tuple[int, int, int], dict[str, Cell]] = {}  # by shard, day start and closed level

    def replace(self, before: Contributions, after: Contributions, watermark_ms: int) -> None:
        """Take back one contribution and add another, where they differ, in the windows that are open at a watermark."""
        for key, cell in before.items():
            if after.get(key) != cell:
                self._add(key, {code: -n for code, n in cell.items()}, watermark_ms)
        for key, cell in after.items():
            if before.get(key) != cell:
                self._add(key, cell, watermark_ms)

    def customers(self, before: Sequence[Past], after: Sequence[Past], watermark_ms: int) -> None:
        """A customer's contacts are others than before: in days and weeks concerned, he may be one with more or fewer of them."""
        changed = set(before) ^ set(after)
        for kind, code in PERIODS:
            periods = {window_start(kind, past.ended_ms, self._zone) for past in changed}
            for sign, contacts in ((-1, before), (1, after)):
                for (day_ms, shard, series), cell in self._frequencies(contacts, kind, periods).items():
                    level = max(self._day_level, self._lateness.level(day_ms, watermark_ms))
                    if level < self._lateness.levels:
                        target = self._days.setdefault((shard, day_ms, level), {}).setdefault(series, {})
                        add(target, {code + times - 1: sign * n for times, n in cell.items()})

    def take(self) -> list[list[PaneChange]]:
        """The changes since the last call, by shard; nothing is left."""
        shards = self._cells.take()
        for (shard, day_ms, level), row in self._days.items():
            shards[shard] += [PaneChange(day_ms, level, series, cell) for series, cell in row.items() if cell]
        self._days = {}
        return shards

    def take_new_series(self) -> list[str]:
        """The series that were counted for the first time since the last call."""
        new, self._cells.new_series = self._cells.new_series, []
        return new

    def _add(self, key: Key, cell: Cell, watermark_ms: int) -> None:
        pane_ms, level, combination = key
        level = max(level, self._lateness.level(pane_ms, watermark_ms))
        if level < self._lateness.levels:
            add(self._cells.at(pane_ms, level, combination), cell)

    def _frequencies(self, contacts: Sequence[Past], kind: WindowKind, periods: set[int]) -> dict[tuple[int, int, str], Cell]:
        """(day start, shard, series) → how many customers with 1, 2, 3 … contacts in these periods this one is more."""
        found: dict[tuple[int, int, str], Cell] = {}
        seen: dict[tuple[int, str], int] = {}
        for past in contacts:
            start_ms = window_start(kind, past.ended_ms, self._zone)
            if start_ms not in periods:
                continue
            day_ms = window_start("1d", past.ended_ms, self._zone)
            for shard, series in self._cells.now(self._contexts.of(past.values).combination):
                times = seen[start_ms, series] = seen.get((start_ms, series), 0) + 1
                if times <= OFTEN:
                    add(found.setdefault((day_ms, shard, series), {}), {times: 1, times - 1: -1} if times > 1 else {1: 1})
        return found
