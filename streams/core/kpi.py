"""The values of the KPIs, from a cell.

A ratio, mean or percentile without contacts is null, never 0; a count of 0 is a fact and stays 0. The surprise: in a short
window a ratio may exceed 1, because numerator and denominator count at different moments (a contact queued at 10:00:59 may be
answered at 10:01:10). It is published as it is; only its interval is computed from the capped ratio.

Means of times have no interval: handle times and waits are too skewed for the normal one to hold 95 % (kpi_page.py says so).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from itertools import accumulate
from math import sqrt
from typing import Literal, NamedTuple

import msgspec

from streams.core import measure
from streams.core.kpi_table import Abandonment, Kpi, ServiceLevel, Terms, in_force
from streams.core.measure import Cell
from streams.core.series import series_values
from streams.core.trend import KpiValue

Z_95 = 1.959964  # 97.5 % point of the normal distribution: two-sided 95 %
# Answers from which on a mean score has an interval: with 30 answers 1 to 5 it holds 93 to 96 % (test_kpi.py).
SCORE_INTERVAL_MIN = 30
_WITH_VARIANT = ("service_level", "abandonment", "csat_mean")
_MATURED, _PROVISIONAL = ("fcr", "fcr_issue"), ("fcr_provisional", "fcr_issue_provisional")
_NULL = KpiValue(None, 0)


class Band(msgspec.Struct, frozen=True):
    """Target band: which way is good, and the limits between high | moderate | low. A value on a limit is in the better band."""

    direction: Literal["up", "down"]
    high: float
    moderate: float


class KpiRules(msgspec.Struct, frozen=True, kw_only=True):
    """What can be configured. Targets in seconds, as in the settings; bands by KPI name.

    Intake applies targets and the short-abandon threshold when it counts, journey repeat_hours; here they only name the variants.
    segment_customers: how many customers there are, by segment.
    """

    service_level_seconds: int
    short_abandon_seconds: int
    queue_service_level_seconds: Mapping[str, int]
    bands: Mapping[str, Band]
    repeat_hours: int = 168
    segment_customers: Mapping[str, int] = {}
    service_level: ServiceLevel = "A"
    abandonment: Abandonment = "without_short"


class QueueNow(NamedTuple):
    """Who waits at this moment: how many contacts, and how long the oldest of them has."""

    waiting: int
    oldest_seconds: float


def kpis(cell: Cell, rules: KpiRules, series: str, queue: QueueNow | None = None) -> dict[str, KpiValue]:
    """All KPIs of one series from its cell, in the table's order; those of the moment only where `queue` is given."""
    sketches = _Sketches(cell)
    get, bands = cell.get, rules.bands
    found: dict[str, KpiValue] = {}
    for kpi in in_force(rules.service_level, rules.abandonment):
        value: float | None
        shape, n = kpi.shape, 0
        if kpi.denominator.plus:
            for code in kpi.denominator.plus:
                n += get(code, 0)
            if n <= 0 and kpi.name not in _WITH_VARIANT:  # most of the table for most series: a shared null saves 2 µs each
                found[kpi.name] = _NULL
                continue
        if shape == "ratio" or shape == "net" or shape == "score":
            found[kpi.name] = _with_interval(kpi, cell, rules, series)
            continue
        if shape == "rate":
            found[kpi.name] = _rate(kpi, cell, rules, series)
            continue
        if shape == "mean":
            value = _sum(cell, kpi.numerator) / n / kpi.scale
        elif shape == "count":
            n = n or get(kpi.numerator.plus[0], 0)
            value = float(n)
        elif shape == "percentile":
            value, n = sketches.quantile(kpi.sketches[0], kpi.quantile)
        elif shape == "longest":
            value, n = sketches.highest(kpi.sketches)
        elif queue is None or shape == "reader":
            continue
        else:
            n = queue.waiting
            value = float(n) if kpi.unit == "contacts" else queue.oldest_seconds if n else None
        band = bands.get(kpi.name)
        found[kpi.name] = KpiValue(value, n, band=band_of(value, band))
    return found


