"""Rarity: how rare a value is in its series' own past, for metrics without a model of their own (detection.md, "Rarity").

A value and three exponential means of it are each compared with their own median and mean deviation, and with the exponential
tail of what was far out before. The surprise: nothing is expected of a series but that it goes on as it has; what is usual for
it, however wild, is no news. A row without a value is no row, and a score is made before its row teaches anything.
"""

from itertools import islice
from math import log
from typing import NamedTuple

import numpy as np

from streams.core import rarity_season
from streams.core.level import FloatArray, Mask
from streams.core.rarity_season import HOURS, Indexes, Profile, Season

_SCALES = np.array([1.0, 2.0, 4.0, 12.0])[:, None]  # rows that each mean is over (detection.md)
_SHORT = 3  # so many of them count together
_SIGNS = np.array([1.0, -1.0])[:, None, None]  # up, down
# Chosen on four series of detection.md's corpus and copies of them, see tests/bench/README.md, "Rarity".
_SHORT_WEIGHT = 0.5  # of the short means in the score; the long one has the rest
_MEMORY_ROWS = 5000.0  # of median and deviation
_DEVIATION_MIN = 0.1  # logarithms that differ by less are alike
_FAR_SHARE = 0.006  # of rows that are far out
_BORDER = 2.0  # where far out begins before any is seen, in mean deviations
_BORDER_MIN = 1.0
_BORDER_STEP = 0.1
_TAIL_ROWS = 300.0  # far out, that the tail remembers
_BURST_ROWS = 10.0  # since the last row far out: the same burst
# As in detection.md: the tail before any is seen, in mean deviations and in rows' worth; what a row adds to it at most, in tails;
# what one of a burst counts, so that an incident doesn't teach the tail.
_TAIL, _TAIL_PRIOR = 0.15, 3.0
_CLIP = 3.0
IN_BURST = 0.1
_DEVIATIONS_MAX = 5.0  # a row counts so many deviations in the mean deviation, once there are some rows
_MEDIAN_STEP = 1.5  # and so many in the median, which is a mean of what is near
_SOME_ROWS = 30
_DEVIATION_OF_NORMAL = 0.8  # mean over standard deviation, √(2/π)
_LN_10 = log(10.0)
BODY = -log(_FAR_SHARE) / _LN_10  # the rarity at the border
_LONG_AGO = 1e9


class Past(NamedTuple):
    """What is known of each series: rows; (SCALES × series) the means and their median and mean deviation; (2 × SCALES × series),
    up and down: the border of far out, sum and number of what was further, rows since the last one."""

    rows: FloatArray
    means: FloatArray
    median: FloatArray
    deviation: FloatArray
    border: FloatArray
    excess: FloatArray
    seen: FloatArray
    since: FloatArray


class Rarity:
    """One metric of all series; they are known by column. in_burst: what a row of a burst counts in the tail."""

    def __init__(self, in_burst: float = IN_BURST) -> None:
        self._in_burst = in_burst
        self.profile = Profile(np.zeros((HOURS, 0)))
        self.season = Season(*np.zeros((len(Season._fields), 0)))
        shapes = ((), *[(len(_SCALES),)] * 3, *[(2, len(_SCALES))] * 4)
        self.past = Past(*(np.zeros((*shape, 0)) for shape in shapes))

    def enrol(self, series: int) -> None:
        """Add series as the next columns."""
        self.replace([np.concatenate((one, np.zeros((*one.shape[:-1], series))), axis=-1) for one in self.fields()])

    def forget(self, column: int) -> None:
        """Let a series begin anew: what it has come to is usual from now on."""
        for field in self.fields():
            field[..., column] = 0.0

    def step(
        self, columns: Indexes, values: FloatArray, minute: float | FloatArray, of_day: float | FloatArray, taught: Mask
    ) -> FloatArray:
        """Take a row of some series: their values, about as spread as logarithms are. minute: any count of minutes that goes on;
        of_day: minute of the local day. Series that aren't `taught` learn nothing of it.

        (2 × series): how rare it is as a rise and as a fall, −log10 of a share of all rows; 0 for the first row.
        """
        old = [field[..., columns] for field in (*self.season, *self.past)]
        season, past = _of(old)
        first = past.rows == 0
        if first.any():
            self.profile.begin(columns[first], values[first])
        season = rarity_season.begun(season, first, values, minute)
        was = self.profile.usual(columns, of_day)
        past = _with_means(past, values - season.on * was.value, first)
        further, tail = _further(past), _tail(past)
        found = _rarity(past, further, tail)
        after = rarity_season.learned(season, values, values - was.value, past.rows + 1, minute)
        anew = values - after.on * was.value, np.sqrt(after.left)
        weight = np.where(past.since < _BURST_ROWS, self._in_burst, 1.0)
        new = _learned(past, (further, tail, weight), after.on != season.on, anew)
        gain = rarity_season.gain(season, values - was.value, new.rows, minute)
        self.profile.learn(columns, was, np.where(taught, gain, 0.0))
        everything = bool(taught.all())
        for field, before, now in zip((*self.season, *self.past), old, (*after, *new), strict=True):
            field[..., columns] = now if everything else np.where(taught, now, before)
        self.past.means[:, columns] = new.means
        score: FloatArray = _SHORT_WEIGHT * found[:, :_SHORT].mean(axis=1) + (1 - _SHORT_WEIGHT) * found[:, _SHORT]
        return np.where(first, 0.0, score)

    def usual(self, column: int, of_day: float) -> float:
        """The value that a series usually has at a minute of the local day."""
        of_season = self.profile.usual(np.array([column]), of_day).value * self.season.on[column]
        return float(self.past.median[0, column] + of_season[0])

    def fields(self) -> list[FloatArray]:
        """All that is known, arrays whose last axis is the series."""
        return [self.profile.hours, *self.season, *self.past]

    def replace(self, fields: list[FloatArray]) -> None:
        """Take all that is known from arrays as `fields` has them."""
        self.profile = Profile(fields[0])
        self.season, self.past = _of(fields[1:])


