"""Band: how far from its forecast a count may be, learned from how far counts were, for each horizon.

Variance μ + κμ², κ per horizon and hour of the day; 80 and 95 % quantiles by the cube root of the gamma distribution with that
mean and variance, each side stretched by a factor of its own that follows how often it was missed. The surprise: a day's outcomes
are learned together when it is over, so that all of its bands were there before it.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from streams.core.level import FloatArray

HourArray: TypeAlias = npt.NDArray[np.intp]

QUANTILES = (1.2816, 1.96)  # 80 and 95 % between both sides
_MISSES = np.array([[0.1], [0.025]])  # beyond each side
_PRIOR, _RATE, _RANGE = 0.01, 0.05, (0.0, 1.0)  # κ: 10 % beside counting at first, then a mean over about 20 days
_STEP, _STRETCH_MAX = 0.1, 1.0  # detection.md; more than e-fold is no band any more


def unknown(horizons: int, hours: int) -> dict[str, FloatArray]:
    """What a new series starts with: sums for κ, and log factors (horizons, levels, sides)."""
    return {
        "band_error": np.full((horizons, hours), _PRIOR),
        "band_square": np.ones((horizons, hours)),
        "band_stretch": np.zeros((horizons, 2, 2)),
    }


def noise(error: FloatArray, square: FloatArray) -> FloatArray:
    """κ (series, horizons, hours): half each hour's own, half the mean over hours, weighted by contacts."""
    own = error / np.maximum(square, 1e-9)
    mean = error.sum(axis=2, keepdims=True) / np.maximum(square.sum(axis=2, keepdims=True), 1e-9)
    half: FloatArray = np.clip((own + mean) / 2, *_RANGE)
    return half


def band(mean: FloatArray, kappa: FloatArray, stretch: FloatArray) -> FloatArray:
    """Quantiles (levels, sides, …) around `mean` (…) for κ (…) and log factors (levels, sides, …)."""
    safe = np.maximum(mean, 1e-6)
    spread = 1 / safe + kappa
    middle, width = 1 - spread / 9, np.sqrt(spread) / 3
    found = []
    for level, quantile in enumerate(QUANTILES):
        low = safe - safe * _cube(np.maximum(0.0, middle - quantile * width))
        high = safe * _cube(middle + quantile * width) - safe
        found.append([safe - low * np.exp(stretch[level, 0]), safe + high * np.exp(stretch[level, 1])])
    return np.maximum(np.array(found), 0.0)


def whole(bounds: FloatArray) -> FloatArray:
    """Bands as whole contacts, both ends inside: what a count can be."""
    return np.stack((np.floor(bounds[:, 0]), np.ceil(bounds[:, 1])), axis=1)


class Margins(NamedTuple):
    """How far counts may be from forecasts, as known at one origin: sums for κ and log factors of all series, and between which
    two horizons each slot ahead is: `below` the one before it, `part` of the way to the next, (days, slots) each."""

    sums: tuple[FloatArray, FloatArray]
    stretch: FloatArray
    below: npt.NDArray[np.intp]
    part: FloatArray
    hours: HourArray

    def bounds(self, place: tuple[int, int], mean: FloatArray) -> FloatArray:
        """Quantiles (levels, sides, slots), whole contacts, around the means of one day and series."""
        (day, row), (error, square) = place, self.sums
        below, part = self.below[day], self.part[day]
        kappa = noise(error[row : row + 1], square[row : row + 1])[0][:, self.hours]
        slots = np.arange(len(mean))
        mixed = (1 - part) * kappa[below, slots] + part * kappa[below + 1, slots]
        stretch = self.stretch[row].transpose(1, 2, 0)  # levels, sides, horizons
        return whole(band(mean, mixed, (1 - part) * stretch[:, :, below] + part * stretch[:, :, below + 1]))


def learn(
    sums: tuple[FloatArray, FloatArray], stretch: FloatArray, day: tuple[FloatArray, FloatArray, FloatArray], hours: HourArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Sums and log factors after a day: told (series, horizons, slots) with NaN where nothing was, its bands (`told_bands`), and
    counts and `hours` of its slots."""
    told, bounds, counts = day
    error, square = sums
    known = ~np.isnan(told)
    mean = np.where(known, told, 0.0)
    seen = np.where(known, counts[:, None], 0.0)
    belongs = (hours[:, None] == np.arange(error.shape[2])[None, :]).astype(np.float64)
    missed = np.stack((seen < bounds[:, 0], seen > bounds[:, 1]), axis=1) & known
    some = known.sum(axis=2)
    share = missed.sum(axis=4) / np.maximum(some, 1)
    moved = np.where(some > 0, _STEP * (share - _MISSES[:, :, None, None]), 0.0)
    new_error, new_square = ((seen - mean) ** 2 - mean) @ belongs, (mean**2) @ belongs
    rate = np.where(new_square > 0, _RATE, 0.0)
    stretched = np.clip(stretch + moved.transpose(2, 3, 0, 1), -_STRETCH_MAX, _STRETCH_MAX)
    return _toward(error, new_error, rate), _toward(square, new_square, rate), stretched


def told_bands(told: FloatArray, sums: tuple[FloatArray, FloatArray], stretch: FloatArray, hours: HourArray) -> FloatArray:
    """Quantiles (levels, sides, series, horizons, slots) of what was told, in whole contacts."""
    return whole(band(told, noise(*sums)[:, :, hours], stretch.transpose(2, 3, 0, 1)[..., None]))


def _cube(values: FloatArray) -> FloatArray:
    """A twentieth of the time of `** 3`, which numpy takes as a power like any other."""
    cubed: FloatArray = values * values * values
    return cubed


def _toward(held: FloatArray, new: FloatArray, rate: FloatArray) -> FloatArray:
    moved: FloatArray = held + rate * (new - held)
    return moved
