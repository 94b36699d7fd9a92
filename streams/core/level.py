"""Level: what count to expect of the next minute, for all watched series side by side.

A gamma–Poisson level with a damped local trend, the dynamic generalised linear model of West, Harrison and Migon (JASA 1985,
section 4) for counts: the log rate walks with a slope, the slope fades, and a count moves both by conjugate (linear Bayes)
updating, so that one wild minute moves the level by the logarithm of its surprise only. The surprise: the arrays have one
column per series and one row per hypothesis, because every "the rate has changed by d" of cusum.py is followed by a filter of
its own.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
Mask: TypeAlias = npt.NDArray[np.bool_]

# Slope of the log rate per minute, standard deviation. At 0.015 an opening from 5 to 100 % within 60 minutes gave 0.09 crossings
# a series and day and one within 120 minutes 0.01; at 0.01 four times as many; at 0.02 a fifth fewer doublings were found.
SLOPE_SD = 0.015
# The same near the known peak of the day, where the daily profile is flat: eight in ten doublings at 30 contacts/min are found
# on the second day, five on the first (test_detect_quality.py).
QUIET_SLOPE_SD = 0.006
# A trend under way may change faster, by this share of itself: halves the false alarms of a steep opening.
SLOPE_SD_SHARE = 0.5
SLOPE_MAX = 0.15  # per minute: doubling in under five minutes isn't a daily rise
LEVEL_NOISE = 4e-4  # variance of the log level per minute beside the slope: 2 % a minute
VARIANCE_MAX = 0.5  # of the log level: a level known this badly is worth two contacts
LOG_MEAN_RANGE = (-8.0, 12.0)  # one contact in two days to 160,000 a minute
START = 0.5  # added to the first count, whose logarithm starts the level
Z_95 = 1.96


class Levels(NamedTuple):
    """Log rate and slope with their variances and covariance; arrays of one shape (hypotheses × series), counts per minute."""

    log_mean: FloatArray
    slope: FloatArray
    variance: FloatArray
    covariance: FloatArray
    slope_variance: FloatArray


def started(counts: FloatArray, rows: int) -> Levels:
    """Levels that have seen one count per series."""
    shape = (rows, len(counts))
    log_mean = np.broadcast_to(np.log(counts + START), shape)
    return Levels(log_mean, np.zeros(shape), np.full(shape, VARIANCE_MAX), np.zeros(shape), np.full(shape, SLOPE_SD**2))


def predict(levels: Levels, slope_sd: FloatArray, persistence: float, level_noise: FloatArray | float = LEVEL_NOISE) -> Levels:
    """One minute ahead; `persistence` is what remains of a slope after a minute."""
    log_mean, slope, variance, covariance, slope_variance = levels
    ahead = variance + 2 * covariance + slope_variance + level_noise
    kept = np.minimum(1.0, VARIANCE_MAX / ahead)
    spread = (slope_sd + SLOPE_SD_SHARE * np.abs(slope)) ** 2 * (1 - persistence**2)
    return Levels(
        np.clip(log_mean + slope, *LOG_MEAN_RANGE),
        slope * persistence,
        ahead * kept,
        persistence * (covariance + slope_variance) * kept,
        persistence**2 * slope_variance + spread,
    )


def learn(levels: Levels, counts: FloatArray, noise: FloatArray) -> Levels:
    """Predicted levels that have seen the minute's counts; `noise` is the over-dispersion κ in variance μ + κμ²."""
    log_mean, slope, variance, covariance, slope_variance = levels
    mean = np.exp(log_mean)
    thinned = 1 + noise * mean  # over-dispersed contacts tell as much as this many times fewer Poisson ones
    known = 1 / variance
    after = 1 / (known + mean / thinned)
    moved = np.log((known + counts / thinned) * after)
    gain = covariance / variance
    return Levels(
        log_mean + moved,
        np.clip(slope + gain * moved, -SLOPE_MAX, SLOPE_MAX),
        after,
        gain * after,
        slope_variance - gain * (covariance - gain * after),
    )


def band(mean: FloatArray, dispersion: FloatArray) -> tuple[FloatArray, FloatArray]:
    """95 % band of a negative binomial with variance mean + dispersion·mean²: whole contacts, both ends inside.

    Wilson–Hilferty cube root of the gamma distribution with the same mean and variance, rounded outward; covers 95 to 99 % from
    0.05 to 300 contacts a minute (test_detect.py).
    """
    spread = 1 / mean + dispersion  # squared coefficient of variation
    middle, width = 1 - spread / 9, Z_95 * np.sqrt(spread) / 3
    low = mean * np.maximum(0.0, middle - width) ** 3
    high = mean * (middle + width) ** 3
    return np.floor(low), np.ceil(np.maximum(high, 1.0))
