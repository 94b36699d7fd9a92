"""The business metrics: a collector over the latest records of the partitions that this worker owns.

Counters and histograms are today's exact totals of each channel and queue: they come from the state, so a restart loses nothing,
and they begin again when the day does. Within a day they never go down, although a late fact may take a contact back: Prometheus
would read a fall as a reset and count the whole day again. The surprise: this clamp is in memory, so a fact taken back across a
restart of the same worker does show as one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Final, TypeAlias

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from streams.core.alert import SEVERITIES, Alert
from streams.core.forecast_record import ForecastDay
from streams.core.live import Record, record_series, version_of
from streams.core.trend import Expectation, Trend
from streams.edge import metrics
from streams.edge.metrics import Metric
from streams.edge.prometheus_agents import AgentLevels

# The cut that is exposed; sums over its labels give every coarser one.
CUT: Final = "channel+queue"
# Channels × queues of a very large centre: 1,000 series of 45 samples take 0.25 s to render (measured); the rest is hidden.
SERIES_MAX: Final = 1_000
# Firing alerts held; detect raises one per incident.
ALERTS_MAX: Final = 1_000

KINDS: Final = ("spike", "dip", "outage", "threshold", "shortage", "rise", "fall", "mix")

COUNTERS: Final[Mapping[str, Metric]] = {
    "offered": metrics.OFFERED,
    "queued": metrics.QUEUED,
    "answered": metrics.ANSWERED,
    "abandoned": metrics.ABANDONED,
    "short_abandoned": metrics.SHORT_ABANDONED,
    "answered_in_target": metrics.ANSWERED_IN_TARGET,
    "abandoned_in_target": metrics.ABANDONED_IN_TARGET,
    "journey_contacts": metrics.KNOWN,
    "journey_repeats": metrics.REPEATED,
    "journey_matured": metrics.MATURED,
    "journey_matured_followed": metrics.MATURED_FOLLOWED,
}
SCORE_BANDS: Final[Mapping[str, Sequence[str]]] = {
    "negative": ("csat_1", "csat_2"),
    "neutral": ("csat_3",),
    "positive": ("csat_4", "csat_5"),
}
NPS_GROUPS: Final[Mapping[str, Sequence[str]]] = {
    "detractor": tuple(f"nps_{score}" for score in range(7)),
    "passive": ("nps_7", "nps_8"),
    "promoter": ("nps_9", "nps_10"),
}
WAIT_SUM: Final = ("wait_ms",)
HANDLE_SUM: Final = ("talk_ms", "hold_ms", "wrap_ms")

# How far `contacts_forecast` looks: what is staffed now, this shift, until tomorrow.
DAYS_MS: Final = 2 * 86_400_000
HORIZONS_MS: Final[Mapping[str, int]] = {"1h": 3_600_000, "3h": 10_800_000, "1d": 86_400_000}

Source: TypeAlias = tuple[str, int]  # topic and partition that a record came from


class Day:
    """One series today: its latest record, and totals that don't go down until the day changes."""

    def __init__(self, source: Source, trend: Trend) -> None:
        self.source = source
        self.trend = trend
        self.totals = dict(trend.measures)
        self.waits = list(trend.waits or ())
        self.handles = list(trend.handles or ())

    def update(self, source: Source, trend: Trend) -> None:
        """A newer record of the same day."""
        assert trend.window.start_ms == self.trend.window.start_ms, "a new day is a new Day"
        self.source, self.trend = source, trend
        for name, total in trend.measures.items():
            self.totals[name] = max(total, self.totals.get(name, 0))
        self.waits = _highest(self.waits, trend.waits or ())
        self.handles = _highest(self.handles, trend.handles or ())

    def total(self, names: Iterable[str]) -> int:
        """Sum of measures; none below 0."""
        return sum(max(0, self.totals.get(name, 0)) for name in names)


