"""Rarity season: how a value goes through its days, and for which series that explains most of it (detection.md, "Rarity").

Only there rarity is of what is left over: always taking the season off lost 15 points on detection.md's corpus, because a
profile that explains little adds its own noise. The surprise: a profile is 24 numbers that a value moves two at a time, so that
hours pass into each other.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from streams.core.level import FloatArray, Mask

HOURS, HOUR_MINUTES, DAY_MINUTES = 24, 60, 1440
DAYS_MIN = 3.0  # as for volumes: a daily season after three days (detection.md)
EXPLAINED = 0.7  # the share of the spread that a profile must explain (0.6 in detection.md); chosen by tests/bench/nab.py
_GIVEN_UP = 0.6  # below this it is taken off again; between the two a series stays as it is
_MEMORY_ROWS = 5000.0  # of how much it explains; chosen there, too
MEMORY_DAYS = 10.0  # that a profile remembers; chosen by tests/bench/nab.py
_GAIN, _GAIN_MAX = 1.5, 0.5  # an hour's value is shared by two numbers, so a miss moves each by less than all of it
_NONE = 1e-12

Indexes: TypeAlias = npt.NDArray[np.intp]


class Season(NamedTuple):
    """begun: minute of the first row. on: 1.0 where the profile is taken off. level, spread: mean, and mean square of what is
    off it. left: mean square of what is off the profile."""

    begun: FloatArray
    on: FloatArray
    level: FloatArray
    spread: FloatArray
    left: FloatArray


class Profile:
    """(HOURS × series) what is usual at the middle of each hour of the day. A row touches two numbers, so it is changed in
    place: to copy all of it took a third of a step."""

    def __init__(self, hours: FloatArray) -> None:
        self.hours = hours

    def begin(self, columns: Indexes, values: FloatArray) -> None:
        """Series whose first row this is: they have been like it so far."""
        self.hours[:, columns] = values

    def usual(self, columns: Indexes, of_day: float | FloatArray) -> "Usual":
        """What series usually have at a minute of the local day."""
        place = (np.broadcast_to(np.asarray(of_day, dtype=np.float64), columns.shape) / HOUR_MINUTES - 0.5) % HOURS
        low = place.astype(np.intp)
        high, part = (low + 1) % HOURS, place - low
        return Usual((1 - part) * self.hours[low, columns] + part * self.hours[high, columns], low, high, part)

    def learn(self, columns: Indexes, was: "Usual", gain: FloatArray) -> None:
        """Move what was said of a time of day by `gain`."""
        moved = gain / ((1 - was.part) ** 2 + was.part**2)
        self.hours[was.low, columns] += moved * (1 - was.part)
        self.hours[was.high, columns] += moved * was.part


class Usual(NamedTuple):
    """What the profile says of a time of day: `value` between the hours `low` and `high`, `part` of the way."""

    value: FloatArray
    low: Indexes
    high: Indexes
    part: FloatArray


def begun(season: Season, first: Mask, values: FloatArray, minute: float | FloatArray) -> Season:
    """The season of series whose first row this is."""
    return season._replace(begun=np.where(first, minute, season.begun), level=np.where(first, values, season.level))


def gain(season: Season, miss: FloatArray, rows: FloatArray, minute: float | FloatArray) -> FloatArray:
    """By how much a profile moves that missed a value by so much. rows: with this one."""
    days = np.maximum((minute - season.begun) / DAY_MINUTES, 1.0)
    rows_an_hour = rows / days * np.minimum(days, MEMORY_DAYS) / HOURS  # of those that an hour of the day remembers
    return np.asarray(np.minimum(_GAIN_MAX, _GAIN / rows_an_hour) * miss)


def learned(season: Season, values: FloatArray, miss: FloatArray, rows: FloatArray, minute: float | FloatArray) -> Season:
    """The season after one more value of each series, that its profile missed by so much. rows: with this one."""
    rate = np.maximum(1 / rows, 1 / _MEMORY_ROWS)
    off = values - season.level
    spread = season.spread + rate * (off**2 - season.spread)
    left = season.left + rate * (miss**2 - season.left)
    explained = 1 - left / np.maximum(spread, _NONE)
    old = minute - season.begun >= DAYS_MIN * DAY_MINUTES
    on: Mask = np.where(season.on > 0, explained > _GIVEN_UP, old & (explained > EXPLAINED))
    return Season(season.begun, on.astype(np.float64), season.level + rate * off, spread, left)
