"""core.merge_fresh: changes of a drain, added up by pane and then by window."""

from zoneinfo import ZoneInfo

from merge_feed import DAY, HOUR, MINUTE, NOON

from streams.core.measure import Cell
from streams.core.merge_fresh import Fresh, by_window
from streams.core.merge_windows import UNREAD, Windows
from streams.core.trend import TUMBLING

WINDOWS = Windows(ZoneInfo("UTC"), (2 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR))


def fresh(*changes: tuple[int, int, str, Cell, int]) -> Fresh:
    """(pane start, closed level, series, cell, read time) taken in."""
    made = Fresh()
    for pane_ms, level, series, cell, read_ms in changes:
        made.add(pane_ms, level, WINDOWS.place(pane_ms), series, cell, read_ms)
    return made


def given(made: Fresh) -> list[tuple[str, int, dict[str, Cell]]]:
    """What each window gets: its kind, its start in minutes from noon, cells by series."""
    return [(TUMBLING[kind], (group.place.starts[kind] - NOON) // MINUTE, group.cells) for kind, group in by_window(made.take())]


def test_each_window_gets_the_sum_of_its_panes_once() -> None:
    made = fresh(
        (NOON, 0, "total", {0: 1}, 7),
        (NOON, 0, "total", {0: 2, 1: 1}, 5),
        (NOON + 10_000, 0, "total", {0: 4}, 9),
        (NOON + MINUTE, 0, "total", {0: 8}, 9),
        (NOON + HOUR, 0, "queue", {1: 3}, UNREAD),
    )
    day = {"total": {0: 15, 1: 1}, "queue": {1: 3}}
    assert given(made) == [
        ("1m", 0, {"total": {0: 7, 1: 1}}),
        ("1m", 1, {"total": {0: 8}}),
        ("1m", 60, {"queue": {1: 3}}),
        ("15m", 0, {"total": {0: 15, 1: 1}}),
        ("15m", 60, {"queue": {1: 3}}),
        ("1h", 0, {"total": {0: 15, 1: 1}}),
        ("1h", 60, {"queue": {1: 3}}),
        ("1d", -DAY // 2 // MINUTE, day),
    ]
    assert given(made) == []


def test_windows_that_had_closed_get_nothing() -> None:
    made = fresh((NOON, 2, "total", {0: 1}, 7), (NOON, 0, "total", {0: 2}, 7), (NOON, 4, "total", {0: 9}, 7))
    assert given(made) == [
        ("1m", 0, {"total": {0: 2}}),
        ("15m", 0, {"total": {0: 2}}),
        ("1h", 0, {"total": {0: 3}}),
        ("1d", -DAY // 2 // MINUTE, {"total": {0: 3}}),
    ]


def test_the_oldest_read_of_a_series_counts() -> None:
    made = fresh((NOON, 0, "total", {0: 1}, 9), (NOON + 10_000, 0, "total", {0: 1}, 5), (NOON, 0, "total", {0: 1}, UNREAD))
    assert [group.reads for _, group in by_window(made.take())] == [{"total": 5}] * 4


def test_what_was_taken_in_belongs_to_nobody_else() -> None:
    cell: Cell = {0: 1}
    made = fresh((NOON, 0, "total", cell, 7), (NOON, 0, "total", cell, 7))
    assert cell == {0: 1}
    assert given(made)[0] == ("1m", 0, {"total": {0: 2}})
