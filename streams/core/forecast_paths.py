"""Paths: a day played through many times, for what bands of single slots can't tell: its total, its peak, and how high it is.

A path is the forecast times a level of the day times a wandering of the hours, and then counted (Poisson). The surprise: seeds
are arguments, so that the same forecast gives the same paths on every worker and after every restart; and series share what the
day and its hours do, which takes two thirds of the time.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from streams.core.level import FloatArray

PATHS = 200  # a chance is told to within 3 per cent
SHARES = tuple(number / 20 for number in range(1, 20))  # which quantiles of the peak are kept
_TOTAL_SHARES = (0.025, 0.1, 0.9, 0.975)
_LASTING_MINUTES = 165.0  # of the wandering: what 0.97 per five minutes is (forecast.py)


class Outcome(Struct, frozen=True, kw_only=True):
    """What paths say of the slots to come: quantiles of their sum (95 % and 80 % between them), the slot that is most often the
    busiest, and quantiles (SHARES) of the busiest slot's contacts."""

    total_low_95: float
    total_low_80: float
    total_high_80: float
    total_high_95: float
    peak_slot: int
    peak_quantiles: list[float]


class Course(NamedTuple):
    """How paths go, in standard deviations: the day (paths, 1), its hours (paths, slots)."""

    day: FloatArray
    hours: FloatArray


def courses(slots: int, slot_minutes: int, seed: int) -> Course:
    """Courses of so many slots; the hours are an AR(1) of variance 1."""
    random = np.random.default_rng(seed)
    day, hours = random.standard_normal((PATHS, 1)), random.standard_normal((PATHS, slots))
    kept = float(np.exp(-slot_minutes / _LASTING_MINUTES))
    for slot in range(1, slots):
        hours[:, slot] = kept * hours[:, slot - 1] + np.sqrt(1 - kept**2) * hours[:, slot]
    return Course(day, hours)


def play(mean: FloatArray, variances: tuple[float, FloatArray], course: Course, seed: int) -> Outcome:
    """Outcome for slots with these means; variances are relative: of the day's level, and of each slot's mean in all."""
    day_variance = min(variances[0], float(variances[1].max(initial=0.0)))
    level = _lognormal(course.day, np.array(day_variance))
    wandering = _lognormal(course.hours, np.maximum(variances[1] - day_variance, 0.0))
    counts: npt.NDArray[np.int64] = np.random.default_rng(seed).poisson(mean * level * wandering)
    total, peak = counts.sum(axis=1), counts.max(axis=1)
    busiest = np.bincount(counts.argmax(axis=1)[peak > 0], minlength=len(mean))
    low_95, low_80, high_80, high_95 = np.quantile(total, _TOTAL_SHARES)
    return Outcome(
        total_low_95=float(low_95),
        total_low_80=float(low_80),
        total_high_80=float(high_80),
        total_high_95=float(high_95),
        peak_slot=int(busiest.argmax()),
        peak_quantiles=[float(one) for one in np.quantile(peak, SHARES)],
    )


def chance_above(peak_quantiles: list[float], capacity: float) -> float:
    """P(peak > capacity), between 0.05 and 0.95 by the quantiles, 0 and 1 beyond them."""
    if capacity < peak_quantiles[0]:
        return 1.0
    if capacity >= peak_quantiles[-1]:
        return 0.0
    return float(1 - np.interp(capacity, peak_quantiles, SHARES))


def _lognormal(normal: FloatArray, variance: FloatArray) -> FloatArray:
    """Factors of mean 1 with this variance."""
    spread = np.log1p(variance)
    factors: FloatArray = np.exp(np.sqrt(spread) * normal - spread / 2)
    return factors
