"""Steps: a jump of the rate within the last minutes, for all watched series side by side.

A step isn't a ramp: the day's opening takes ten minutes for what an incident does in one. So each row looks back a fixed number
of minutes and compares what came since with what was expected before: a generalised likelihood ratio of negative binomials. The
surprise: the expectation of a row is frozen when it begins, so that nothing learns the step while its evidence is pending. The
cusum bank, whose level follows within minutes, finds slower changes.
"""

from typing import NamedTuple, TypeAlias

import numpy as np

from streams.core.level import FloatArray, Levels

STEP_ROWS = 5  # minutes looked back: longer ones find little more and take openings for steps
# A trend may gain so much per minute and minute while a row looks back: 3 % after four minutes. An opening from 5 to 100 %
# within 60 minutes gains up to 1.3 % a minute; with that, doublings at 30 contacts/min are found in 60 instead of 98 of 100.
ACCELERATION = 0.003
# Below so many contacts a minute (or this share of the known peak) seeing a jump takes as long as an opening: left to the bank.
RATE_MIN, PEAK_SHARE = 10.0, 0.4
RATIO_MIN = 1.25  # of what was seen over the most that a trend may bring; the gate of [detect] compares with the mean
# A quick level this many of its variances away from the steady one is believed, in part; nearer it is noise.
APART = 0.5
# A trend as steep as this when the row begins: an opening is under way. Halves the false alarms of a first day at 100/min.
DRIFT_MAX = 0.01
DRIFT_KEPT = 0.9  # per minute, as in cusum.py
Reference: TypeAlias = tuple[FloatArray, FloatArray, FloatArray, FloatArray]
_MINUTES = np.array([*range(1, STEP_ROWS + 1)], dtype=np.float64)[:, None]
_SLACK = np.exp(ACCELERATION * _MINUTES * (_MINUTES + 1) / 2)


class Steps(NamedTuple):
    """Row j: the last j + 1 minutes, (STEP_ROWS × series). up, down: evidence in nats, 0 unless the newest minute agrees.

    high, low: the most and least that a trend may bring; base, drift: log rate and slope, carried on; variance, spread: of the
    base, and what it gains per minute. A variance of 0 is a row that hasn't begun.
    """

    up: FloatArray
    down: FloatArray
    seen: FloatArray
    expected: FloatArray
    high: FloatArray
    low: FloatArray
    base: FloatArray
    drift: FloatArray
    variance: FloatArray
    spread: FloatArray


def no_steps(series_count: int) -> Steps:
    """Rows that haven't begun."""
    return Steps(*np.zeros((len(Steps._fields), STEP_ROWS, series_count)))


def minutes(steps: Steps) -> FloatArray:
    """How long each row looks back."""
    return np.broadcast_to(_MINUTES, steps.seen.shape).astype(np.float64)


def reference(quick: Levels, steady: Levels) -> Reference:
    """What to expect of the next minute, as base, drift, variance and spread, from a quick and a steady prediction.

    The steady level knows a flat rate to a few percent, the quick one follows a ramp; where they are further apart than noise
    explains, the quick one is believed (shrinkage as by James and Stein).
    """
    apart = quick.log_mean[0] - steady.log_mean[0]
    share = np.maximum(0.0, 1 - APART * quick.variance[0] / np.maximum(apart**2, 1e-12))
    variance = (1 - share) * steady.variance[0] + share * quick.variance[0]
    spread = share * (2 * quick.covariance[0] + quick.slope_variance[0])
    return steady.log_mean[0] + share * apart, quick.slope[0], variance, spread


def look_back(steps: Steps, new: Reference, counts: FloatArray, noise: FloatArray, peak: FloatArray) -> Steps:
    """The rows after one more minute: each becomes the next longer one, and one begins with this minute."""
    shifted = (np.concatenate((np.zeros((1, len(counts))), field[:-1])) for field in steps[2:])
    seen, expected, high, low, base, drift, variance, spread = shifted
    base, drift, variance = base + drift, drift * DRIFT_KEPT, variance + spread
    base[0], drift[0], variance[0], spread[0] = new
    begun, mean = variance > 0, np.exp(base)
    seen, expected, high, low = seen + counts, expected + mean, high + mean * _SLACK, low + mean / _SLACK
    dispersion = variance + noise / _MINUTES
    middle = mean * np.sqrt(seen / np.maximum(expected, 1e-9))
    tested = begun & (mean >= np.where(peak > 0, PEAK_SHARE * peak, RATE_MIN))
    steep = DRIFT_MAX * DRIFT_KEPT ** (_MINUTES - 1)
    is_up = tested & (drift < steep) & (counts >= middle) & (seen > RATIO_MIN * high)
    is_down = tested & (drift > -steep) & (counts <= middle) & (seen * RATIO_MIN < low)
    up = np.where(is_up, _likelihood_ratio(seen, high, dispersion), 0.0)
    down = np.where(is_down, _likelihood_ratio(seen, low, dispersion), 0.0)
    rows = (up, down, seen, expected, high, low, base, drift, variance, spread)
    return Steps(*(np.where(begun, field, 0.0) for field in rows))


def _likelihood_ratio(seen: FloatArray, mean: FloatArray, dispersion: FloatArray) -> FloatArray:
    """Log-likelihood ratio of 'the mean is what was seen' against `mean` (negative binomial)."""
    seen, mean, alpha = np.maximum(seen, 1e-9), np.maximum(mean, 1e-9), np.maximum(dispersion, 1e-6)
    found: FloatArray = seen * np.log(seen / mean) - (seen + 1 / alpha) * np.log((1 + alpha * seen) / (1 + alpha * mean))
    return found
