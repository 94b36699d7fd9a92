"""What the page gets to see of trends, minutes and health: the records of the stream, smaller than those of the topics.

The surprise: a series is named by its `key`, the cut and its values joined by the unit separator (core.series), so that the
page can use it as it is.
"""

from typing import Literal, TypeAlias

from msgspec import Struct

from streams.core.alert import Alert
from streams.core.live import record_series
from streams.core.trend import Expectation, Trend, WindowKind

# What the page shows of a trend. The other KPIs and the measures are in /api/v1/trends.
SHOWN = (
    "offered",
    "answered",
    "abandoned",
    "abandonment",
    "service_level",
    "asa",
    "aht",
    "longest_wait",
    "csat",
    "contacts_in_queue",
    "oldest_in_queue",
    "occupancy",
    "agents_available",
)

Status: TypeAlias = Literal["ok", "stale", "down"]
Feed: TypeAlias = Literal["live", "silent", "replaying", "none"]


class Figure(Struct, frozen=True, omit_defaults=True, gc=False):
    """One KPI as shown: null with n = 0; `low` and `high` its 95 % interval; `band` high (on target), moderate or low."""

    value: float | None
    n: int
    low: float | None = None
    high: float | None = None
    band: str | None = None
    variant: str | None = None


class TrendView(Struct, frozen=True):
    """One series in one live window [start_ms, end_ms), with the KPIs that the page shows."""

    key: str
    kind: WindowKind
    start_ms: int
    end_ms: int
    revision: int
    kpis: dict[str, Figure]


class MinuteView(Struct, frozen=True, gc=False):
    """One closed minute of a series: contacts offered, the expected number and its 95 % band."""

    key: str
    start_ms: int
    actual: int
    expected: float
    low: float
    high: float


class Changes(Struct, frozen=True):
    """What changed in the picture. A snapshot is what changed since nothing, without minutes: those are read per series."""

    trends: list[TrendView]
    minutes: list[MinuteView]
    alerts: list[Alert]


class Health(Struct, frozen=True, kw_only=True):
    """How old the picture is, by the board's own clock.

    status: ok; stale: the pipeline's pulse is too old; down: the live view can't be read. feed: live; silent: the pipeline
    lives but gets no new event; replaying: events come, but their time is not now; none: no event yet. Ages in seconds, times
    in ms since the epoch. pulse_age_seconds is of the oldest pulse over shards, freshness_seconds from an event's reading to
    its trend's publication.
    """

    status: Status
    message: str
    pulse_age_seconds: float | None
    freshness_seconds: float | None
    feed: Feed
    feed_age_seconds: float | None
    watermark_ms: int | None
    closed_ms: int | None
    event_ms: int | None
    shards: int
    shards_heard: int
    stale_seconds: float
    time_zone: str
    now_ms: int


def view_trend(trend: Trend) -> TrendView:
    """A trend as the page needs it."""
    kpis = {
        name: Figure(_rounded(kpi.value), kpi.n, _rounded(kpi.low), _rounded(kpi.high), kpi.band, kpi.variant)
        for name in SHOWN
        if (kpi := trend.kpis.get(name)) is not None
    }
    window = trend.window
    return TrendView(record_series(trend), window.kind, window.start_ms, window.end_ms, trend.revision, kpis)


def view_minute(minute: Expectation) -> MinuteView:
    """An expectation as the page needs it."""
    return MinuteView(record_series(minute), minute.start_ms, minute.actual, minute.expected, minute.low, minute.high)


def _rounded(value: float | None) -> float | None:
    """Four decimals: a hundredth of a percent, a tenth of a millisecond; more would only cost bytes."""
    return None if value is None else round(value, 4)
