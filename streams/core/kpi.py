"""KPIs: the one table of definitions, and their values from a cell.

API, documentation, board and dashboards read their formulas here. A ratio, mean or percentile without contacts is null, never 0;
a count of 0 is a fact and stays 0. The surprise: in a short window a ratio may exceed 1, because numerator and denominator count
at different moments (a contact queued at 10:00:59 may be answered at 10:01:10). It is published as it is; only its interval is
computed from the capped ratio.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from itertools import accumulate
from math import sqrt
from typing import Literal, NamedTuple

import msgspec

from streams.core import measure
from streams.core.measure import Cell
from streams.core.series import series_values
from streams.core.trend import KpiValue

Z_95 = 1.959964  # 97.5 % point of the normal distribution: two-sided 95 %

Shape = Literal["count", "ratio", "mean", "percentile", "longest", "now"]


class Terms(NamedTuple):
    """A sum of measures: codes that are added, codes that are taken off."""

    plus: tuple[int, ...] = ()
    minus: tuple[int, ...] = ()


class Kpi(msgspec.Struct, frozen=True, kw_only=True):
    """One definition. attribution: at which moment a contact counts; formula: the words for numerator and denominator.

    count: numerator. ratio: numerator / denominator, with a Wilson interval. mean: the same with sums of ms, in seconds.
    percentile and longest: of the waits or handle times in `sketches`, within 1 %. now: of who waits at this moment.
    """

    name: str
    title: str
    unit: Literal["contacts", "ratio", "seconds"]
    shape: Shape
    attribution: str
    formula: str
    numerator: Terms = Terms()
    denominator: Terms = Terms()
    sketches: tuple[int, ...] = ()
    quantile: float = 0.0


class Band(msgspec.Struct, frozen=True):
    """Target band: which way is good, and the limits between high | moderate | low. A value on a limit is in the better band."""

    direction: Literal["up", "down"]
    high: float
    moderate: float


class KpiRules(msgspec.Struct, frozen=True, kw_only=True):
    """What can be configured. Targets in seconds, as in the settings; bands by KPI name.

    Intake applies targets and the short-abandon threshold when it counts; here they only name the variants.
    """

    service_level_seconds: int
    short_abandon_seconds: int
    queue_service_level_seconds: Mapping[str, int]
    bands: Mapping[str, Band]


class QueueNow(NamedTuple):
    """Who waits at this moment: how many contacts, and how long the oldest of them has."""

    waiting: int
    oldest_seconds: float


AT_OFFER = "when the contact is offered"
AT_ANSWER = "when the contact is answered"
AT_ABANDON = "when the customer leaves"
AT_END_OF_WAIT = "when the contact is answered or abandoned"
AT_COMPLETION = "when the contact is completed"
MIXED = "queued when queued, answered and abandoned when the wait ends: a short window can be above 1"
NOW = "at the moment of publishing, live windows only"

_CSAT = tuple(measure.CSAT_1 + k for k in range(5))
_HANDLE = Terms((measure.TALK_MS, measure.HOLD_MS, measure.WRAP_MS))
_IN_TARGET = Terms((measure.ANSWERED_IN_TARGET, measure.ABANDONED_IN_TARGET))
_NOT_SHORT = (measure.SHORT_ABANDONED,)


def _count(name: str, title: str, code: int, attribution: str, formula: str) -> Kpi:
    return Kpi(
        name=name, title=title, unit="contacts", shape="count", attribution=attribution, formula=formula, numerator=Terms((code,))
    )


def _percentile(name: str, title: str, sketch: int, quantile: float, attribution: str, formula: str) -> Kpi:
    return Kpi(
        name=name, title=title, unit="seconds", shape="percentile", attribution=attribution, formula=formula,
        sketches=(sketch,), quantile=quantile,
    )  # fmt: skip


_WAITS = (measure.WAIT_SKETCH, measure.ABANDON_SKETCH)
_OF_WAITS, _OF_HANDLES = "of the waits of answered contacts, within 1 %", "of handle times, within 1 %"

# fmt: off
KPIS: tuple[Kpi, ...] = (
    _count("offered", "Contact volume", measure.OFFERED, AT_OFFER, "contacts offered"),
    _count("answered", "Answered", measure.ANSWERED, AT_ANSWER, "contacts answered by an agent or bot"),
    _count("abandoned", "Abandoned", measure.ABANDONED, AT_ABANDON, "customers who left a queue, short abandons included"),
    _count("short_abandoned", "Short abandons", measure.SHORT_ABANDONED, AT_ABANDON, "customers who left before the threshold"),
    Kpi(name="service_level", title="Service level", unit="ratio", shape="ratio", attribution=MIXED,
        formula="(answered in target + abandoned in target) / queued",
        numerator=_IN_TARGET, denominator=Terms((measure.QUEUED,))),
    Kpi(name="abandonment", title="Abandonment rate", unit="ratio", shape="ratio", attribution=MIXED,
        formula="(abandoned - short abandons) / (queued - short abandons)",
        numerator=Terms((measure.ABANDONED,), _NOT_SHORT), denominator=Terms((measure.QUEUED,), _NOT_SHORT)),
    Kpi(name="asa", title="Average speed of answer", unit="seconds", shape="mean", attribution=AT_ANSWER,
        formula="wait of answered contacts / answered",
        numerator=Terms((measure.WAIT_MS,)), denominator=Terms((measure.ANSWERED,))),
    Kpi(name="longest_wait", title="Longest wait", unit="seconds", shape="longest", attribution=AT_END_OF_WAIT,
        formula="longest wait that ended, answered or abandoned, within 1 %", sketches=_WAITS),
    Kpi(name="aht", title="Average handle time", unit="seconds", shape="mean", attribution=AT_COMPLETION,
        formula="(talk + hold + wrap) / handled", numerator=_HANDLE, denominator=Terms((measure.HANDLED,))),
    _percentile("wait_p50", "Median wait", measure.WAIT_SKETCH, 0.5, AT_ANSWER, f"median {_OF_WAITS}"),
    _percentile("wait_p90", "Wait, 90th percentile", measure.WAIT_SKETCH, 0.9, AT_ANSWER, f"90th percentile {_OF_WAITS}"),
    _percentile("wait_p95", "Wait, 95th percentile", measure.WAIT_SKETCH, 0.95, AT_ANSWER, f"95th percentile {_OF_WAITS}"),
    _percentile("handle_p50", "Median handle time", measure.HANDLE_SKETCH, 0.5, AT_COMPLETION, f"median {_OF_HANDLES}"),
    _percentile("handle_p90", "Handle time, 90th percentile", measure.HANDLE_SKETCH, 0.9, AT_COMPLETION,
                f"90th percentile {_OF_HANDLES}"),
    Kpi(name="csat", title="Customer satisfaction", unit="ratio", shape="ratio", attribution="when the survey is answered",
        formula="answers 4 and 5 / answers", numerator=Terms(_CSAT[3:]), denominator=Terms(_CSAT)),
    Kpi(name="contacts_in_queue", title="Contacts in queue", unit="contacts", shape="now", attribution=NOW,
        formula="contacts that wait in a queue"),
    Kpi(name="oldest_in_queue", title="Oldest in queue", unit="seconds", shape="now", attribution=NOW,
        formula="how long the contact that waits longest has waited"),
)
# fmt: on


def kpis(cell: Cell, rules: KpiRules, series: str, queue: QueueNow | None = None) -> dict[str, KpiValue]:
    """All KPIs of one series from its cell, in the table's order; those of the moment only where `queue` is given."""
    sketches = _Sketches(cell)
    bands = rules.bands
    found: dict[str, KpiValue] = {}
    for kpi in KPIS:
        value: float | None
        shape = kpi.shape
        if shape == "ratio":
            found[kpi.name] = _ratio(kpi, cell, rules, series)
            continue
        if shape == "count":
            n = _sum(cell, kpi.numerator)
            value = float(n)
        elif shape == "mean":
            n = max(0, _sum(cell, kpi.denominator))
            value = _sum(cell, kpi.numerator) / n / 1000 if n else None
        elif shape == "percentile":
            value, n = sketches.quantile(kpi.sketches[0], kpi.quantile)
        elif shape == "longest":
            value, n = sketches.highest(kpi.sketches)
        elif queue is None:
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
    targets = rules.queue_service_level_seconds
    if not targets:
        return f"A/{rules.service_level_seconds}s"
    queue = series_values(series).get("queue")
    return "A/by queue" if queue is None else f"A/{targets.get(queue, rules.service_level_seconds)}s"


def _sum(cell: Cell, terms: Terms) -> int:
    get = cell.get
    total = 0
    for code in terms.plus:
        total += get(code, 0)
    for code in terms.minus:
        total -= get(code, 0)
    return total


def _ratio(kpi: Kpi, cell: Cell, rules: KpiRules, series: str) -> KpiValue:
    variant = None
    if kpi.name == "service_level":
        variant = service_level_variant(series, rules)
    elif kpi.name == "abandonment":
        variant = f"without short < {rules.short_abandon_seconds}s"
    n = _sum(cell, kpi.denominator)
    if n <= 0:
        return KpiValue(None, 0, variant=variant)
    hits = _sum(cell, kpi.numerator)
    low, high = wilson(hits, n)
    band = rules.bands.get(kpi.name)
    return KpiValue(hits / n, n, low, high, band_of(hits / n, band), variant)


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
