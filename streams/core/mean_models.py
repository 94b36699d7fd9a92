"""Mean models: what is a mean over contacts, and how likely a minute of it is if the mean has changed.

Two: a share of contacts (abandonment, a channel's or an issue's part) is Bernoulli and changes by odds; a time per contact
(handle time) is log-normal and changes by a factor. Both are exponential families: the log-likelihood ratio of a change is
tilt × total − n × cost. The surprise: a minute speaks by the contacts that it has; one without any says nothing.
"""

from collections.abc import Callable
from math import exp
from typing import Literal, Protocol, TypeAlias

import numpy as np

from streams.core import measure as m
from streams.core.kpi_table import Abandonment
from streams.core.level import FloatArray
from streams.core.measure import Cell

# Changes looked for, ups first, odds of one and factors of the other: a doubling and +30 %, which must be found, lie between two.
_ODDS = np.log(np.array([1.5, 3.0, 1 / 1.5, 1 / 3.0]))[:, None]
# Of a part of the contacts: 10 % of calls that go to a chat of 20 % are odds of 1.4 there; an issue that is new is manifold.
_PART_ODDS = np.log(np.array([1.4, 4.0, 1 / 1.4, 1 / 4.0]))[:, None]
_FACTORS = np.log(np.array([1.2, 1.5, 1 / 1.2, 1 / 1.5]))[:, None]
ROWS = len(_ODDS)
UPS = _ODDS > 0
_SPREAD_LEAST = 0.1  # standard deviation of log times: nobody's contacts are alike to within 10 %
_SHARE_RANGE = (1e-4, 1 - 1e-4)
_FEW = 1e-9

Metric: TypeAlias = Literal["abandonment", "aht", "share"]
Sums: TypeAlias = tuple[int, int, int, int]
Pair: TypeAlias = tuple[FloatArray, FloatArray]


class Model(Protocol):
    """One mean. A change is a logarithm: of odds, or of a factor.

    metric: its KPI. changes: those looked for. scale: of the values in `sums`. hours_sd: how far an hour of the day is usually
    from the whole day, as a change. gate: the part of [detect] ratio_min, in logarithms, that alerts: 12 % of handle time
    is as much work as 12 % of contacts. whole: by how much a total is off at least, because contacts are whole.
    """

    metric: Metric
    changes: FloatArray
    scale: float
    hours_sd: float
    gate: float
    whole: float

    def sums(self, cell: Cell, /) -> Sums:
        """Contacts; their values (0 and 1, or ln ms), the squares of these; what they add to the KPI's numerator."""

    def level(self, n: FloatArray, total: FloatArray, squares: FloatArray, /) -> Pair:
        """Mean and variance of one contact's value, from sums of the past."""

    def variance(self, mean: FloatArray, usual: FloatArray, /) -> FloatArray:
        """Variance of one contact's value where the mean is another; `usual`: what it is all day."""

    def tilt(self, changes: FloatArray, mean: FloatArray, variance: FloatArray, /) -> Pair:
        """Tilt and cost of changes."""

    def ratio(self, n: FloatArray, total: FloatArray, expected: FloatArray, /) -> FloatArray:
        """By what the KPI is multiplied, from contacts, the total of their values, and what was expected of it."""

    def change(self, ratio: FloatArray, mean: FloatArray, /) -> FloatArray:
        """A ratio as a change."""

    def usually(self, usual: float, mean: float, expected: float, /) -> float:
        """What a contact adds to the KPI's numerator where its value is expected to be `expected`; `usual` where it is `mean`."""

    def told(self, variance: FloatArray, /) -> FloatArray:
        """What one contact tells of a small change, in nats over half of its square."""


