"""Percentiles and the longest time of one cell's sketches, each sketch read once."""

from bisect import bisect_left, bisect_right
from itertools import accumulate

from streams.core import measure
from streams.core.measure import Cell


class Sketches:
    """The sketches of one cell, each read once: measure.sketch_quantiles sorts anew at each call, which was half of merge's time.

    Buckets whose contacts were taken back before they came (negative for a moment) count as empty.
    """

    __slots__ = ("_cell", "_codes", "_read")

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self._codes = sorted(cell)
        self._read: dict[int, tuple[list[int], list[int]]] = {}

    def quantile(self, base: int, quantile: float) -> tuple[float | None, int]:
        """A quantile of one sketch in seconds, and how many times it holds."""
        codes, counts = self._family(base)
        if not codes:
            return None, 0
        n = counts[-1]
        code = codes[bisect_right(counts, quantile * (n - 1))]
        return measure.sketch_value(code - base) / 1000, n

    def highest(self, bases: tuple[int, ...]) -> tuple[float | None, int]:
        """The longest time in some sketches in seconds, and how many times they hold."""
        longest, n = -1, 0
        for base in bases:
            codes, counts = self._family(base)
            if codes:
                longest, n = max(longest, codes[-1] - base), n + counts[-1]
        return (measure.sketch_value(longest) / 1000 if n else None), n

    def _family(self, base: int) -> tuple[list[int], list[int]]:
        """Codes of the filled buckets of a sketch in order, and how many times lie in each or below."""
        read = self._read.get(base)
        if read is None:
            first = bisect_left(self._codes, base)
            codes = self._codes[first : bisect_left(self._codes, base + measure.SKETCH_SIZE, first)]
            counts = [self._cell[code] for code in codes]
            if codes and min(counts) < 0:
                codes = [code for code in codes if self._cell[code] > 0]
                counts = [self._cell[code] for code in codes]
            read = self._read[base] = (codes, list(accumulate(counts)))
        return read
