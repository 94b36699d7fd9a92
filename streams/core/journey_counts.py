"""What journey counts since the last drain: cells by combination, as in intake, and customers by frequency, which are by series.

A customer of two queues is one customer of the whole and one of each queue, so distinct customers can't be rolled up from
combinations; each cut is looked at on its own. They are exact: journey knows the customer's other contacts of the month. The
surprise: they lie in the first pane of their day, under the closed level that keeps them out of all shorter windows; a day that
is closed holds whom it holds (journey_held.py).
"""

from collections.abc import Iterable, Sequence
from typing import TypeAlias
from zoneinfo import ZoneInfo

from streams.core.cells import Cells
from streams.core.context import Contexts
from streams.core.frame import PaneChange, shard_of
from streams.core.journey_held import counted
from streams.core.journey_history import Contributions, History, Key, Past
from streams.core.measure import Cell, add
from streams.core.measure_journey import DAY_CUSTOMERS, MONTH_CUSTOMERS, OFTEN, WEEK_CUSTOMERS
from streams.core.rules import IntakeRules
from streams.core.watermark import Lateness
from streams.core.window import window_start

Places: TypeAlias = Sequence[tuple[int, str]]  # shard and series in each cut, in the order of the cuts
Place: TypeAlias = tuple[int, int]  # a period: its first code, and when it begins


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

    def is_open(self, time_ms: int, watermark_ms: int) -> bool:
        """Whether the day of a moment is, at a watermark."""
        return self._lateness.level(time_ms, watermark_ms) < self._lateness.levels

    def customers(self, before: History, after: History, watermark_ms: int) -> None:
        """A customer's contacts are others than before: in periods concerned, he may be one with more or fewer of them."""
        held, holds = counted(before), counted(after)
        if [(past.ended_ms, past.values) for past in held] == [(past.ended_ms, past.values) for past in holds]:
            return  # a newer revision that says nothing of when or in which series, the common case
        changed = {place for past in set(held) ^ set(holds) for place in self._places(past.ended_ms)}
        for sign, contacts in ((-1, held), (1, holds)):
            seen: dict[tuple[Place, str], int] = {}
            for older in before.older:
                for _, series in self._cells.now(self._contexts.of(older.values).combination):
                    _count(seen, ((MONTH_CUSTOMERS, older.month_ms), series), older.contacts)
            for past in contacts:
                places = self._places(past.ended_ms)
                concerned = [place for place in places if place in changed]
                if not concerned:
                    continue
                row = self._row(places[0][1], watermark_ms)
                for _, series in self._cells.now(self._contexts.of(past.values).combination):
                    for place in concerned:
                        _step(row, series, place[0], _count(seen, (place, series), 1), sign)

    def newest(self, before: History, past: Past, watermark_ms: int) -> None:
        """As `customers`, where a contact came after all others: only its own series have one more."""
        periods = self._places(past.ended_ms)
        row = self._row(periods[0][1], watermark_ms)
        if row is None:
            return
        own = self._cells.now(self._contexts.of(past.values).combination)
        for code, times in self._times(own, before, periods).items():
            for (_, series), n in zip(own, times, strict=True):
                _step(row, series, code, n, 1)

    def _times(self, own: Places, before: History, periods: Sequence[Place]) -> dict[int, list[int]]:
        """By period's code the how-manieth contact one of these series is, by cut, that comes after all others.

        Others are compared once for all periods: of a customer with hundreds of contacts this is the larger part.
        """
        times = {code: [1] * len(own) for code, _ in periods}
        # It is after all others, so none is of a later period.
        others = [(each.values, 1, [code for code, start_ms in periods if each.ended_ms >= start_ms]) for each in counted(before)]
        month_ms = periods[-1][1]
        others += [(each.values, each.contacts, [MONTH_CUSTOMERS]) for each in before.older if each.month_ms == month_ms]
        for values, n, codes in others:
            if codes:
                theirs = self._cells.now(self._contexts.of(values).combination)
                same = [cut for cut, (mine, its) in enumerate(zip(own, theirs, strict=True)) if mine == its]
                for code in codes:
                    of_code = times[code]
                    for cut in same:
                        of_code[cut] += n
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

    def _places(self, time_ms: int) -> tuple[Place, Place, Place]:
        """Day, week and month of a moment."""
        day_ms = window_start("1d", time_ms, self._zone)
        week_ms, month_ms = window_start("1w", day_ms, self._zone), window_start("1mo", day_ms, self._zone)
        return (DAY_CUSTOMERS, day_ms), (WEEK_CUSTOMERS, week_ms), (MONTH_CUSTOMERS, month_ms)

    def _row(self, day_ms: int, watermark_ms: int) -> dict[str, Cell] | None:
        """Series → cell of a day, under its closed level; None where the day is closed."""
        level = max(self._day_level, self._lateness.level(day_ms, watermark_ms))
        return self._days.setdefault((day_ms, level), {}) if level < self._lateness.levels else None


def _step(row: dict[str, Cell] | None, series: str, code: int, times: int, sign: int) -> None:
    """The how-manieth contact of a customer in a period: of one with k contacts it makes one with k + 1."""
    if row is not None and times <= OFTEN:
        cell = row.get(series)
        if cell is None:
            cell = row[series] = {}
        last = code + times - 1
        cell[last] = cell.get(last, 0) + sign
        if times > 1:
            cell[last - 1] = cell.get(last - 1, 0) - sign


def _count(seen: dict[tuple[Place, str], int], key: tuple[Place, str], n: int) -> int:
    times = seen[key] = seen.get(key, 0) + n
    return times
