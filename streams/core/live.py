"""The live view's layout in Redis, version 1: which key holds what. Shared by its writer and its readers.

    streams:layout                  the version of the layout that was written last: '1'
    streams:1:series:{cut}          sorted set: series seen live, score = when last published (wall clock, ms)
    streams:1:live:{series}         hash: window kind → JSON of the latest Trend (tumbling kinds: of the newest window)
                                          '{kind}:v' → version text; a write with a smaller one is refused
    streams:1:minutes:{series}      sorted set: JSON of Expectation, score = start_ms; the last 24 h of event time
    streams:1:forecast:{series}     hash: local day → JSON of ForecastDay, '{day}:v' → version text
    streams:1:rank:{cut}            sorted set: series by contacts offered today
    streams:1:alerts                hash: alert id → JSON of Alert, '{alert id}:v' → version text
    streams:1:alerts:end            sorted set: alert ids, score = when the end was published (wall clock, ms), +inf while open;
                                          ended ones leave after 24 h
    streams:1:clock                 hash: shard → JSON of Clock, '{shard}:v' → version text
    streams:1:writer:{name}         '1' while this writer writes; one that misses its own knows that Redis lost its content
    streams:1:changes               pub/sub channel: one JSON message per write, LiveChanges: what won, forecasts left out

The surprise: versions are texts that compare like numbers (padded with zeros), because the guard runs inside Redis and its Lua
has no 64-bit integers.
"""

from collections.abc import Iterable
from typing import Final, TypeAlias

import msgspec

from streams.core.alert import Alert
from streams.core.forecast_record import ForecastDay
from streams.core.series import SEPARATOR, cut_dimensions, series_of
from streams.core.trend import Clock, Expectation, Trend

LAYOUT: Final = "1"
LAYOUT_KEY: Final = "streams:layout"
PREFIX: Final = f"streams:{LAYOUT}:"
ALERTS_KEY: Final = f"{PREFIX}alerts"
ALERTS_END_KEY: Final = f"{PREFIX}alerts:end"
CLOCK_KEY: Final = f"{PREFIX}clock"
CHANNEL: Final = f"{PREFIX}changes"

DAY_MS: Final = 86_400_000
MINUTES_KEPT_MS: Final = DAY_MS  # the board's chart shows a day
ENDED_ALERTS_KEPT_MS: Final = DAY_MS
ENDED_ALERTS_MAX: Final = 1_000  # a day with more is a defect of detect; the newest stay
CLOCK_EXPIRY_SECONDS: Final = 3_600  # an hour after the last pulse the view is empty rather than old

Record: TypeAlias = Trend | Expectation | Alert | Clock | ForecastDay


class LiveChanges(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What one write changed in the live view; also the message on the channel of changes."""

    trends: tuple[Trend, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    alerts: tuple[Alert, ...] = ()
    clocks: tuple[Clock, ...] = ()
    forecasts: tuple[ForecastDay, ...] = ()


def series_key(cut: str) -> str:
    """Where the series of a cut are listed."""
    return f"{PREFIX}series:{cut}"


def live_key(series: str) -> str:
    """Where the current windows of a series are."""
    return f"{PREFIX}live:{series}"


def minutes_key(series: str) -> str:
    """Where the minutes of a series are, actual against expected."""
    return f"{PREFIX}minutes:{series}"


def forecast_key(series: str) -> str:
    """Where the forecasts of a series are."""
    return f"{PREFIX}forecast:{series}"


def rank_key(cut: str) -> str:
    """Where the series of a cut are ranked by contacts offered today."""
    return f"{PREFIX}rank:{cut}"


def writer_key(writer: str) -> str:
    """The mark of one writer."""
    return f"{PREFIX}writer:{writer}"


def record_series(record: Trend | Expectation | Alert | ForecastDay) -> str:
    """The series string of a record, values in the order of the cut's dimensions."""
    return series_of(record.cut, *(record.series[dimension] for dimension in cut_dimensions(record.cut)))


def version_of(record: Record) -> str:
    """Text that is greater for what should win: newest window first, then the higher revision."""
    if isinstance(record, Trend):
        return f"{record.window.start_ms:016d}.{record.revision:016d}"
    if isinstance(record, Clock):
        return f"{record.revision:016d}"
    if isinstance(record, Alert):
        return f"{record.version:016d}"
    if isinstance(record, ForecastDay):
        return f"{record.origin_ms:016d}"
    return f"{record.published_ms:016d}"


def slot_of(record: Record) -> str:
    """The place in the live view that a record takes: records with the same slot replace each other."""
    if isinstance(record, Trend):
        return SEPARATOR.join(("trend", record_series(record), record.window.kind))
    if isinstance(record, Clock):
        return SEPARATOR.join(("clock", str(record.shard)))
    if isinstance(record, Alert):
        return SEPARATOR.join(("alert", record.alert_id))
    if isinstance(record, ForecastDay):
        return SEPARATOR.join(("forecast", record_series(record), record.day))
    return SEPARATOR.join(("minute", record_series(record), str(record.start_ms)))


def changes_of(records: Iterable[Record]) -> LiveChanges:
    """Records sorted by type, each type in the order given."""
    held = list(records)
    return LiveChanges(
        trends=tuple(record for record in held if isinstance(record, Trend)),
        expectations=tuple(record for record in held if isinstance(record, Expectation)),
        alerts=tuple(record for record in held if isinstance(record, Alert)),
        clocks=tuple(record for record in held if isinstance(record, Clock)),
        forecasts=tuple(record for record in held if isinstance(record, ForecastDay)),
    )


def alert_end(alert: Alert) -> str:
    """The score of an alert among the ended ones: when its end was published, '+inf' while it is open."""
    return str(alert.published_ms) if alert.state in ("resolved", "expired") else "+inf"


_ENCODER = msgspec.json.Encoder()
_TRENDS = msgspec.json.Decoder(Trend)
_EXPECTATIONS = msgspec.json.Decoder(Expectation)
_ALERTS = msgspec.json.Decoder(Alert)
_CLOCKS = msgspec.json.Decoder(Clock)
_FORECASTS = msgspec.json.Decoder(ForecastDay)
_CHANGES = msgspec.json.Decoder(LiveChanges)


def encode(value: Record | LiveChanges) -> bytes:
    """A record or a message as JSON."""
    return _ENCODER.encode(value)


def decode_trend(data: bytes) -> Trend:
    """JSON of a trend."""
    return _TRENDS.decode(data)


def decode_expectation(data: bytes) -> Expectation:
    """JSON of an expectation."""
    return _EXPECTATIONS.decode(data)


def decode_alert(data: bytes) -> Alert:
    """JSON of an alert."""
    return _ALERTS.decode(data)


def decode_clock(data: bytes) -> Clock:
    """JSON of a clock."""
    return _CLOCKS.decode(data)


def decode_forecast(data: bytes) -> ForecastDay:
    """JSON of a forecast."""
    return _FORECASTS.decode(data)


def decode_changes(data: bytes) -> LiveChanges:
    """JSON of a message on the channel of changes."""
    return _CHANGES.decode(data)
