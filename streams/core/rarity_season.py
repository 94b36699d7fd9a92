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
    off it. left: mean square of what is off the profile. profile: (HOURS × series)."""

    begun: FloatArray
    on: FloatArray
    level: FloatArray
    spread: FloatArray
    left: FloatArray
    profile: FloatArray


class Usual(NamedTuple):
    """What the profile says of a time of day: `value` between the hours `low` and `high`, `part` of the way."""

    value: FloatArray
    low: Indexes
    high: Indexes
    part: FloatArray


def begun(season: Season, first: Mask, values: FloatArray, minute: float | FloatArray) -> Season:
    """The season of series whose first row this is: they have been like it so far."""
    return season._replace(
        begun=np.where(first, minute, season.begun),
        level=np.where(first, values, season.level),
        profile=np.where(first, values, season.profile),
    )


def usual(season: Season, minute_of_day: FloatArray) -> Usual:
    """Each series' profile at its minute of the day; the middle of an hour has the hour's number."""
    place = (minute_of_day / HOUR_MINUTES - 0.5) % HOURS
    low = place.astype(np.intp)
    high, part, columns = (low + 1) % HOURS, place - low, np.arange(len(low))
    return Usual((1 - part) * season.profile[low, columns] + part * season.profile[high, columns], low, high, part)


def learned(season: Season, values: FloatArray, was: Usual, rows: FloatArray, minute: float | FloatArray) -> Season:
    """The season after one more value of each series. rows: with this one."""
    rate = np.maximum(1 / rows, 1 / _MEMORY_ROWS)
    off, miss = values - season.level, values - was.value
    days = np.maximum((minute - season.begun) / DAY_MINUTES, 1.0)
    rows_an_hour = rows / days * np.minimum(days, MEMORY_DAYS) / HOURS  # of those that an hour of the day remembers
    gain = np.minimum(_GAIN_MAX, _GAIN / rows_an_hour) * miss / ((1 - was.part) ** 2 + was.part**2)
    profile, columns = season.profile.copy(), np.arange(len(values))
    profile[was.low, columns] += gain * (1 - was.part)
    profile[was.high, columns] += gain * was.part
    spread = season.spread + rate * (off**2 - season.spread)
    left = season.left + rate * (miss**2 - season.left)
    explained = 1 - left / np.maximum(spread, _NONE)
    old = minute - season.begun >= DAYS_MIN * DAY_MINUTES
    on: Mask = np.where(season.on > 0, explained > _GIVEN_UP, old & (explained > EXPLAINED))
    return Season(season.begun, on.astype(np.float64), season.level + rate * off, spread, left, profile)
