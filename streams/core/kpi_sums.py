"""Numerators, denominators, ratios and their intervals of many series at once, a column for each KPI.

A record has some fifty KPIs of some eighty measures, and a shard publishes hundreds of records a second: added up by column they
cost about half of what a loop over definitions does. The surprise: no product of matrices, which would be shorter; its library
lets a thread per core spin for it, beside a broker that needs them.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from streams.core.kpi_table import Abandonment, Kpi, ServiceLevel, in_force
from streams.core.measure import Cell

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]

Z_95 = 1.959964  # 97.5 % point of the normal distribution: two-sided 95 %
NO_CODE = -1  # a measure that nobody counts
LIMIT_DIGITS = 6  # of an interval's limits: more than any sample tells, and fewer bytes in a record


class _Terms(NamedTuple):
    """The measures of all KPIs in a row, `zeros` beside them: those of the numerators, then those of the denominators, each KPI's
    from a place in `begins` on, with its sign. An empty sum is a measure that nobody counts. scales by KPI."""

    kpis: tuple[Kpi, ...]
    codes: tuple[int, ...]
    index_of: Mapping[int, int]  # place of a code in `codes`
    zeros: tuple[int, ...]
    places: npt.NDArray[np.intp]
    signs: IntArray
    begins: npt.NDArray[np.intp]
    scales: FloatArray


class Sums:
    """By KPI (the place in `kpis`) and then by series: numerator, denominator, their ratio and its Wilson interval.

    A ratio without a denominator is 0 here and means nothing; the interval means something for ratios only.
    """

    __slots__ = ("_index", "_rows", "highs", "hits", "kpis", "lows", "ns", "values")

    def __init__(self, cells: Sequence[Cell], service_level: ServiceLevel, abandonment: Abandonment) -> None:
        terms = _terms(service_level, abandonment)
        rows = np.array([list(map(cell.get, terms.codes, terms.zeros)) for cell in cells], dtype=np.int64)
        sums = np.add.reduceat(rows[:, terms.places] * terms.signs, terms.begins, axis=1).T
        hits, ns = sums[: len(terms.kpis)], sums[len(terms.kpis) :]
        ratios = np.divide(hits, ns, out=np.zeros(hits.shape), where=ns > 0)
        lows, highs = wilson_limits(ratios, np.maximum(ns, 1))
        self._rows, self._index = rows, terms.index_of
        self.kpis = terms.kpis
        self.hits: list[list[int]] = hits.tolist()
        self.ns: list[list[int]] = ns.tolist()
        self.values: list[list[float]] = (ratios / terms.scales[:, None]).tolist()
        self.lows: list[list[float]] = np.round(lows, LIMIT_DIGITS).tolist()
        self.highs: list[list[float]] = np.round(highs, LIMIT_DIGITS).tolist()

    def counts(self, codes: Sequence[int]) -> IntArray:
        """One measure of each series in a row, a row for each code."""
        found: IntArray = self._rows[:, [self._index[code] for code in codes]].T
        return found


def wilson_limits(ratios: FloatArray, ns: IntArray | FloatArray) -> tuple[FloatArray, FloatArray]:
    """The 95 % intervals of ratios out of n (E. B. Wilson, JASA 22, 1927), n > 0; a ratio outside 0..1 counts as 0 or 1."""
    shares = np.clip(ratios, 0.0, 1.0)
    squares = Z_95 * Z_95 / ns
    centres = (shares + squares / 2) / (1 + squares)
    halves = Z_95 / (1 + squares) * np.sqrt(shares * (1 - shares) / ns + squares / (4 * ns))
    return np.maximum(0.0, centres - halves), np.minimum(1.0, centres + halves)


def net_limits(plus: IntArray, minus: IntArray, ns: IntArray) -> tuple[FloatArray, FloatArray]:
    """The 95 % intervals of (plus - minus) / n, n > 0: adjusted Wald, three answers added, half of them neither plus nor minus.

    B. Rocks, Interval Estimation for the Net Promoter Score, The American Statistician 70, 2016.
    """
    totals, ups, downs = ns + 3, plus + 0.75, minus + 0.75
    nets = (ups - downs) / totals
    halves = Z_95 * np.sqrt(np.maximum(0.0, ((ups + downs) / totals - nets * nets) / totals))
    return np.maximum(-1.0, nets - halves), np.minimum(1.0, nets + halves)


def means_and_limits(counts: IntArray, ns: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The means of answers 1, 2, 3 … by how often each was given (answer × series), n > 1, and their 95 % intervals."""
    answers = np.arange(1, len(counts) + 1)[:, None]
    means = (answers * counts).sum(axis=0) / ns
    spreads = ((answers - means) ** 2 * counts).sum(axis=0) / (ns - 1)
    halves = Z_95 * np.sqrt(np.maximum(0.0, spreads) / ns)
    return means, np.maximum(1.0, means - halves), np.minimum(float(len(counts)), means + halves)


@lru_cache(maxsize=16)  # one set of settings, a few in tests
def _terms(service_level: ServiceLevel, abandonment: Abandonment) -> _Terms:
    kpis = in_force(service_level, abandonment)
    sums = [*(kpi.numerator for kpi in kpis), *(kpi.denominator for kpi in kpis)]
    codes = sorted({code for terms in sums for code in (*terms.plus, *terms.minus)} | {NO_CODE})
    index = {code: place for place, code in enumerate(codes)}
    places: list[int] = []
    signs: list[int] = []
    begins: list[int] = []
    for terms in sums:
        begins.append(len(places))
        places += [index[code] for code in (*terms.plus, *terms.minus) or (NO_CODE,)]
        signs += [1] * len(terms.plus) + [-1] * len(terms.minus) or [0]
    scales = np.array([float(kpi.scale) for kpi in kpis])
    return _Terms(kpis, tuple(codes), index, (0,) * len(codes), np.array(places), np.array(signs), np.array(begins), scales)
