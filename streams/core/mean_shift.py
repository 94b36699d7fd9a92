"""Mean shift: one change of one mean (handle time, abandonment, a share) while it lasts, and what says that it is over.

The surprise: nothing is learned while it is on, so what is expected stays what it was; there is no fading as for volumes, because
a mean has no opening hour that could pass for an incident.
"""

from math import log
from typing import NamedTuple

import msgspec
import numpy as np

from streams.core.alert import Contribution, alert_id
from streams.core.case import LASTING_MINUTES, Case, Ending
from streams.core.crossing import HINT_SCORE
from streams.core.explain import ONSET_MINUTES, Move
from streams.core.level import FloatArray
from streams.core.mean_levels import MeanLevels
from streams.core.mean_models import UPS, Metric
from streams.core.window import MINUTE_MS

_RATIO_RANGE = (0.02, 1e4)  # an issue that is new has up to 10,000 times the least share that is believed


class MeanGates(NamedTuple):
    """What an alert needs: evidence in nats by series, contacts' worth of excess, ratio (or its inverse)."""

    threshold: FloatArray
    contacts_min: int
    ratio_min: float


class Shift(Case, array_like=True, frozen=True, kw_only=True):
    """One change. n, total, expected: contacts since the onset, their values and what was expected of them.

    usual: what a contact usually adds to the KPI's numerator at these hours. told: Poisson contacts that a contact is worth as
    evidence (explain.py). parts: of a share, those of the other values that it came from or went to, as they were found.
    """

    metric: Metric
    n: float
    total: float
    expected: float
    usual: float
    told: float
    ratio: float
    parts: tuple[Contribution, ...] = ()


def crossed(levels: MeanLevels, gates: MeanGates, hour: int) -> FloatArray:
    """The evidence of every test that has crossed threshold and gates, 0 elsewhere.

    Beside the CUSUM's score the total itself must be as unlikely, counting what isn't known of the level: a day's history of a
    small queue is no measure for its next.
    """
    tests = levels.tests
    known = levels.known(hour) * np.maximum(1.0, tests.minutes / 60)
    unsure = levels.wander() * tests.variance * (1 + tests.n / np.maximum(known, 1e-9))
    sure = (tests.total - tests.expected) ** 2 >= 2 * gates.threshold * unsure
    ratio = levels.model.ratio(tests.n, tests.total, tests.expected)
    far = np.abs(np.log(np.maximum(ratio, 1e-9))) >= levels.model.gate * log(gates.ratio_min)
    usually = tests.expected if levels.model.whole > 0 else tests.n
    enough = (usually * np.abs(ratio - 1) >= gates.contacts_min) & (UPS | (usually >= gates.threshold))
    return np.where((tests.score >= gates.threshold) & sure & far & enough, tests.score, 0.0)


def found_in(levels: MeanLevels, names: list[str], crossings: FloatArray, end_ms: int) -> dict[str, Shift]:
    """The would-be shifts of all series that have crossed, and of those that nearly did."""
    scores = np.where(levels.tests.score >= HINT_SCORE, levels.tests.score, 0.0) + np.where(crossings > 0, 1e6, 0.0)
    told = levels.model.told(levels.all_day()[1]) / levels.wander()
    found: dict[str, Shift] = {}
    for column in np.nonzero(scores.any(axis=0))[0]:
        row = int(np.argmax(scores[:, column]))
        score, n, total, expected, _, minutes = (float(field[row, column]) for field in levels.tests)
        up, series, onset_ms = bool(UPS[row]), names[column], end_ms - int(minutes) * MINUTE_MS
        found[series] = Shift(
            alert_id=alert_id(f"{levels.model.metric}.{'up' if up else 'down'}", series, onset_ms),
            series=series,
            metric=levels.model.metric,
            up=up,
            version=int(minutes) - 1,  # one that is found again with the same onset, and so the same id, comes later and wins
            score=score,
            onset_ms=onset_ms,
            detected_ms=end_ms,
            updated_ms=end_ms,
            n=n,
            total=total,
            expected=expected,
            usual=_usual(levels, int(column), n, expected),
            told=float(told[column]),
            ratio=_ratio(levels, n, total, expected),
        )
    return found


def follow(shift: Shift, levels: MeanLevels, column: int, minute: tuple[float, float], at: tuple[int, int]) -> Shift:
    """The shift after one more minute (contacts, total) of its series. at: hour of the day, end of the minute."""
    (n, total), (hour, end_ms) = minute, at
    mean, variance = (part[column : column + 1] for part in levels.level(hour))
    change = levels.model.change(np.array([shift.ratio]), mean)
    tilt, cost = levels.model.tilt(change, mean, variance)
    back = (n * float(cost[0]) - float(tilt[0]) * total) / float(levels.wander()[column])
    contacts, values, expected = shift.n + n, shift.total + total, shift.expected + n * float(mean[0])
    return msgspec.structs.replace(
        shift,
        updated_ms=end_ms,
        n=contacts,
        total=values,
        expected=expected,
        usual=_usual(levels, column, contacts, expected),
        ratio=_ratio(levels, contacts, values, expected),
        minutes=shift.minutes + 1,
        return_score=max(0.0, shift.return_score + back),
    )


def ending(shift: Shift, threshold: float) -> Ending | None:
    """Why it is over, None while it isn't: the mean came back, as surely as it had left, or it has lasted a day. With less
    evidence than it was found by, a change that lasts would end by chance some times a day."""
    if shift.return_score >= threshold:
        return "returned"
    return "lasting" if shift.minutes >= LASTING_MINUTES else None


def continued(before: Shift, shift: Shift) -> Shift:
    """The figures of a re-opened shift: those of before are in them. Nobody has seen yet that it is back, so it calls again."""
    return msgspec.structs.replace(
        shift,
        parts=before.parts,
        n=before.n + shift.n,
        total=before.total + shift.total,
        expected=before.expected + shift.expected,
    )


def move_of(shift: Shift, gate: float, crossed: bool) -> Move:
    """What explain needs of it, as Poisson contacts of half an hour that say as much; gate: see Model.

    Not since the onset: the total shows what one queue has much later than the queue, and is no other story.
    """
    minutes = max(1.0, (shift.updated_ms - shift.onset_ms) / MINUTE_MS)
    expected = shift.n * shift.told * ONSET_MINUTES / minutes
    return Move(
        series=shift.series,
        up=shift.up,
        crossed=crossed,
        seen=expected * shift.ratio ** (1 / gate),
        expected=expected,
        minutes=ONSET_MINUTES,
        alert_id=shift.explained_by or shift.alert_id,
    )


def _usual(levels: MeanLevels, column: int, n: float, expected: float) -> float:
    mean = float(levels.all_day()[0][column])
    return levels.model.usually(float(levels.usual()[column]), mean, expected / n if n > 0 else mean)


def _ratio(levels: MeanLevels, n: float, total: float, expected: float) -> float:
    found = levels.model.ratio(*(np.array([part]) for part in (n, total, expected)))
    return min(max(float(found[0]), _RATIO_RANGE[0]), _RATIO_RANGE[1])
