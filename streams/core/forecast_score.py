"""Score: how good forecasts were, by horizon, as sums that add up over days and series.

What a day is scored by was told before its slots came, bands included. The surprise: a share of hits isn't kept, only hits and
slots are, so that a quiet series doesn't weigh as much as a busy one and nobody averages averages.
"""

from typing import NamedTuple

import msgspec
import numpy as np

from streams.core.level import FloatArray

SUMS = ("slots", "contacts", "error", "within_80", "within_95", "width_80", "width_95")
KEPT = 0.95  # per day: what is told of a series' forecasts is of its last twenty days, more or less
SLOTS_MIN = 20  # a share of fewer slots says nothing


class DayScore(NamedTuple):
    """The sums of one day, (series, horizons, SUMS), and the names of the series."""

    names: tuple[str, ...]
    sums: FloatArray


class Accuracy(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How good the forecasts of a series were that were made `minutes` ahead: sum of |error| in shares of contacts, and shares of
    slots whose contacts were within the 80 and the 95 % band, of the last twenty days or so; `slots`: of how many."""

    minutes: int
    slots: int
    error: float | None
    within_80: float
    within_95: float


def scored(told: FloatArray, bounds: FloatArray, counts: FloatArray) -> FloatArray:
    """Sums (series, horizons, SUMS) of a day: `told` (series, horizons, slots) with NaN where nothing was told or seen, `bounds`
    (levels, sides, series, horizons, slots), `counts` (series, slots)."""
    known = ~np.isnan(told)
    found = np.where(known, counts[:, None], 0.0)
    within = (found >= bounds[:, 0]) & (found <= bounds[:, 1]) & known
    widths = np.where(known, bounds[:, 1] - bounds[:, 0], 0.0)
    parts = (known, found, np.abs(found - np.where(known, told, 0.0)), *within, *widths)
    return np.stack([part.sum(axis=2).astype(np.float64) for part in parts], axis=2)


def accuracies(sums: FloatArray, minutes: tuple[int, ...]) -> list[Accuracy]:
    """Sums (horizons, SUMS) as shares; horizons of which too little was seen are left out."""
    return [
        Accuracy(
            minutes=ahead,
            slots=round(float(slots)),
            error=round(float(error / contacts), 4) if contacts > 0 else None,
            within_80=round(float(within_80 / slots), 4),
            within_95=round(float(within_95 / slots), 4),
        )
        for ahead, (slots, contacts, error, within_80, within_95, *_) in zip(minutes, sums, strict=True)
        if slots >= SLOTS_MIN
    ]