class BusinessCollector(Collector):
    """Business metrics of the owned partitions; `update` takes what comes, Prometheus asks by `collect`."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self._days: dict[str, Day] = {}
        self._minutes: dict[str, tuple[Source, Expectation]] = {}
        self._alerts: dict[str, tuple[Source, Alert]] = {}
        self._forecasts: dict[str, tuple[Source, dict[str, ForecastDay]]] = {}  # the last two days of each series
        self._agents = AgentLevels(SERIES_MAX)
        self._hidden: set[str] = set()
        if registry is not None:
            registry.register(self)

    def update(self, topic: str, partition: int, record: Record) -> None:
        """Take a record; what isn't exposed is ignored, and an older one never wins."""
        if isinstance(record, Trend):
            self._update_trend((topic, partition), record)
            self._agents.update((topic, partition), record)
        elif isinstance(record, Expectation):
            self._update_minute((topic, partition), record)
        elif isinstance(record, Alert):
            self._update_alert((topic, partition), record)
        elif isinstance(record, ForecastDay):
            self._update_forecast((topic, partition), record)

    def drop(self, topic: str, partition: int) -> None:
        """Another worker owns the partition now: its series go."""
        gone = (topic, partition)
        self._days = {series: day for series, day in self._days.items() if day.source != gone}
        self._minutes = {series: held for series, held in self._minutes.items() if held[0] != gone}
        self._alerts = {name: held for name, held in self._alerts.items() if held[0] != gone}
        self._forecasts = {series: held for series, held in self._forecasts.items() if held[0] != gone}
        self._agents.drop(gone)
        self._hidden.clear()

    def _update_trend(self, source: Source, trend: Trend) -> None:
        if trend.cut != CUT or trend.window.kind != "today":
            return
        series = record_series(trend)
        day = self._days.get(series)
        if day is None and not self._admit(series, len(self._days)):
            return
        if day is None or trend.window.start_ms > day.trend.window.start_ms:
            self._days[series] = Day(source, trend)
        elif version_of(trend) >= version_of(day.trend):
            day.update(source, trend)

    def _update_minute(self, source: Source, minute: Expectation) -> None:
        if not set(minute.series) <= {"channel", "queue"}:
            return  # other dimensions are no labels
        series = record_series(minute)
        held = self._minutes.get(series)
        if held is None and not self._admit(series, len(self._minutes)):
            return
        if held is None or minute.start_ms >= held[1].start_ms:
            self._minutes[series] = (source, minute)

    def _update_forecast(self, source: Source, forecast: ForecastDay) -> None:
        if not set(forecast.series) <= {"channel", "queue"}:
            return
        series = record_series(forecast)
        held = self._forecasts.get(series)
        if held is None and not self._admit(series, len(self._forecasts)):
            return
        days = {} if held is None else held[1]
        days[forecast.day] = forecast
        newest_ms = max(day.origin_ms for day in days.values())
        kept = {
            name: day for name, day in days.items() if newest_ms <= day.starts_ms[-1] and day.starts_ms[0] < newest_ms + DAYS_MS
        }
        self._forecasts[series] = (source, kept)

    def _update_alert(self, source: Source, alert: Alert) -> None:
        held = self._alerts.get(alert.alert_id)
        if held is not None and held[1].version > alert.version:
            return
        self._alerts.pop(alert.alert_id, None)
        if alert.state == "firing" and len(self._alerts) < ALERTS_MAX:
            self._alerts[alert.alert_id] = (source, alert)

    def _admit(self, series: str, size: int) -> bool:
        """Room for one more series? Those without are counted."""
        if size < SERIES_MAX:
            return True
        if len(self._hidden) < SERIES_MAX:
            self._hidden.add(series)
        return False

    def describe(self) -> Iterator[Family]:
        """Names for the registry."""
        return self.collect()

    def collect(self) -> Iterator[Family]:
        """Everything, for one scrape."""
        days = [((day.trend.series["channel"], day.trend.series["queue"]), day) for day in self._days.values()]
        for measure, metric in COUNTERS.items():
            yield _counter(metric, ((place, day.total((measure,))) for place, day in days))
        for metric, groups in ((metrics.CSAT, SCORE_BANDS), (metrics.NPS, NPS_GROUPS)):
            yield _counter(metric, (((*place, group), day.total(groups[group])) for place, day in days for group in groups))
        yield _gauge(metrics.IN_QUEUE, ((place, _kpi(day.trend, "contacts_in_queue")) for place, day in days))
        yield _gauge(metrics.OLDEST_WAIT, ((place, _kpi(day.trend, "oldest_in_queue")) for place, day in days))
        waits = ((place, day.waits, day.total(WAIT_SUM)) for place, day in days)
        yield _histogram(metrics.WAIT, metrics.WAIT_BOUNDARIES, waits)
        handles = ((place, day.handles, day.total(HANDLE_SUM)) for place, day in days)
        yield _histogram(metrics.HANDLE, metrics.HANDLE_BOUNDARIES, handles)
        yield _gauge(metrics.AGENTS, self._agents.levels())
        yield _gauge(metrics.OCCUPANCY, self._agents.occupancies())
        yield from self._collect_minutes()
        yield self._collect_forecasts()
        yield from self._collect_accuracy()
        yield from self._collect_alerts()
        yield _gauge(metrics.SERIES_HIDDEN, [((), len(self._hidden))])

    def _collect_minutes(self) -> Iterator[Family]:
        """Actual against expected, of each watched series."""
        held = [minute for _, minute in self._minutes.values()]
        minutes = [((minute.cut, minute.series.get("channel", ""), minute.series.get("queue", "")), minute) for minute in held]
        yield _gauge(metrics.OBSERVED, ((labels, minute.actual) for labels, minute in minutes))
        yield _gauge(metrics.EXPECTED, ((labels, minute.expected) for labels, minute in minutes))
        yield _gauge(metrics.EXPECTED_LOW, ((labels, minute.low) for labels, minute in minutes))
        yield _gauge(metrics.EXPECTED_HIGH, ((labels, minute.high) for labels, minute in minutes))

    def _collect_forecasts(self) -> Family:
        """Sums over the slots that begin within each horizon, as far as the next days reach."""
        samples = []
        for _, days in self._forecasts.values():
            origin_ms = max((day.origin_ms for day in days.values()), default=0)
            slots = [slot for day in days.values() for slot in zip(day.starts_ms, day.mean, strict=True)]
            for day in list(days.values())[:1]:
                place = (day.cut, day.series.get("channel", ""), day.series.get("queue", ""))
                for horizon, length_ms in HORIZONS_MS.items():
                    expected = sum(mean for start_ms, mean in slots if origin_ms <= start_ms < origin_ms + length_ms)
                    samples.append(((*place, horizon), expected))
        return _gauge(metrics.FORECAST, samples)

    def _collect_accuracy(self) -> Iterator[Family]:
        """How good forecasts were: the newest record of each series that says so is today's."""
        told = [day for _, days in self._forecasts.values() for day in days.values() if day.accuracy]
        found = [
            ((day.cut, day.series.get("channel", ""), day.series.get("queue", ""), _span(one.minutes)), one)
            for day in told
            for one in day.accuracy
        ]
        yield _gauge(metrics.FORECAST_ERROR, ((labels, one.error) for labels, one in found if one.error is not None))
        covered = [
            ((*labels, band), share) for labels, one in found for band, share in (("80", one.within_80), ("95", one.within_95))
        ]
        yield _gauge(metrics.FORECAST_COVERAGE, covered)

    def _collect_alerts(self) -> Iterator[Family]:
        """Firing alerts, acknowledged and held back ones of them, by their labels; every kind and severity starts at 0."""
        counts: dict[tuple[str, ...], int] = {(kind, severity, "", ""): 0 for kind in KINDS for severity in SEVERITIES}
        seen, back = dict(counts), dict(counts)
        for _, alert in self._alerts.values():
            labels = (alert.kind, alert.severity, alert.series.get("queue", ""), alert.series.get("channel", ""))
            counts[labels] = counts.get(labels, 0) + 1
            seen[labels] = seen.get(labels, 0) + (alert.acknowledged is not None)
            back[labels] = back.get(labels, 0) + (alert.held_back is not None)
        yield _gauge(metrics.ALERT_FIRING, counts.items())
        yield _gauge(metrics.ALERT_ACKNOWLEDGED, seen.items())
        yield _gauge(metrics.ALERT_HELD_BACK, back.items())


