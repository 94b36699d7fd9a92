"""What leaves the system on the `forecasts` topic: a record per series and local day, replaced whenever more of it is seen.

The surprise: today's record holds only the slots to come, with the total and the peak of these. What has come is in `trends`.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from zlib import crc32
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from streams.core.forecast import Forecaster
from streams.core.forecast_clock import slot_starts
from streams.core.forecast_paths import Outcome, play
from streams.core.level import FloatArray
from streams.core.series import SEPARATOR, series_cut, series_values

_PLACES = 2  # decimals


class ForecastDay(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Contacts expected of one series in the slots [start, start + slot_minutes) of a local day that are still to come, from all
    that was seen before `origin_ms`, with 80 and 95 % bands in whole contacts. `outcome` is of these slots together. `borrowed`:
    too little contact for a shape of its own, this is a share of the total's forecast."""

    cut: str
    series: dict[str, str]
    day: str
    time_zone: str
    slot_minutes: int
    origin_ms: int
    starts_ms: list[int]
    mean: list[float]
    low_80: list[float]
    high_80: list[float]
    low_95: list[float]
    high_95: list[float]
    total: float
    outcome: Outcome
    borrowed: bool
    published_ms: int


class Origin(msgspec.Struct, frozen=True):
    """From when a forecast is: today's date, and up to when contacts were seen."""

    today: date
    slot_minutes: int
    zone: ZoneInfo
    origin_ms: int
    published_ms: int


def forecast_key(series: str, day: str) -> bytes:
    """The key of a forecast: series and local day."""
    return f"{series}{SEPARATOR}{day}".encode()


def forecast_days(forecaster: Forecaster, names: Sequence[str], origin: Origin, days: int) -> list[tuple[str, ForecastDay]]:
    """(series, forecast) of today and the next `days` − 1 days, of each series that has one."""
    ready = np.nonzero(forecaster.ready)[0]
    if not len(ready):
        return []
    means = forecaster.means()
    bands = forecaster.bands(means)
    found = []
    for number in range(days):
        day = origin.today + timedelta(days=number)
        starts = slot_starts(day, origin.zone, forecaster.slots, forecaster.slot_minutes)
        first = forecaster.slot if number == 0 else 0
        kept = [slot for slot, start_ms in enumerate(starts) if slot >= first and start_ms is not None]
        starts_ms = [start_ms for start_ms in starts[first:] if start_ms is not None]
        for row in (int(one) for one in ready if kept):
            outcome = _outcome(forecaster, means[number, row, kept], (row, kept), f"{names[row]} {day} {forecaster.slot}")
            quantiles = bands[:, :, number, row, :][:, :, kept]
            borrowed = bool(forecaster.borrows[row])
            figures = (means[number, row, kept], quantiles, outcome)
            found.append((names[row], _record(names[row], (origin, day, starts_ms), figures, borrowed)))
    return found


def _outcome(forecaster: Forecaster, mean: FloatArray, place: tuple[int, list[int]], seed: str) -> Outcome:
    level, slots = forecaster.noise()
    row, kept = place
    return play(mean, float(level[row]), slots[row, kept], forecaster.slot_minutes, crc32(seed.encode()))


def _record(
    name: str,
    when: tuple[Origin, date, list[int]],
    figures: tuple[FloatArray, FloatArray, Outcome],
    borrowed: bool,
) -> ForecastDay:
    origin, day, starts_ms = when
    mean, quantiles, outcome = figures
    return ForecastDay(
        cut=series_cut(name),
        series=series_values(name),
        day=day.isoformat(),
        time_zone=origin.zone.key,
        slot_minutes=origin.slot_minutes,
        origin_ms=origin.origin_ms,
        starts_ms=starts_ms,
        mean=_rounded(mean),
        low_80=_rounded(quantiles[0, 0]),
        high_80=_rounded(quantiles[0, 1]),
        low_95=_rounded(quantiles[1, 0]),
        high_95=_rounded(quantiles[1, 1]),
        total=round(float(mean.sum()), _PLACES),
        outcome=outcome,
        borrowed=borrowed,
        published_ms=origin.published_ms,
    )


def _rounded(values: FloatArray) -> list[float]:
    return [round(float(value), _PLACES) for value in values]
