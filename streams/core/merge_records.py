"""From cells to trend records: measures by name, KPIs, histograms."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec

from streams.core import measure
from streams.core.kpi import KpiRules, QueueNow, kpis_of, rules_in
from streams.core.measure import Cell
from streams.core.measure_journey import of_window
from streams.core.merge_windows import UNREAD
from streams.core.merge_windows import Window as OpenWindow
from streams.core.series import series_cut, series_values
from streams.core.trend import Trend, Window


class Issue(msgspec.Struct, frozen=True, gc=False):
    """What all records of one drain share. counted_ms: agents' time is counted up to this moment."""

    revision: int
    watermark_ms: int
    published_ms: int
    time_zone: str
    rules: KpiRules
    counted_ms: int


class Figures(NamedTuple):
    """What a record is made of: the cell of a series, when the oldest event in it was read (UNREAD where none was), and who waits
    (live windows only)."""

    series: str
    cell: Cell
    read_ms: int
    queue: QueueNow | None = None


def publish(window: OpenWindow, names: Iterable[str], issue: Issue, final: bool) -> list[tuple[str, Trend]]:
    """Records of some series of a tumbling window.

    A series whose contacts were all taken back again is left out, unless figures are out already that have to be replaced.
    """
    shape = Window(window.kind, window.start_ms, window.end_ms, issue.time_zone)
    found = []
    for series in names:
        cell = window.cells[series]
        if cell:
            window.published.add(series)
        elif series not in window.published:
            continue
        found.append(Figures(series, cell, window.dirty.get(series, UNREAD)))
    return trends(found, shape, issue, final)


def trends(figures: Sequence[Figures], window: Window, issue: Issue, final: bool) -> list[tuple[str, Trend]]:
    """The records of some series in one window."""
    today = window.kind == "today"
    cells = [of_window(of_series.cell, window.kind) for of_series in figures]
    queues = [of_series.queue for of_series in figures]
    elapsed_ms = min(window.end_ms, issue.counted_ms) - window.start_ms
    rules = rules_in(issue.rules, window.kind)
    values = kpis_of(cells, rules, [of_series.series for of_series in figures], queues, elapsed_ms)
    found = []
    for (series, _, read_ms, _), cell, of_series in zip(figures, cells, values, strict=True):
        cut, dimensions = _names(series)
        record = Trend(
            cut=cut,
            series=dimensions,
            window=window,
            final=final,
            revision=issue.revision,
            measures={name: cell[code] for code, name in measure.NAMES.items() if code in cell},
            kpis=of_series,
            waits=_histogram(cell, measure.WAIT_BUCKET, len(measure.WAIT_BOUNDARIES_MS)) if today else None,
            handles=_histogram(cell, measure.HANDLE_BUCKET, len(measure.HANDLE_BOUNDARIES_MS)) if today else None,
            watermark_ms=issue.watermark_ms,
            read_ms=None if read_ms >= UNREAD else read_ms,
            published_ms=issue.published_ms,
        )
        found.append((series, record))
    return found


def _histogram(cell: Cell, base: int, boundaries: int) -> list[int]:
    """Counts per exact bucket; the last one has no upper boundary."""
    return [cell.get(base + index, 0) for index in range(boundaries + 1)]


@lru_cache(maxsize=50_000)  # more series than one shard publishes in a second; each is parsed once, not at every record
def _names(series: str) -> tuple[str, dict[str, str]]:
    return series_cut(series), series_values(series)