def wilson(hits: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a ratio hits / n (E. B. Wilson, JASA 22, 1927), n > 0; hits outside 0..n count as 0 or n."""
    share = min(1.0, max(0.0, hits / n))
    square = Z_95 * Z_95 / n
    centre = (share + square / 2) / (1 + square)
    half = Z_95 / (1 + square) * sqrt(share * (1 - share) / n + square / (4 * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def net_interval(plus: int, minus: int, n: int) -> tuple[float, float]:
    """The 95 % interval of (plus - minus) / n, n > 0: adjusted Wald, three answers added, half of them neither plus nor minus.

    B. Rocks, Interval Estimation for the Net Promoter Score, The American Statistician 70, 2016.
    """
    total, up, down = n + 3, plus + 0.75, minus + 0.75
    net = (up - down) / total
    half = Z_95 * sqrt(max(0.0, ((up + down) / total - net * net) / total))
    return max(-1.0, net - half), min(1.0, net + half)


def band_of(value: float | None, band: Band | None) -> str | None:
    """'high' is on target, 'low' is bad; None without a value or without bands."""
    if value is None or band is None:
        return None
    sign = 1 if band.direction == "up" else -1
    if sign * value >= sign * band.high:
        return "high"
    return "moderate" if sign * value >= sign * band.moderate else "low"


def service_level_variant(series: str, rules: KpiRules) -> str:
    """Which service level this is: 'A/20s', or 'A/by queue' where a series holds queues of different targets."""
    targets, variant = rules.queue_service_level_seconds, rules.service_level
    if not targets:
        return f"{variant}/{rules.service_level_seconds}s"
    queue = series_values(series).get("queue")
    return f"{variant}/by queue" if queue is None else f"{variant}/{targets.get(queue, rules.service_level_seconds)}s"


def _sum(cell: Cell, terms: Terms) -> int:
    get = cell.get
    total = 0
    for code in terms.plus:
        total += get(code, 0)
    for code in terms.minus:
        total -= get(code, 0)
    return total


def _variant(kpi: Kpi, rules: KpiRules, series: str) -> str | None:
    if kpi.name == "service_level":
        return service_level_variant(series, rules)
    if kpi.name == "abandonment":
        return f"{rules.abandonment.replace('_', ' ')} < {rules.short_abandon_seconds}s"
    if kpi.name in _MATURED:
        return f"matured, W = {rules.repeat_hours} h"
    if kpi.name in _PROVISIONAL:
        return f"provisional, W = {rules.repeat_hours} h"
    return "mean" if kpi.shape == "score" else None


def _rate(kpi: Kpi, cell: Cell, rules: KpiRules, series: str) -> KpiValue:
    """Against the customers that there are: those of the series' segment, or all."""
    given = rules.segment_customers
    if not given:
        return _NULL
    segment = series_values(series).get("segment")
    n = sum(given.values()) if segment is None else given.get(segment, 0)
    if not n:
        return _NULL
    hits = _sum(cell, kpi.numerator)
    value = hits / n if hits else None  # without a contact nobody says that customers are known
    return KpiValue(value, n, band=band_of(value, rules.bands.get(kpi.name)))


def _with_interval(kpi: Kpi, cell: Cell, rules: KpiRules, series: str) -> KpiValue:
    variant = _variant(kpi, rules, series)
    n = _sum(cell, kpi.denominator)
    if n <= 0:
        return KpiValue(None, 0, variant=variant)
    low: float | None
    high: float | None
    if kpi.shape == "score":
        value, low, high = _score([cell.get(code, 0) for code in kpi.denominator.plus], n)
    elif kpi.shape == "net":
        plus, minus = (_sum(cell, Terms(codes)) for codes in kpi.numerator)
        value = 100 * (plus - minus) / n
        low, high = (100 * limit for limit in net_interval(plus, minus, n))
    else:
        hits = _sum(cell, kpi.numerator)
        value = hits / n
        low, high = wilson(hits, n)
    return KpiValue(value, n, low, high, band_of(value, rules.bands.get(kpi.name)), variant)


def _score(counts: list[int], n: int) -> tuple[float, float | None, float | None]:
    """The mean of answers 1, 2, 3 … and its 95 % interval, None where there are too few for one."""
    mean = sum(answer * count for answer, count in enumerate(counts, 1)) / n
    if n < SCORE_INTERVAL_MIN:
        return mean, None, None
    spread = sum((answer - mean) ** 2 * count for answer, count in enumerate(counts, 1)) / (n - 1)
    half = Z_95 * sqrt(max(0.0, spread) / n)
    return mean, max(1.0, mean - half), min(float(len(counts)), mean + half)


class _Sketches:
    """The sketches of one cell, each read once: measure.sketch_quantiles sorts anew at each call, half of merge's time.

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