def _span(minutes: int) -> str:
    """15 → '15m', 180 → '3h', 10080 → '7d'."""
    if minutes % 1_440 == 0:
        return f"{minutes // 1_440}d"
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"


def _highest(held: Sequence[int], given: Sequence[int]) -> list[int]:
    """The greater of each pair; what one lacks counts as 0."""
    size = max(len(held), len(given))
    padded = ([*values, *[0] * (size - len(values))] for values in (held, given))
    return [max(pair) for pair in zip(*padded, strict=True)]


def _kpi(trend: Trend, name: str) -> float:
    """A level that is 0 where nobody waits."""
    kpi = trend.kpis.get(name)
    return 0.0 if kpi is None or kpi.value is None else kpi.value


def _counter(metric: Metric, samples: Iterable[tuple[Sequence[str], float]]) -> Family:
    """A counter family."""
    family = CounterMetricFamily(metric.name, metric.text, labels=metric.labels)
    for labels, value in samples:
        family.add_metric(labels, value)
    return family


def _gauge(metric: Metric, samples: Iterable[tuple[Sequence[str], float]]) -> Family:
    """A gauge family."""
    family = GaugeMetricFamily(metric.name, metric.text, labels=metric.labels)
    for labels, value in samples:
        family.add_metric(labels, value)
    return family


def _histogram(metric: Metric, boundaries: Sequence[float], samples: Iterable[tuple[Sequence[str], list[int], int]]) -> Family:
    """A histogram family from counts per bucket (not cumulative) and a sum in ms."""
    family = HistogramMetricFamily(metric.name, metric.text, labels=metric.labels)
    names = [*(str(float(boundary)) for boundary in boundaries), "+Inf"]
    for labels, counts, sum_ms in samples:
        filled = [*counts, *[0] * (len(names) - len(counts))]
        family.add_metric(labels, list(zip(names, accumulate(filled), strict=True)), sum_ms / 1000)
    return family