def _of(fields: list[FloatArray]) -> tuple[Season, Past]:
    rest = iter(fields)
    return Season(*islice(rest, len(Season._fields))), Past(*rest)


def _with_means(past: Past, values: FloatArray, first: Mask) -> Past:
    """The past with means that have the row; of a series' first row everything begins."""
    means = np.where(first, values, past.means + (values - past.means) / np.minimum(_SCALES, past.rows + 1))
    return past._replace(
        means=means,
        median=np.where(first, values, past.median),
        border=np.where(first, _BORDER, past.border),
        since=np.where(first, _LONG_AGO, past.since),
    )


def _tail(past: Past) -> FloatArray:
    """Mean of what is further out than the border, in mean deviations."""
    return np.asarray((_TAIL * _TAIL_PRIOR + past.excess) / (_TAIL_PRIOR + past.seen))


def _further(past: Past) -> FloatArray:
    """(2 × SCALES × series): by how much means are further out than the border, in mean deviations."""
    off = (past.means - past.median) / np.maximum(past.deviation, _DEVIATION_MIN)
    return np.asarray(off * _SIGNS - past.border)


def _rarity(past: Past, further: FloatArray, tail: FloatArray) -> FloatArray:
    """−log10 of the share of rows whose means are as far out: an exponential tail; up to the border in proportion."""
    inside = BODY * np.maximum(further + past.border, 0.0) / past.border
    return np.where(further > 0, BODY + further / tail / _LN_10, inside)


def _learned(
    past: Past, found: tuple[FloatArray, FloatArray, FloatArray], turned: Mask, anew: tuple[FloatArray, FloatArray]
) -> Past:
    """The past with the row. found: how much further it is than the border, the tail there and what it counts; turned: whose
    season is taken off from now on, or is no more; anew: their values and spread then."""
    (further, tail, weight), rows = found, past.rows + 1
    far = further > 0
    kept, took = 1 - weight / _TAIL_ROWS, weight * np.minimum(further, _CLIP * tail)
    step = _BORDER_STEP * np.where(far, weight * (1 - _FAR_SHARE), -_FAR_SHARE)
    rate = np.maximum(1 / rows, 1 / _MEMORY_ROWS)
    off, spread = past.means - past.median, np.maximum(past.deviation, _DEVIATION_MIN)
    most = np.where(rows < _SOME_ROWS, np.inf, _DEVIATIONS_MAX * spread)
    deviation = past.deviation + rate * (np.minimum(np.abs(off), most) - past.deviation)
    median = past.median + rate * np.clip(off, -_MEDIAN_STEP * spread, _MEDIAN_STEP * spread)
    return Past(
        rows=rows,
        means=np.where(turned, anew[0], past.means),
        median=np.where(turned, anew[0], median),
        deviation=np.where(turned, _DEVIATION_OF_NORMAL * anew[1], deviation),
        border=np.maximum(_BORDER_MIN, past.border + step),
        excess=np.where(far, past.excess * kept + took, past.excess),
        seen=np.where(far, past.seen * kept + weight, past.seen),
        since=np.where(far, 0.0, past.since + 1),
    )