class Share:
    """A share of contacts: each counts as 1 or 0."""

    scale = 1.0

    def __init__(
        self, metric: Metric, sums: Callable[[Cell], Sums], changes: FloatArray, *, hours_sd: float, gate: float, whole: float
    ) -> None:
        self.metric = metric
        self._sums = sums
        self.changes = changes
        self.hours_sd = hours_sd
        self.gate = gate
        self.whole = whole

    def sums(self, cell: Cell) -> Sums:
        return self._sums(cell)

    def level(self, n: FloatArray, total: FloatArray, _squares: FloatArray) -> Pair:
        mean = np.clip((total + 0.5) / (n + 1), *_SHARE_RANGE)  # Jeffreys' prior: half a contact of each kind
        return mean, mean * (1 - mean)

    def variance(self, mean: FloatArray, _usual: FloatArray) -> FloatArray:
        return mean * (1 - mean)

    def tilt(self, changes: FloatArray, mean: FloatArray, _variance: FloatArray) -> Pair:
        return changes + np.zeros_like(mean), np.log1p(mean * np.expm1(changes))

    def ratio(self, _n: FloatArray, total: FloatArray, expected: FloatArray) -> FloatArray:
        return np.asarray(total / np.maximum(expected, _FEW))

    def change(self, ratio: FloatArray, mean: FloatArray) -> FloatArray:
        share = np.clip(ratio * mean, *_SHARE_RANGE)
        return np.asarray(np.log(share / (1 - share) * (1 - mean) / mean))

    def usually(self, _usual: float, _mean: float, expected: float) -> float:
        return expected

    def told(self, variance: FloatArray) -> FloatArray:
        return variance


def abandonment(variant: Abandonment) -> Share:
    """Of those whose wait ended, who gave up; short abandons as the KPI has them.

    The KPI divides by those who came into the queue: over an hour the same, but in a minute they are others.
    """

    def sums(cell: Cell) -> Sums:
        left = cell.get(m.ABANDONED, 0) - (cell.get(m.SHORT_ABANDONED, 0) if variant == "without_short" else 0)
        return cell.get(m.ANSWERED, 0) + left, left, left, left

    return Share("abandonment", sums, _ODDS, hours_sd=0.7, gate=1.0, whole=1.0)  # a factor of two: a night with two agents


def part_of_contacts() -> Share:
    """A series' part of the contacts of its cut. Its cells don't say of how many: see shares.py."""

    def sums(cell: Cell) -> Sums:
        offered = cell.get(m.OFFERED, 0)
        return offered, offered, offered, offered

    # An hour's mix is some 30 % from the day's: chat by day, calls in the evening. 12 % more of a large part are worth a word.
    # Of an issue that nobody ever had two contacts a minute count: with one that is new and has 3 a minute takes 15 minutes.
    return Share("share", sums, _PART_ODDS, hours_sd=0.3, gate=0.5, whole=2.0)


class LogTime:
    """Handle time, by the logarithms that merge makes of its sketch: to these a long contact adds little, to a mean much."""

    metric: Metric = "aht"
    changes = _FACTORS
    scale = 1000.0
    hours_sd = 0.05
    gate = 0.5
    whole = 0.0

    def sums(self, cell: Cell) -> Sums:
        amount = cell.get(m.TALK_MS, 0) + cell.get(m.HOLD_MS, 0) + cell.get(m.WRAP_MS, 0)
        return cell.get(m.HANDLE_LOGGED, 0), cell.get(m.HANDLE_LOG, 0), cell.get(m.HANDLE_LOG_SQUARES, 0), amount

    def level(self, n: FloatArray, total: FloatArray, squares: FloatArray) -> Pair:
        some = np.maximum(n, _FEW)
        mean = total / some
        return mean, np.maximum(squares / some - mean**2, _SPREAD_LEAST**2)

    def variance(self, _mean: FloatArray, usual: FloatArray) -> FloatArray:
        return usual

    def tilt(self, changes: FloatArray, mean: FloatArray, variance: FloatArray) -> Pair:
        tilt = changes / variance
        return tilt, tilt * mean + changes * tilt / 2

    def ratio(self, n: FloatArray, total: FloatArray, expected: FloatArray) -> FloatArray:
        return np.exp((total - expected) / np.maximum(n, _FEW))

    def change(self, ratio: FloatArray, _mean: FloatArray) -> FloatArray:
        return np.log(np.maximum(ratio, _FEW))

    def usually(self, usual: float, mean: float, expected: float) -> float:
        return usual * exp(expected - mean)

    def told(self, variance: FloatArray) -> FloatArray:
        return 1 / variance
