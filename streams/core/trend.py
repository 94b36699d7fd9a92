"""What leaves the system on the `trends` and `expectations` topics: records, their keys and their JSON.

Times are integer milliseconds since the epoch. A record replaces any earlier one with the same key; `revision` goes up with
every replacement, so that a repeat or an older record never wins anywhere.
"""

from typing import Literal, TypeAlias

import msgspec

from streams.core.series import SEPARATOR

# Tumbling and long kinds are keyed by their start; the live kinds '30m' (trailing) and 'today' have one key per series, always
# the latest. 'today' is the provisional day so far. Tumbling kinds nest; weeks (from Monday) and months are sums of days.
WindowKind: TypeAlias = Literal["1m", "15m", "1h", "1d", "1w", "1mo", "30m", "today"]
TUMBLING: tuple[WindowKind, ...] = ("1m", "15m", "1h", "1d")
LONG: tuple[WindowKind, ...] = ("1w", "1mo")
LIVE: tuple[WindowKind, ...] = ("30m", "today")

CLOCK_KEY = b"clock"


class Window(msgspec.Struct, frozen=True, gc=False):
    """[start_ms, end_ms) of event time; days, weeks and months begin at midnight of `time_zone`."""

    kind: WindowKind
    start_ms: int
    end_ms: int
    time_zone: str


class KpiValue(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One KPI: null with n = 0, `low` and `high` its 95 % interval where one is defined, `band` high/moderate/low by target.

    Ratios are 0..1, times are seconds, counts are counts. In JSON `value` and `n` are always there, the others where they say
    something.
    """

    value: float | None
    n: int
    low: float | None = None
    high: float | None = None
    band: str | None = None
    variant: str | None = None


class Trend(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One series in one window. `measures` are exact sums; `waits` and `handles` exact histogram counts (not cumulative) with the
    boundaries of core.measure, given in 'today' records only. `read_ms`: when the oldest contributing event since the last
    publication was read from Kafka."""

    cut: str
    series: dict[str, str]
    window: Window
    final: bool
    revision: int
    measures: dict[str, int]
    kpis: dict[str, KpiValue]
    waits: list[int] | None = None
    handles: list[int] | None = None
    watermark_ms: int
    read_ms: int | None
    published_ms: int


class Clock(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The pulse of one merge shard, at least once a second while the pipeline lives; it follows the finals that it announces.

    closed_ms: every 1-minute window that ends at or before it is final, and a known series without a record had no contacts.
    heard_ms: when the longest-silent source partition last sent a frame (wall clock); old means intake is down.
    event_ms: the highest event time seen; old means the feed is silent although the pipeline lives.
    """

    shard: int
    shards: int
    watermark_ms: int | None
    closed_ms: int | None
    heard_ms: int | None
    event_ms: int | None
    revision: int
    published_ms: int


class Expectation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One closed minute of one series against what was expected of it (contacts offered per minute, 95 % band)."""

    cut: str
    series: dict[str, str]
    start_ms: int
    end_ms: int
    actual: int
    expected: float
    low: float
    high: float
    published_ms: int


def trend_key(series: str, kind: WindowKind, start_ms: int) -> bytes:
    """The key of a trend: one per window for tumbling kinds, one per series for live kinds."""
    tail = kind if kind in LIVE else f"{kind}{SEPARATOR}{start_ms}"
    return f"{series}{SEPARATOR}{tail}".encode()


def trend_place(key: bytes) -> tuple[str, str]:
    """(cut, kind of window) of the trends that have a key; not of CLOCK_KEY, which is no trend's."""
    parts = key.decode().split(SEPARATOR)  # no value of a dimension holds one, and no start is the name of a live kind
    return parts[0], parts[-1] if parts[-1] in LIVE else parts[-2]


def expectation_key(series: str, start_ms: int) -> bytes:
    """The key of an expectation: series and minute."""
    return f"{series}{SEPARATOR}{start_ms}".encode()
