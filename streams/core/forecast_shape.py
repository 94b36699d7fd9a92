"""Shape: how a day's contacts spread over its slots, on the scale of square roots, where all counts are equally noisy.

A day's roots are score × form + what all days have beside it + what its weekday has beside it; the form is a unit vector, so that
score = form · roots. The surprise: the common part is kept consistent when the form moves, so that nothing is learned twice.
"""

from functools import lru_cache

import numpy as np

from streams.core.level import FloatArray

_HALF, _QUARTER = 0.5, 0.25
# Back from mean roots to counts: near zero as a Poisson count does (slope 1.6), far from it (root + ½)² − 0.1.
_BEND, _BIAS = 2.47, 0.1
_COMMON_RATE, _KIND_RATE, _KIND_START = 0.02, 0.1, 3.0
_FORM_MINUTES, _COMMON_MINUTES, _KIND_MINUTES = 10.0, 5.0, 30.0  # standard deviations of the smoothing
_ROUGH = 4.0  # a slot counts up to so many standard deviations of its root, which are ½ and a share of it
_ROUGH_HELD = 0.5  # the same under an alert: an incident hardly teaches, what comes back each day is learned in months
_ROUGH_SHARE = 0.02
_OPEN_SHARE = 0.1  # of the highest root, that is a per cent of the contacts of the busiest slot
SCORE_MIN = 0.5  # about one contact a day


def roots(counts: FloatArray) -> FloatArray:
    """√(y + ¼) − ½: 0 for 0."""
    return np.sqrt(counts + _QUARTER) - _HALF


def counts_of(root: FloatArray) -> FloatArray:
    """Mean counts whose roots have this mean; never below 0."""
    positive = np.maximum(root, 0.0)
    near = np.exp(-_BEND * positive)
    return np.maximum(0.0, (positive + _HALF) ** 2 - _QUARTER * near - _BIAS * (1 - np.exp(-positive)))


def expected_roots(scores: FloatArray, parts: "tuple[FloatArray, FloatArray, FloatArray]", slot_minutes: int) -> FloatArray:
    """(series, slots) from scores (series,) and form, common and weekday part (series, slots each)."""
    form, common, kind = parts
    is_open = _is_open(form)
    smooth = _smooth(common, is_open, _COMMON_MINUTES / slot_minutes) + _smooth(kind, is_open, _KIND_MINUTES / slot_minutes)
    expected: FloatArray = scores[:, None] * form + smooth
    return expected


def tempered(found: FloatArray, expected: FloatArray, held: FloatArray) -> FloatArray:
    """Roots of a day without what stands out too far from its own course: an outage is no shape. `held`: 1.0 where there was an
    alert."""
    limit = np.where(held > 0, _ROUGH_HELD, _ROUGH) * (_HALF + _ROUGH_SHARE * np.abs(expected))
    return expected + np.clip(found - expected, -limit, limit)


def form_of(mean_roots: FloatArray, slot_minutes: int) -> FloatArray:
    """The unit vector of smoothed mean roots."""
    smooth = _smooth(mean_roots, _is_open(mean_roots), _FORM_MINUTES / slot_minutes)
    form: FloatArray = smooth / np.maximum(np.linalg.norm(smooth, axis=1, keepdims=True), 1e-9)
    return form


def common_rate(days: FloatArray) -> FloatArray:
    """How much of a day the common part takes over; the mean of all days for the first fifty."""
    return np.maximum(_COMMON_RATE, 1 / (days + 1))


def kind_rate(days: FloatArray) -> FloatArray:
    """How much of a day its weekday's part takes over, after so many of them."""
    return np.maximum(_KIND_RATE, 1 / (days + _KIND_START))


def _is_open(mean_roots: FloatArray) -> FloatArray:
    """1.0 in slots with contacts worth speaking of: opening and closing are edges, which smoothing would wash out."""
    is_open: FloatArray = (mean_roots > _OPEN_SHARE * mean_roots.max(axis=1, keepdims=True)).astype(np.float64)
    return is_open


def _smooth(values: FloatArray, is_open: FloatArray, width: float) -> FloatArray:
    """Open slots smoothed among themselves, others as they are."""
    weights = _smoothing(values.shape[1], width)
    return np.where(is_open > 0, (values * is_open) @ weights / np.maximum(is_open @ weights, 1e-9), values)


@lru_cache(maxsize=16)
def _smoothing(slots: int, width: float) -> FloatArray:
    """Gaussian weights (slots, slots), each column summing to 1."""
    apart = np.subtract.outer(np.arange(slots), np.arange(slots))
    weights = np.exp(-0.5 * (apart / max(width, 1e-3)) ** 2)
    weights /= weights.sum(axis=0)
    weights.flags.writeable = False
    return weights
