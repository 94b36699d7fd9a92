"""Rarity levels: one metric (rarity_metrics.py) of all watched series: how rare each row is, and since when rows are.

The surprise: a run of rare rows is an incident's beginning; a single usual row ends it, a minute without a row doesn't.
"""

from typing import NamedTuple

import numpy as np

from streams.core.columns import packed, unpacked
from streams.core.level import FloatArray, Mask
from streams.core.rarity import BODY, Rarity
from streams.core.rarity_metrics import RarityMetric
from streams.core.rarity_season import DAY_MINUTES, Indexes

ROWS_MIN = 100  # a tail of fewer isn't known
_SIDES = 2  # up, down
# Twice detection.md's tenth: a burst that was no incident is what the series does, and of an incident nothing is learned once it
# is known. With a tenth queues that build up by chance called in calm weeks, with 0.4 the beginning of an incident hides the rest
# of it (decision 30).
_IN_BURST = 0.2


class Rows(NamedTuple):
    """What some series had in a minute: their columns, contacts, and the total of their values in the metric's unit."""

    columns: Indexes
    n: FloatArray
    total: FloatArray


class Judged(NamedTuple):
    """(2 × series of `rows`), up and down: how rare each row is; contacts and total of the run of rare rows that it is in, and
    the run's first minute."""

    rows: Rows
    score: FloatArray
    n: FloatArray
    total: FloatArray
    onset: FloatArray

    @property
    def far(self) -> Mask:
        """Which rows are rare at all."""
        return np.asarray(self.score >= BODY)


class RarityLevels:
    """One metric of all series; they are known by column. held: 1.0 where an incident of it is on."""

    def __init__(self, metric: RarityMetric) -> None:
        self.metric = metric
        self.rarity = Rarity(_IN_BURST)
        self.held = np.zeros(0)
        self.runs = np.zeros((3, _SIDES, 0))

    def warm(self, minute: float) -> Mask:
        """Which series are known for a day and well enough."""
        old = minute - self.rarity.season.begun >= DAY_MINUTES
        return np.asarray(old & (self.rarity.past.rows >= ROWS_MIN))

    def chances(self, minute: float) -> FloatArray:
        """Rows a day of each series, counted for both sides; none of those that aren't warm."""
        days = np.maximum((minute - self.rarity.season.begun) / DAY_MINUTES, 1.0)
        return np.where(self.warm(minute), _SIDES * self.rarity.past.rows / days, 0.0)

    def usual(self, column: int, of_day: int) -> float:
        """What the metric usually is at a minute of the local day, in its unit."""
        return self.metric.plain(self.rarity.usual(column, of_day))

    def step(self, rows: Rows, at: tuple[int, int], spoiled: Mask) -> Judged:
        """Take a minute; at: the minute since the epoch, and of the local day. `spoiled` series learn nothing of it."""
        minute, of_day = at
        taught = ~spoiled[rows.columns] & (self.held[rows.columns] == 0)
        values = self.metric.scaled(rows.total / rows.n)
        score = self.rarity.step(rows.columns, values, float(minute), float(of_day), taught)
        n, total, onset = self.runs[:, :, rows.columns]
        run = np.where(score >= BODY, (n + rows.n, total + rows.total, np.where(n > 0, onset, minute)), 0.0)
        self.runs[:, :, rows.columns] = run
        return Judged(rows, score, *run)

    def enrol(self, series: int) -> None:
        """Add series as the next columns."""
        self._replace([np.concatenate((one, np.zeros((*one.shape[:-1], series))), axis=-1) for one in self._fields()])

    def hold(self, column: int, *, on: bool) -> None:
        """Say that an incident is on (nothing is learned) or over."""
        self.held[column] = float(on)
        self.runs[:, :, column] = 0.0

    def wake(self) -> None:
        """Go on after a gap: what is known stays."""
        self.held, self.runs = np.zeros_like(self.held), np.zeros_like(self.runs)

    def pack(self, first: int, end: int) -> bytes:
        """The series of columns [first, end) as bytes."""
        return packed(self._fields(), first, end)

    def unpack(self, blocks: list[tuple[int, bytes]]) -> None:
        """Restore all series from `pack`, (series, bytes) of each block, in order of column."""
        self._replace(unpacked(self._fields(), blocks))

    def _fields(self) -> list[FloatArray]:
        return [self.held, self.runs, *self.rarity.fields()]

    def _replace(self, fields: list[FloatArray]) -> None:
        self.held, self.runs, *rest = fields
        self.rarity.replace(rest)
