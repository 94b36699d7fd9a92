"""Cusum: a bank of sequential tests, 'the rate is d times what it was', for all watched series side by side.

Each test adds up the log-likelihood ratio of a negative binomial minute by minute (Page's CUSUM; LLR = y·ln r − (y + 1/α)·ln((1
+ αrμ)/ (1 + αμ)) with r the ratio of the two means and α the predictive dispersion). The surprise: the alternative isn't d·μ
for a fixed μ. It starts as d·μ and then learns for itself, because the level learns, too: a rise that the level has taken in is
no evidence any more, and a smooth rise of the day never becomes any. When the two agree again, the test starts anew.
"""

from typing import NamedTuple

import numpy as np

from streams.core.level import FloatArray, Levels
from streams.core.steps import STEP_ROWS, Steps, minutes

# Changes looked for: row 0 is "none". The ratios of detection.md, ups first.
CHANGES = np.array([1.0, 1.25, 1.5, 2.0, 4.0, 0.8, 0.6, 0.3, 0.05])
ROWS = len(CHANGES)
OUTAGE_ROW = 8
_SHIFTS = np.log(CHANGES)[:, None]
# Of all tests: the bank's, then the steps' (steps.py) up, then the same down. 1 is up, -1 is down.
SIDES = np.array([0.0, *[1.0] * 4, *[-1.0] * 4, *[1.0] * STEP_ROWS, *[-1.0] * STEP_ROWS])
_UP = SIDES[:, None] > 0
_DOWN = SIDES[:, None] < 0
# A step counts only if the next minute confirms it, so it needs less evidence: 98 instead of 85 of 100 doublings at 30
# contacts/min are found; calm days stay within the budget (test_detect_quality.py).
STEPS_LESS = 2.0
_LESS = np.array([*[0.0] * ROWS, *[STEPS_LESS] * (2 * STEP_ROWS)])[:, None]
DRIFT_KEPT = 0.9  # per minute: noise in the slope must not carry the base away
FORGOTTEN = 0.25  # a test starts anew when this little of its shift is left; 0.1 adds false alarms and finds no more


class Bank(NamedTuple):
    """Tests under way, (ROWS × series): evidence in nats since the onset (last zero), what was seen and expected since then.

    base and drift: log rate and slope at the onset, carried on, so that a change under way doesn't move what is expected.
    """

    score: FloatArray
    seen: FloatArray
    expected: FloatArray
    minutes: FloatArray
    base: FloatArray
    drift: FloatArray


def evidence(predicted: Levels, counts: FloatArray, noise: FloatArray) -> FloatArray:
    """Log-likelihood ratio of each row against row 0 for one minute."""
    means = np.exp(predicted.log_mean)
    size = 1 / (predicted.variance[0] + noise)
    ratios = predicted.log_mean - predicted.log_mean[0]
    gained: FloatArray = counts * ratios - (counts + size) * np.log((size + means) / (size + means[0]))
    return gained


def add(bank: Bank, gained: FloatArray, counts: FloatArray) -> Bank:
    """The tests after one more minute."""
    base = bank.base + bank.drift
    return Bank(
        np.maximum(0.0, bank.score + gained),
        bank.seen + counts,
        bank.expected + np.exp(base),
        bank.minutes + 1,
        base,
        bank.drift * DRIFT_KEPT,
    )


def start_anew(bank: Bank, levels: Levels, held: FloatArray) -> tuple[Bank, Levels]:
    """Start every test without evidence, or forgotten, or of a `held` series (1.0), from the level as it is now."""
    left = np.abs(levels.log_mean - levels.log_mean[0])
    fresh = (bank.score <= 0) | (left < FORGOTTEN * np.abs(_SHIFTS)) | (held > 0)
    fresh[0] = True
    renewed = Levels(
        np.where(fresh, levels.log_mean[0] + _SHIFTS, levels.log_mean),
        *(np.where(fresh, field[0], field) for field in levels[1:]),
    )
    score, seen, expected, minutes = (np.where(fresh, 0.0, field) for field in bank[:4])
    base = np.where(fresh, levels.log_mean[0], bank.base)
    return Bank(score, seen, expected, minutes, base, np.where(fresh, levels.slope[0], bank.drift)), renewed


def with_steps(bank: Bank, steps: Steps) -> Bank:
    """All tests in the order of SIDES: the bank's rows, then the steps'."""
    ages = minutes(steps)
    ups = Bank(steps.up, steps.seen, steps.expected, ages, steps.base, steps.drift)
    downs = ups._replace(score=steps.down)
    return Bank(*(np.concatenate(fields) for fields in zip(bank, ups, downs, strict=True)))


class Gates(NamedTuple):
    """What an alert needs beside evidence, see config [detect]. threshold: evidence that each series needs. peak: its usual
    busiest minute, 0 if unknown or of no account."""

    threshold: FloatArray
    contacts_min: int
    ratio_min: float
    peak: FloatArray


def crossed(bank: Bank, gates: Gates) -> FloatArray:
    """The evidence of every test, steps included, that has crossed threshold and gates, 0 elsewhere.

    Excess at least max(contacts_min, 20 % of expected) as in detection.md; and one busiest minute's worth, since what the day's
    profile brings at opening is small at first in comparison to the day. Dips need as many expected contacts as the threshold.
    """
    expected = np.maximum(bank.expected, 1e-9)
    excess = np.abs(bank.seen - expected)
    enough = excess >= np.maximum(np.maximum(gates.contacts_min, 0.2 * expected), np.where(_UP, gates.peak, 0.0))
    up = _UP & (bank.seen >= gates.contacts_min) & (bank.seen >= gates.ratio_min * expected)
    down = _DOWN & (bank.expected >= gates.threshold) & (bank.seen * gates.ratio_min <= expected)
    return np.where((bank.score >= gates.threshold - _LESS) & enough & (up | down), bank.score, 0.0)
