"""Profile: where the forecast's curves say that each series goes within a minute, and how far to trust them.

A level that is carried along its curve has nothing to learn at opening, at noon and at night, so that it may remember for hours
and what it sees beside the curve is news. The surprise: only the curve's steps count, not its height: how much contact there is
today is the level's affair (level.py). Series without a curve of three days are carried nowhere and learn as before.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from streams.core.forecast import Forecaster
from streams.core.level import FloatArray

DAYS_MIN = 3  # detection.md: a daily season after three days
_RATE_LEAST = 0.01  # contacts a minute: closed is nearly nothing, not nothing, so that a first contact has a likelihood
# Neighbouring slots that differ more are an opening, which takes place when the slot begins; others are joined by a line.
_EDGE = 3.0
_MISFIT_MAX = 0.1  # relative variance of a slot beside counting: a curve that is wrong by more than 30 % leads nowhere
_UNSURE_MAX = 0.25  # of the log level at the beginning of a day: even a first Saturday is known to a factor of two


class Profile(NamedTuple):
    """One minute of all series. known: there is a curve; rise: the step of its logarithm into this minute; misfit: its relative
    variance; unsure: what a new day adds to the variance of the log level; log_rate: contacts expected of the minute."""

    known: npt.NDArray[np.bool_]
    rise: FloatArray
    misfit: FloatArray
    unsure: FloatArray
    log_rate: FloatArray


def no_profile(series: int) -> Profile:
    """Nothing is known."""
    nothing = np.zeros(series)
    return Profile(np.zeros(series, dtype=np.bool_), nothing, nothing, nothing, np.full(series, np.log(_RATE_LEAST)))


class Curves:
    """The curves of a local day and the next, as they are before the day's first contact. They don't change within it."""

    def __init__(self, day: date, forecaster: Forecaster) -> None:
        """`day`: the one that the forecaster is in."""
        self.day = day
        self._minutes, self._slots = forecaster.slot_minutes, forecaster.slots
        known = forecaster.days_behind() >= DAYS_MIN
        self._misfit = forecaster.misfit()
        self._unsure = np.minimum(forecaster.day_variance(), _UNSURE_MAX)
        rates = np.maximum(forecaster.shapes() / self._minutes, _RATE_LEAST)
        self._rates = rates.transpose(1, 0, 2).reshape(len(known), -1)
        self._known = known[:, None] & (self._misfit <= _MISFIT_MAX)

    def minute(self, before: tuple[date, int], now: tuple[date, int], rows: "npt.NDArray[np.intp]") -> Profile:
        """The step from one minute of a local day (date, minute) into another, for the forecaster's `rows`, −1 for none."""
        ends = [(day - self.day).days * self._slots * self._minutes + minute for day, minute in (before, now)]
        if not len(self._known) or not all(0 <= end < self._rates.shape[1] * self._minutes for end in ends):
            return no_profile(len(rows))
        start, end = (self._log_rate(minute) for minute in ends)
        slot = now[1] // self._minutes
        known = (rows >= 0) & self._known[:, slot][rows]
        unsure = self._unsure[(now[0] - self.day).days] if before[0] != now[0] else np.zeros(len(self._known))
        rise, misfit, unsure = (np.where(known, part[rows], 0.0) for part in (end - start, self._misfit[:, slot], unsure))
        return Profile(known, rise, misfit, unsure, end[rows])

    def _log_rate(self, minute: int) -> FloatArray:
        """Log contacts a minute, in the middle of a minute. Slots of two days aren't joined: what the new day has more or less is
        a step at midnight, as a whole, since the day after knows nothing of the slot before."""
        place = (minute + 0.5) / self._minutes - 0.5
        midnight = minute // (self._slots * self._minutes) * self._slots
        first = max(midnight, int(np.floor(place)))
        second = min(first + 1, midnight + self._slots - 1)
        one, other = self._rates[:, first], self._rates[:, second]
        here = self._rates[:, minute // self._minutes]
        is_edge = np.maximum(one, other) > _EDGE * np.minimum(one, other)
        part = max(0.0, place - first)
        return np.log(np.where(is_edge, here, (1 - part) * one + part * other))


def rows_of(names: Sequence[str], rows: dict[str, int]) -> "npt.NDArray[np.intp]":
    """The forecaster's row of each series, −1 for none."""
    return np.array([rows.get(name, -1) for name in names], dtype=np.intp)
