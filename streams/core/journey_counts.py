"""What journey counts since the last drain: cells by combination, as in intake, and customers by frequency, which are by series.

A customer of two queues is one customer of the whole and one of each queue, so distinct customers can't be rolled up from
combinations; each cut is looked at on its own. They are exact: journey knows the customer's other contacts of the week. The
surprise: they lie in the first pane of their day, under the closed level that keeps them out of all shorter windows.
"""

from collections.abc import Iterable, Sequence
from typing import TypeAlias
from zoneinfo import ZoneInfo

from streams.core.cells import Cells
from streams.core.context import Contexts
from streams.core.frame import PaneChange, shard_of
from streams.core.journey_history import Contributions, Key, Past
from streams.core.measure import Cell, add
from streams.core.measure_journey import DAY_CUSTOMERS, OFTEN, WEEK_CUSTOMERS
from streams.core.rules import IntakeRules
from streams.core.watermark import Lateness
from streams.core.window import window_start

Places: TypeAlias = Sequence[tuple[int, str]]  # shard and series in each cut, in the order of the cuts


class Counts:
    """One per partition. `new_series`: series first counted since the last `take`, for the store."""

    def __init__(self, rules: IntakeRules, contexts: Contexts, known: Iterable[str]) -> None:
        self._rules = rules
        self._contexts = contexts
        self._zone = ZoneInfo(rules.time_zone)
        self._lateness = Lateness(rules)
        self._cells = Cells(rules, contexts.finest, known)
        self._day_level = self._lateness.kinds.index("1d")
        self._days: dict[tuple[int, int], dict[str, Cell]] = {}  # by day start and closed level

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
        if [(past.ended_ms, past.values) for past in before] == [(past.ended_ms, past.values) for past in after]:
            return  # a newer revision that says nothing of when or in which series, the common case
        changed = {self._starts(past.ended_ms) for past in set(before) ^ set(after)}
        days, weeks = {day_ms for day_ms, _ in changed}, {week_ms for _, week_ms in changed}
        for sign, contacts in ((-1, before), (1, after)):
            seen: dict[tuple[int, int, str], int] = {}
            for past in contacts:
                day_ms, week_ms = self._starts(past.ended_ms)
                if week_ms not in weeks:
                    continue
                row = self._row(day_ms, watermark_ms)
                for _, series in self._cells.now(self._contexts.of(past.values).combination):
                    _step(row, series, WEEK_CUSTOMERS, _next(seen, (WEEK_CUSTOMERS, week_ms, series)), sign)
                    if day_ms in days:
                        _step(row, series, DAY_CUSTOMERS, _next(seen, (DAY_CUSTOMERS, day_ms, series)), sign)

    def newest(self, before: Sequence[Past], past: Past, watermark_ms: int) -> None:
        """As `customers`, where a contact came after all others: only its own series have one more."""
        day_ms, week_ms = self._starts(past.ended_ms)
        row = self._row(day_ms, watermark_ms)
        if row is None:
            return
        places = self._cells.now(self._contexts.of(past.values).combination)
        in_week = [each for each in before if each.ended_ms >= week_ms]  # both are after all others, so none is of a later one
        in_day = [each for each in in_week if each.ended_ms >= day_ms]
        for code, others in ((WEEK_CUSTOMERS, in_week), (DAY_CUSTOMERS, in_day)):
            for (_, series), times in zip(places, self._times(places, others), strict=True):
                _step(row, series, code, times, 1)

    def _times(self, places: Places, others: Sequence[Past]) -> list[int]:
        """The how-manieth contact of each of these series one is that comes after others."""
        times = [1] * len(places)
        for other in others:
            theirs = self._cells.now(self._contexts.of(other.values).combination)
            for cut, (mine, its) in enumerate(zip(places, theirs, strict=True)):  # by cut, in the same order
                if mine == its:
                    times[cut] += 1
        return times

    def take(self) -> list[list[PaneChange]]:
        """The changes since the last call, by shard; nothing is left."""
        shards = self._cells.take()
        for (day_ms, level), row in self._days.items():
            for series, cell in row.items():
                if change := {code: n for code, n in cell.items() if n}:
                    shards[shard_of(series, self._rules.shards)].append(PaneChange(day_ms, level, series, change))
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

    def _starts(self, time_ms: int) -> tuple[int, int]:
        """When the day and the week of a moment begin."""
        return window_start("1d", time_ms, self._zone), window_start("1w", time_ms, self._zone)

    def _row(self, day_ms: int, watermark_ms: int) -> dict[str, Cell] | None:
        """Series → cell of a day, under its closed level; None where the day is closed."""
        level = max(self._day_level, self._lateness.level(day_ms, watermark_ms))
        return self._days.setdefault((day_ms, level), {}) if level < self._lateness.levels else None


def _step(row: dict[str, Cell] | None, series: str, code: int, times: int, sign: int) -> None:
    """The how-manieth contact of a customer in a day or week: of one with k contacts it makes one with k + 1."""
    if row is not None and times <= OFTEN:
        cell = row.get(series)
        if cell is None:
            cell = row[series] = {}
        last = code + times - 1
        cell[last] = cell.get(last, 0) + sign
        if times > 1:
            cell[last - 1] = cell.get(last - 1, 0) - sign


def _next(seen: dict[tuple[int, int, str], int], key: tuple[int, int, str]) -> int:
    times = seen[key] = seen.get(key, 0) + 1
    return times
