"""What leaves the system on the `forecasts` topic: a record per series and local day, replaced whenever more of it is seen.

The surprise: today's record holds only the slots to come, with the total and the peak of these. What has come is in `trends`.
"""

from datetime import date, timedelta
from statistics import NormalDist
from typing import NamedTuple
from zlib import crc32
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from streams.core.forecast import Forecaster
from streams.core.forecast_clock import slot_starts
from streams.core.forecast_paths import Course, Outcome, courses, play
from streams.core.forecast_score import Accuracy, accuracies
from streams.core.level import FloatArray
from streams.core.series import SEPARATOR, series_cut, series_values

_PLACES = 2  # decimals
_NORMAL = NormalDist()
_BOUNDS = (-1.959964, -1.281552, 0.0, 1.281552, 1.959964)  # of the 95 and 80 % bands and the middle, in standard deviations
_FLAT = 1e-6  # contacts: bands of a closed slot are all 0, and nothing is divided by 0


class ForecastDay(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Contacts expected of one series in the slots [start, start + slot_minutes) of a local day that are still to come, from all
    that was seen before `origin_ms`, with 80 and 95 % bands in whole contacts. `outcome` is of these slots together. `borrowed`:
    too little contact for a shape of its own, this is a share of the total's forecast. `accuracy`: how good forecasts of the
    series were, by how far they looked ahead; in today's record only."""

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
    accuracy: list[Accuracy] = []


class Origin(msgspec.Struct, frozen=True):
    """From when a forecast is: today's date, and up to when contacts were seen."""

    today: date
    zone: ZoneInfo
    origin_ms: int


def forecast_key(series: str, day: str) -> bytes:
    """The key of a forecast: series and local day."""
    return f"{series}{SEPARATOR}{day}".encode()


def chance_above(one: ForecastDay, place: int, capacity: float) -> float:
    """P(contacts of a slot > capacity), by its bands: normal between them and beyond, as steep as nearest to the end."""
    return chance_beyond(
        (one.low_95[place], one.low_80[place], one.mean[place], one.high_80[place], one.high_95[place]), capacity
    )


def chance_beyond(found: tuple[float, ...], capacity: float) -> float:
    """The same of the band's five places: low 95 and 80 %, the mean, high 80 and 95 %."""
    values = np.maximum.accumulate(found) + _FLAT * np.arange(len(found))
    below = int(np.clip(np.searchsorted(values, capacity) - 1, 0, len(values) - 2))
    steepness = (_BOUNDS[below + 1] - _BOUNDS[below]) / (values[below + 1] - values[below])
    return 1 - _NORMAL.cdf(_BOUNDS[below] + steepness * (capacity - values[below]))


class Look:
    """The forecasts of all series from one origin, computed once and handed out record by record; what is learned later doesn't
    change it."""

    def __init__(self, forecaster: Forecaster, origin: Origin, days: int) -> None:
        """`days`: today and how many after it, in all."""
        self._origin = origin
        self._minutes = forecaster.slot_minutes
        self._seed = f"{origin.today} {forecaster.slot}"
        self._means = forecaster.means()[:days]
        self._margins = forecaster.margins()
        self._level_variance, self._slot_variance = forecaster.noise()
        self._borrows = forecaster.borrows
        self._horizons, self._scores = forecaster.horizons, forecaster.learned["score"].copy()
        self._days = [self._day(number, forecaster) for number in range(days)]
        ready = [int(row) for row in np.nonzero(forecaster.ready)[0]]
        self.places = [(number, row) for number, day in enumerate(self._days) if day.slots for row in ready]

    def _day(self, number: int, forecaster: Forecaster) -> "_Day":
        day = self._origin.today + timedelta(days=number)
        starts = slot_starts(day, self._origin.zone, forecaster.slots, self._minutes)
        first = forecaster.slot if number == 0 else 0
        slots = [slot for slot, start_ms in enumerate(starts) if slot >= first and start_ms is not None]
        starts_ms = [start_ms for start_ms in starts[first:] if start_ms is not None]
        return _Day(day.isoformat(), slots, starts_ms, courses(len(slots), self._minutes, crc32(f"{self._seed} {day}".encode())))

    def record(self, name: str, place: tuple[int, int], now_ms: int) -> ForecastDay:
        """The forecast of one of `places`, (day, row): the series `name`, published at `now_ms`."""
        number, row = place
        day, origin = self._days[number], self._origin
        mean = self._means[number, row, day.slots]
        (low_80, high_80), (low_95, high_95) = self._margins.bounds(place, self._means[number, row])[:, :, day.slots]
        variances = float(self._level_variance[row]), self._slot_variance[row, day.slots]
        return ForecastDay(
            cut=series_cut(name),
            series=series_values(name),
            day=day.name,
            time_zone=origin.zone.key,
            slot_minutes=self._minutes,
            origin_ms=origin.origin_ms,
            starts_ms=day.starts_ms,
            mean=_rounded(mean),
            low_80=_rounded(low_80),
            high_80=_rounded(high_80),
            low_95=_rounded(low_95),
            high_95=_rounded(high_95),
            total=round(float(mean.sum()), _PLACES),
            outcome=play(mean, variances, day.course, crc32(f"{self._seed} {day.name} {name}".encode())),
            borrowed=bool(self._borrows[row]),
            published_ms=now_ms,
            accuracy=accuracies(self._scores[row], self._horizons) if number == 0 else [],
        )


class _Day(NamedTuple):
    name: str
    slots: list[int]
    starts_ms: list[int]
    course: Course


def _rounded(values: FloatArray) -> list[float]:
    rounded: list[float] = np.round(values, _PLACES).tolist()
    return rounded
