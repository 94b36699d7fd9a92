"""What came since the last drain, added up by pane, so that each window takes it in once and not change by change.

In a catch-up a drain sees the same series in some sixty panes and from every source partition. Added up first, a series costs one
addition per pane, then one per minute, quarter, hour and day, instead of six per change. The surprise: whether a change is late
is still decided when it comes; between two drains the watermark doesn't move, so nothing differs.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from streams.core.measure import Cell, add
from streams.core.merge_windows import KINDS, UNREAD, Place


class Group(NamedTuple):
    """Contributions by series, with when the oldest event in each was read (UNREAD: nothing was read for it)."""

    place: Place  # of one of the panes that it is made of
    cells: dict[str, Cell]
    reads: dict[str, int]


class Fresh:
    """One per shard, in memory only: empty after each drain. `groups`: (pane start, closed level) → contributions."""

    def __init__(self) -> None:
        self.groups: dict[tuple[int, int], Group] = {}

    def add(self, pane_ms: int, level: int, place: Place, series: str, cell: Cell, read_ms: int) -> None:
        """Take in a change of a pane that the `level` shortest kinds don't get."""
        group = self.groups.get((pane_ms, level))
        if group is None:
            group = self.groups[pane_ms, level] = Group(place, {}, {})
        found = group.cells.get(series)
        if found is None:
            group.cells[series] = cell.copy()
        else:
            add(found, cell)
        if read_ms < group.reads.get(series, UNREAD + 1):
            group.reads[series] = read_ms

    def take(self) -> dict[tuple[int, int], Group]:
        """The groups; nothing is left."""
        groups, self.groups = self.groups, {}
        return groups


def by_window(groups: dict[tuple[int, int], Group]) -> Iterator[tuple[int, Group]]:
    """(kind, what its window gets) for each window that gets something; kinds from the shortest, each made of the one before."""
    waiting: list[dict[int, list[Group]]] = [{} for _ in range(KINDS)]
    for (_, level), group in groups.items():
        if level < KINDS:
            waiting[level].setdefault(group.place.starts[level], []).append(group)
    for kind in range(KINDS):
        for parts in waiting[kind].values():
            whole = parts[0] if len(parts) == 1 else together(parts)
            yield kind, whole
            if kind + 1 < KINDS:
                waiting[kind + 1].setdefault(whole.place.starts[kind + 1], []).append(whole)


def together(groups: Iterable[Group]) -> Group:
    """The sum of groups, which stay as they are."""
    cells: dict[str, Cell] = {}
    reads: dict[str, int] = {}
    place = None
    for group in groups:
        place = group.place
        for series, cell in group.cells.items():
            found = cells.get(series)
            if found is None:
                cells[series] = cell.copy()
            else:
                add(found, cell)
        for series, read_ms in group.reads.items():
            if read_ms < reads.get(series, UNREAD + 1):
                reads[series] = read_ms
    assert place is not None, "a sum of something"
    return Group(place, cells, reads)
