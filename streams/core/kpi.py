"""The values of the KPIs, from a cell.

A ratio, mean or percentile without contacts is null, never 0; a count of 0 is a fact and stays 0. The surprise: in a short
window a ratio may exceed 1, because numerator and denominator count at different moments (a contact queued at 10:00:59 may be
answered at 10:01:10). It is published as it is; only its interval is computed from the capped ratio.

Means of times have no interval: handle times and waits are too skewed for the normal one to hold 95 % (kpi_page.py says so).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec
import numpy as np

from streams.core.kpi_sketches import Sketches
from streams.core.kpi_sums import LIMIT_DIGITS, FloatArray, Sums, means_and_limits, net_limits, wilson_limits
from streams.core.kpi_table import AGENTS_NOW, BACKLOG, CUSTOMERS, REACH, Abandonment, Kpi, ServiceLevel, Shape
from streams.core.measure import Cell
from streams.core.series import series_cut, series_values
from streams.core.trend import KpiValue, WindowKind

# Answers from which on a mean score has an interval: with 30 answers 1 to 5 it holds 93 to 96 % (test_kpi.py).
SCORE_INTERVAL_MIN = 30
_MATURED, _PROVISIONAL = ("fcr", "fcr_issue"), ("fcr_provisional", "fcr_issue_provisional")
_NAMED = ("service_level", "abandonment")  # null or not, they say which variant they are
_WITH_VARIANT = (*_NAMED, *_MATURED, *_PROVISIONAL)
_SEEN = "of customers seen"
_NULL, _NULL_MEAN = KpiValue(None, 0), KpiValue(None, 0, variant="mean")


class Band(msgspec.Struct, frozen=True):
    """Target band: which way is good, and the limits between high | moderate | low. A value on a limit is in the better band.

    windows: for which kinds it holds, all where none is named: what is a good rate of a month isn't one of a minute.
    """

    direction: Literal["up", "down"]
    high: float
    moderate: float
    windows: tuple[WindowKind, ...] = ()


class KpiRules(msgspec.Struct, frozen=True, kw_only=True):
    """What can be configured. Targets in seconds, as in the settings; bands by KPI name.

    own_bands: cut or series → KPI → band, where one differs; a series' own wins over its cut's.
    Intake applies targets and the short-abandon threshold when it counts, journey repeat_hours; here they only name the variants.
    segment_customers: how many customers there are, by segment.
    """

    service_level_seconds: int
    short_abandon_seconds: int
    queue_service_level_seconds: Mapping[str, int]
    bands: Mapping[str, Band]
    own_bands: Mapping[str, Mapping[str, Band]] = {}
    repeat_hours: int = 168
    segment_customers: Mapping[str, int] = {}
    service_level: ServiceLevel = "A"
    abandonment: Abandonment = "without_short"


class AgentsNow(NamedTuple):
    """What agents do at this moment."""

    available: int
    on_contact: int
    after_contact: int
    on_break: int


class QueueNow(NamedTuple):
    """What is at this moment: who waits, how long the oldest has, the agents where any are known, how many contacts are open."""

    waiting: int
    oldest_seconds: float
    agents: AgentsNow | None = None
    backlog: int = 0


def rules_in(rules: KpiRules, kind: WindowKind) -> KpiRules:
    """The rules with those bands only that hold in windows of a kind."""

    def held(bands: Mapping[str, Band]) -> dict[str, Band]:
        return {name: band for name, band in bands.items() if not band.windows or kind in band.windows}

    own = {place: held(bands) for place, bands in rules.own_bands.items()}
    return msgspec.structs.replace(rules, bands=held(rules.bands), own_bands=own)


def kpis(cell: Cell, rules: KpiRules, series: str, queue: QueueNow | None = None, elapsed_ms: int = 0) -> dict[str, KpiValue]:
    """All KPIs of one series from its cell, in the table's order; those of the moment only where `queue` is given.

    elapsed_ms: how much of the window is over, for means over its time.
    """
    return kpis_of([cell], rules, [series], [queue], elapsed_ms)[0]


def kpis_of(
    cells: Sequence[Cell], rules: KpiRules, series: Sequence[str], queues: Sequence[QueueNow | None], elapsed_ms: int
) -> list[dict[str, KpiValue]]:
    """The same of many series at once, at less cost: sums and intervals are made by column, not by value."""
    if not cells:
        return []
    sums = Sums(cells, rules.service_level, rules.abandonment)
    given = _Given(series, rules, sums, [Sketches(cell) for cell in cells], elapsed_ms)
    table = given.sums.kpis
    names = [kpi.name for kpi in table if kpi.shape in _COLUMNS]
    columns = [_COLUMNS[kpi.shape](kpi, place, given) for place, kpi in enumerate(table) if kpi.shape in _COLUMNS]
    found = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    for of_series, queue in zip(found, queues, strict=True):
        if queue is not None:
            of_series.update(_now(kpi, queue, rules) for kpi in table if kpi.shape == "now")
    if rules.own_bands:
        for name, of_series in zip(series, found, strict=True):
            _band_anew(of_series, {**rules.own_bands.get(series_cut(name), {}), **rules.own_bands.get(name, {})})
    return found


def _band_anew(found: dict[str, KpiValue], bands: Mapping[str, Band]) -> None:
    """Put values of a series into bands of its own."""
    for name, band in bands.items():
        if name in found:
            found[name] = msgspec.structs.replace(found[name], band=band_of(found[name].value, band))


class _Given(NamedTuple):
    """What a column is made of."""

    series: Sequence[str]
    rules: KpiRules
    sums: Sums
    sketches: Sequence[Sketches]
    elapsed_ms: int


def _counts(kpi: Kpi, place: int, given: _Given) -> list[KpiValue]:
    band = given.rules.bands.get(kpi.name)
    if kpi.denominator.plus:
        return [_value(float(n), n, band) if n > 0 else _NULL for n in given.sums.ns[place]]
    return [_value(float(n), n, band) for n in given.sums.hits[place]]


def _means(kpi: Kpi, place: int, given: _Given) -> list[KpiValue]:
    band, sums = given.rules.bands.get(kpi.name), given.sums
    return [_value(value, n, band) if n > 0 else _NULL for value, n in zip(sums.values[place], sums.ns[place], strict=True)]


def _ratios(kpi: Kpi, place: int, given: _Given) -> list[KpiValue]:
    band, sums = given.rules.bands.get(kpi.name), given.sums
    ratios = zip(sums.values[place], sums.ns[place], sums.lows[place], sums.highs[place], strict=True)
    if band is None and kpi.name not in _WITH_VARIANT:
        return [KpiValue(value, n, low, high) if n > 0 else _NULL for value, n, low, high in ratios]
    variants = [_variant(kpi, given.rules, name) for name in given.series]
    return [
        KpiValue(value, n, low, high, band_of(value, band), variant) if n > 0 else _null(kpi, variant)
        for (value, n, low, high), variant in zip(ratios, variants, strict=True)
    ]


def _time_shares(kpi: Kpi, place: int, given: _Given) -> list[KpiValue]:
    """n in seconds of agents' time."""
    band, shares = given.rules.bands.get(kpi.name), zip(given.sums.values[place], given.sums.ns[place], strict=True)
    return [_value(value, n // 1000, band) if n > 0 else _NULL for value, n in shares]


def _staffing(kpi: Kpi, place: int, given: _Given) -> list[KpiValue]:
    """n in seconds that have passed; null where no agent was there, because nobody may have told of any."""
    band, passed_ms = given.rules.bands.get(kpi.name), given.elapsed_ms
    return [
        _value(spent_ms / passed_ms, passed_ms // 1000, band) if spent_ms > 0 and passed_ms > 0 else _NULL
        for spent_ms in given.sums.hits[place]
    ]


def _rates(kpi: Kpi, place: int, given: _Given) -> list[KpiValue]:
    rules, hits_of = given.rules, given.sums.hits[place]
    if rules.segment_customers:
        return [_rate(kpi, hits, rules, series) for hits, series in zip(hits_of, given.series, strict=True)]
    seen = given.sums.counts(CUSTOMERS.plus).sum(axis=0).tolist() if kpi.name != REACH else [0] * len(hits_of)
    # Without a band: those are made for all customers that there are.
    return [KpiValue(hits / n, n, variant=_SEEN) if n > 0 else _NULL for hits, n in zip(hits_of, seen, strict=True)]


def _percentiles(kpi: Kpi, _place: int, given: _Given) -> list[KpiValue]:
    band = given.rules.bands.get(kpi.name)
    return [_value(*sketches.quantile(kpi.sketches[0], kpi.quantile), band) for sketches in given.sketches]


def _longest(kpi: Kpi, _place: int, given: _Given) -> list[KpiValue]:
    return [_value(*sketches.highest(kpi.sketches), given.rules.bands.get(kpi.name)) for sketches in given.sketches]


def _null(kpi: Kpi, variant: str | None) -> KpiValue:
    return KpiValue(None, 0, variant=variant) if kpi.name in _NAMED else _NULL


def _value(value: float | None, n: int, band: Band | None) -> KpiValue:
    return KpiValue(value, n) if band is None else KpiValue(value, n, band=band_of(value, band))


def _now(kpi: Kpi, queue: QueueNow, rules: KpiRules) -> tuple[str, KpiValue]:
    """What is at this moment; of agents nothing where none is known."""
    n = queue.backlog if kpi.name == BACKLOG else queue.waiting
    value = float(n) if kpi.unit == "contacts" else queue.oldest_seconds if n else None
    if kpi.name in AGENTS_NOW:
        n = sum(getattr(queue.agents, state) for state in AGENTS_NOW[kpi.name]) if queue.agents else 0
        value = float(n) if queue.agents else None
    return kpi.name, _value(value, n, rules.bands.get(kpi.name))


def wilson(hits: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a ratio hits / n (wilson_limits), n > 0; hits outside 0..n count as 0 or n."""
    low, high = wilson_limits(np.array([hits / n]), np.array([n]))
    return float(low[0]), float(high[0])


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


def _variant(kpi: Kpi, rules: KpiRules, series: str) -> str | None:
    if kpi.name == "service_level":
        return service_level_variant(series, rules)
    if kpi.name == "abandonment":
        return f"{rules.abandonment.replace('_', ' ')} < {rules.short_abandon_seconds}s"
    if kpi.name in _MATURED:
        return f"matured, W = {rules.repeat_hours} h"
    return f"provisional, W = {rules.repeat_hours} h" if kpi.name in _PROVISIONAL else None


def _rate(kpi: Kpi, hits: int, rules: KpiRules, series: str) -> KpiValue:
    """Against the customers that there are: those of the series' segment, or all."""
    given = rules.segment_customers
    segment = series_values(series).get("segment")
    n = sum(given.values()) if segment is None else given.get(segment, 0)
    if not n:
        return _NULL
    value = hits / n if hits else None  # without a contact nobody says that customers are known
    return KpiValue(value, n, band=band_of(value, rules.bands.get(kpi.name)))


def _nets(kpi: Kpi, place: int, given: _Given) -> list[KpiValue]:
    """(plus - minus) / n × 100."""
    band, sums = given.rules.bands.get(kpi.name), given.sums
    plus, minus = (sums.counts(codes).sum(axis=0) for codes in kpi.numerator)
    ns = sums.ns[place]
    low, high = net_limits(plus, minus, np.maximum(1, np.array(ns)))
    limits = zip(_rounded(100 * low), _rounded(100 * high), strict=True)
    values = [100 * value for value in sums.values[place]]
    return [
        KpiValue(value, n, of_series[0], of_series[1], band_of(value, band)) if n > 0 else _NULL
        for value, n, of_series in zip(values, ns, limits, strict=True)
    ]


def _scores(kpi: Kpi, place: int, given: _Given) -> list[KpiValue]:
    """The mean of answers 1, 2, 3 … and its 95 % interval, None where there are too few for one."""
    band, sums = given.rules.bands.get(kpi.name), given.sums
    ns = sums.ns[place]
    means, low, high = means_and_limits(sums.counts(kpi.denominator.plus), np.maximum(2, np.array(ns)))
    found = []
    for n, mean, of_mean in zip(ns, means.tolist(), zip(_rounded(low), _rounded(high), strict=True), strict=True):
        low_limit, high_limit = of_mean if n >= SCORE_INTERVAL_MIN else (None, None)
        found.append(KpiValue(mean, n, low_limit, high_limit, band_of(mean, band), "mean") if n > 0 else _NULL_MEAN)
    return found


def _rounded(limits: FloatArray) -> list[float]:
    found: list[float] = np.round(limits, LIMIT_DIGITS).tolist()
    return found


_COLUMNS: Mapping[Shape, Callable[[Kpi, int, _Given], list[KpiValue]]] = {
    "count": _counts,
    "ratio": _ratios,
    "net": _nets,
    "mean": _means,
    "score": _scores,
    "rate": _rates,
    "time_share": _time_shares,
    "staffing": _staffing,
    "percentile": _percentiles,
    "longest": _longest,
}
