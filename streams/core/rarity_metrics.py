"""Rarity metrics: what is judged by how rare it is: the wait of answered contacts (asa) and sentiment, minute by minute.

The surprise: a minute without an answer or a score is no row, and no zero; and who waits is judged by its logarithm, because a
wait of a minute in place of 20 s is as far off as one of 20 s in place of seven.
"""

from collections.abc import Callable
from math import expm1
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from streams.core import measure as m
from streams.core.level import FloatArray
from streams.core.measure import Cell

RarityName: TypeAlias = Literal["asa", "sentiment"]
Row: TypeAlias = tuple[int, int]
_RATIO_RANGE = (0.02, 50.0)  # as for means
# What nobody would notice is no alert, however rare: ten seconds are half of the usual service-level target; a tenth of a point
# is one contact in twenty that turns from glad to angry.
_SECONDS_MIN, _POINTS_MIN = 10.0, 0.1


class RarityMetric(NamedTuple):
    """A KPI. n, total: the codes that it is made of; scale: of its unit in `total`. least: of a change, in its unit.

    scaled, plain: its value as rarity takes it, and back. ratio: of a value to a usual one, for whatever compares contacts.
    """

    name: RarityName
    n: int
    total: int
    scale: float
    least: float
    scaled: Callable[[FloatArray], FloatArray]
    plain: Callable[[float], float]
    ratio: Callable[[float, float], float]

    def row(self, cell: Cell) -> Row | None:
        """Contacts of a minute and the total of their values in units of `scale`; None where there is none."""
        n = cell.get(self.n, 0)
        return (n, cell.get(self.total, 0)) if n > 0 else None


def _log_seconds(seconds: FloatArray) -> FloatArray:
    return np.log1p(np.maximum(seconds, 0.0))


def _of_waits(value: float, usual: float) -> float:
    return _bounded((value + 1.0) / (usual + 1.0))


def _of_moods(value: float, usual: float) -> float:
    """As if each contact were glad (1) or angry (-1): by what those who are glad are multiplied."""
    return _bounded((value + 1.0) / max(usual + 1.0, 0.01))


def _bounded(ratio: float) -> float:
    return min(max(ratio, _RATIO_RANGE[0]), _RATIO_RANGE[1])


ASA = RarityMetric("asa", m.ANSWERED, m.WAIT_MS, 1_000.0, _SECONDS_MIN, _log_seconds, expm1, _of_waits)
SENTIMENT = RarityMetric("sentiment", m.SENTIMENTS, m.SENTIMENT_MICRO, 1e6, _POINTS_MIN, np.asarray, float, _of_moods)
