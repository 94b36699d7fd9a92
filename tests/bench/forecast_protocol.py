"""The protocol of forecasts: counts of days in, errors and coverage by horizon out. Strictly causal, the origin moves every slot.

The file is the bank's: 5-minute counts of 164 weekdays, 7 to 21 h. What was chosen was chosen on days 60 to 119; days 120 to 163
are for testing. The surprise: days without data aren't days here. Holidays among them are given to the calendar, because they are
known in advance; two breaks in the recording are not.
"""

import csv
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from streams.core import forecast_band
from streams.core.forecast import Forecaster
from streams.core.forecast_calendar import calendar_day

FloatArray = npt.NDArray[np.float64]

BANK = Path(__file__).parents[3] / "shared" / "data" / "bank_calls" / "bank_calls.csv"
SLOT_MINUTES = 5
WEEK = 5  # days of a week here
CHOSEN, TESTED = range(60, 120), range(120, 164)
HOLIDAYS = frozenset({date(2003, 5, 26), date(2003, 7, 4), date(2003, 9, 1)})
HORIZONS = ("5 min", "1 h", "3 h", "1 day", "1 week")
REST = ("rest of day, slots", "rest of day, total", "today, at opening")


class Bank(NamedTuple):
    """Days and their counts (days, slots)."""

    days: list[date]
    counts: FloatArray


class Scores(NamedTuple):
    """WAPE in per cent by horizon and of the rest of the day; `scaled`: of the first series' forecast times the share of it that
    was known; coverage and mean width (share of volume) of the 80 and 95 % bands, (levels, horizons). Series come last."""

    wape: dict[str, FloatArray]
    scaled: dict[str, FloatArray]
    covered: FloatArray
    width: FloatArray
    borrowed: npt.NDArray[np.bool_]


def read_bank(path: Path = BANK) -> Bank:
    """The whole file."""
    found: dict[date, list[float]] = {}
    with path.open(newline="") as file:
        lines = csv.reader(file)
        next(lines)
        for moment, calls in lines:
            found.setdefault(date.fromisoformat(moment[:10]), []).append(float(calls))
    return Bank(sorted(found), np.array([found[day] for day in sorted(found)]))


def thinned(counts: FloatArray, means: Sequence[float], seed: int = 1) -> FloatArray:
    """Counts (days, series, slots): the whole first, then parts of it with these means per slot, call by call at random."""
    random = np.random.default_rng(seed)
    parts = [random.binomial(counts.astype(int), mean / counts.mean()) for mean in means]
    return np.stack([counts, *parts], axis=1).astype(np.float64)


class Tally:
    """Sums of errors, volume, hits and widths."""

    def __init__(self, series: int) -> None:
        self.errors = {name: np.zeros(series) for name in (*HORIZONS, *REST)}
        self.scaled = {name: np.zeros(series) for name in HORIZONS}
        self.volumes = {name: np.zeros(series) for name in (*HORIZONS, *REST)}
        self.bands = np.zeros((2, 2, len(HORIZONS), series))  # hits, widths; levels
        self.slots = np.zeros((len(HORIZONS), series))

    def add(self, name: str, found: FloatArray, told: FloatArray) -> None:
        """Counts and forecasts (series, …) of one name."""
        self.errors[name] += np.abs(found - told).sum(axis=1)
        self.volumes[name] += found.sum(axis=1)

    def add_day(self, forecaster: Forecaster, found: FloatArray) -> None:
        """What was told of a day that is over, before it is learned."""
        told = forecaster.told()
        known = ~np.isnan(told)
        learned = forecaster.learned
        share = learned["child"] / np.maximum(learned["parent"], 1.0)
        for place, name in enumerate(HORIZONS):
            self.add(name, np.where(known[:, place], found, 0.0), np.where(known[:, place], told[:, place], 0.0))
            shared = share[:, None] * told[0, place]
            self.scaled[name] += np.where(known[:, place], np.abs(found - np.nan_to_num(shared)), 0.0).sum(axis=1)
        sums = learned["band_error"], learned["band_square"]
        bounds = forecast_band.told_bands(np.nan_to_num(told), sums, learned["band_stretch"], forecaster.hours)
        within = (found[None, :, None] >= bounds[:, 0]) & (found[None, :, None] <= bounds[:, 1]) & known
        widths = np.where(known, bounds[:, 1] - bounds[:, 0], 0.0)
        self.bands += np.array([within.sum(axis=3), widths.sum(axis=3)]).swapaxes(2, 3)
        self.slots += known.sum(axis=2).T

    def scores(self, borrowed: npt.NDArray[np.bool_]) -> Scores:
        """In per cent and shares."""
        wape = {name: 100 * self.errors[name] / np.maximum(self.volumes[name], 1.0) for name in self.errors}
        scaled = {name: 100 * self.scaled[name] / np.maximum(self.volumes[name], 1.0) for name in self.scaled}
        volumes = np.array([self.volumes[name] for name in HORIZONS])
        return Scores(wape, scaled, self.bands[0] / self.slots, self.bands[1] / np.maximum(volumes, 1.0), borrowed)


def run(
    days: Sequence[date],
    counts: FloatArray,
    parents: Sequence[int],
    *,
    effects: bool,
    tested: range,
    rest: bool = False,
    slot_minutes: int = SLOT_MINUTES,
) -> Scores:
    """Learn all days (days, series, slots); scores of the `tested` ones. `rest`: of the rest of the day, too."""
    slots = counts.shape[2]
    forecaster = Forecaster(slots, slot_minutes, WEEK)
    forecaster.enrol(parents)
    after = [days[-1] + timedelta(days=number) for number in range(3, 3 + WEEK)]  # the last day is a Friday
    calendar = [calendar_day(day, HOLIDAYS, with_effects=effects) for day in (*days, *after)]
    tally = Tally(counts.shape[1])
    for number in range(len(days)):
        forecaster.begin(calendar[number : number + WEEK + 1])
        found = counts[number]
        if rest and number in tested:
            tally.add("today, at opening", found, forecaster.means()[0])
        for slot in range(slots):
            forecaster.observe(slot, found[:, slot])
            if rest and number in tested and slot < slots - 1:
                told, came = forecaster.means()[0][:, slot + 1 :], found[:, slot + 1 :]
                tally.add("rest of day, slots", came, told)
                tally.add("rest of day, total", came.sum(axis=1, keepdims=True), told.sum(axis=1, keepdims=True))
        if number in tested:
            tally.add_day(forecaster, found)
        forecaster.end()
    return tally.scores(forecaster.borrows)
