"""Day model: how much contact a day brings, by a Kalman filter that takes one number per series and day.

The logarithm of a day's score (forecast_shape.py; contacts go with its square) is level + weekday + calendar effects + an AR(1) +
noise. In logarithms effects are shares, so that one set of variances holds for a queue of ten contacts and a centre of 30,000.
The surprise: a day on which a series is closed isn't a small one but none: time doesn't pass for its level.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from streams.core.forecast_calendar import EFFECTS, HOLIDAY, KINDS, SUNDAY, CalendarDay
from streams.core.level import FloatArray

_KINDS, _EFFECTS, _AR = 1, 1 + KINDS, 1 + KINDS + EFFECTS
SIZE = _AR + 1

# Standard deviations in shares of the score (half of the share of contacts), from detection.md, whose unit is 1/180 of the score.
_LEVEL_PRIOR, _LEVEL_WALK, _KIND_WALK = 10.0, 0.0028, 7e-5  # the prior holds any volume: the first day decides
_KIND_PRIOR, _WEEKEND_PRIOR, _EFFECT_PRIOR = 0.11, 0.5, 0.14
_PERSISTENCE, _AR_STEP = 0.5, 0.0133
NOISE = 0.0048
COUNT_NOISE = 0.5  # of the score, from counting alone: √(y + ¼) has a standard deviation of ½ at any volume
_CLIP = 3.0  # an innovation counts up to so many standard deviations: a day with an incident isn't a new level


class Outlook(NamedTuple):
    """Log scores of coming days, (days, series): mean, variance, covariance with the first day's."""

    mean: FloatArray
    variance: FloatArray
    covariance: FloatArray


def unknown() -> tuple[FloatArray, FloatArray]:
    """Mean and covariance of a series of which nothing is known."""
    deviations = np.full(SIZE, _EFFECT_PRIOR)
    deviations[0] = _LEVEL_PRIOR
    deviations[_KINDS : _KINDS + KINDS] = [*[_KIND_PRIOR] * 5, _WEEKEND_PRIOR, _WEEKEND_PRIOR, _WEEKEND_PRIOR]
    deviations[_AR] = _AR_STEP / np.sqrt(1 - _PERSISTENCE**2)
    return np.zeros(SIZE), np.diag(deviations**2)


def outlook(mean: FloatArray, covariance: FloatArray, days: Sequence[CalendarDay], worked: FloatArray) -> Outlook:
    """What to expect of the days to come, the first of which is the next; `worked` (days, series): 1.0 where a series is open."""
    means, variances, with_first = [], [], []
    first = np.zeros_like(mean)
    for number, day in enumerate(days):
        mean, covariance = _pass(mean, covariance, worked[number])
        row = _row(day)
        seen = covariance @ row
        first = seen if number == 0 else first * _fading(worked[number])
        means.append(mean @ row)
        variances.append(seen @ row)
        with_first.append(first @ row)
    return Outlook(np.array(means), np.array(variances), np.array(with_first))


def learn(
    mean: FloatArray, covariance: FloatArray, day: CalendarDay, score: FloatArray, known: tuple[FloatArray, FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """Mean and covariance after a day; `known`: 1 where the day tells something, and where one of its kind was seen before."""
    worked, familiar = known
    log_score = np.log(score)
    mean, covariance = _pass(mean, covariance, worked)
    row = _row(day)
    seen = covariance @ row
    variance = seen @ row + NOISE**2 + (COUNT_NOISE / score) ** 2
    room = np.where(familiar > 0, _CLIP, np.inf) * np.sqrt(variance)
    surprise = np.clip(log_score - mean @ row, -room, room) * worked
    gain = seen / variance[:, None]
    learned = covariance - gain[:, :, None] * seen[:, None, :] * worked[:, None, None]
    return mean + gain * surprise[:, None], (learned + learned.transpose(0, 2, 1)) / 2


def _pass(mean: FloatArray, covariance: FloatArray, worked: FloatArray) -> tuple[FloatArray, FloatArray]:
    """A night: the level walks, the AR(1) fades; nothing where the day isn't worked."""
    kept = _fading(worked)
    covariance = covariance * kept[:, :, None] * kept[:, None, :]
    steps = np.zeros(SIZE)
    steps[0], steps[_KINDS : _KINDS + KINDS], steps[_AR] = _LEVEL_WALK**2, _KIND_WALK**2, _AR_STEP**2
    places = np.arange(SIZE)
    covariance[:, places, places] += worked[:, None] * steps
    return mean * kept, covariance


def _fading(worked: FloatArray) -> FloatArray:
    kept = np.ones((len(worked), SIZE))
    kept[:, _AR] = np.where(worked > 0, _PERSISTENCE, 1.0)
    return kept


def _row(day: CalendarDay) -> FloatArray:
    """How a day is made up. A holiday is a Sunday and what holidays add to it."""
    row = np.zeros(SIZE)
    row[0] = row[_AR] = 1.0
    row[_KINDS + day.kind] = 1.0
    if day.kind == HOLIDAY:
        row[_KINDS + SUNDAY] = 1.0
    row[_EFFECTS:_AR] = day.effects
    return row
