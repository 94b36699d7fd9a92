"""Crossing: what the tests of a fleet have found, as would-be incidents."""

from math import log

import numpy as np

from streams.core import cusum
from streams.core.alert import AlertKind, alert_id
from streams.core.alerting import RULE
from streams.core.fleet import Fleet
from streams.core.incident import Incident
from streams.core.level import FloatArray
from streams.core.window import MINUTE_MS

HINT_SCORE = log(20)  # evidence short of the threshold that lets a series explain one that crossed


def found_in(fleet: Fleet, names: list[str], crossings: FloatArray, threshold: FloatArray, end_ms: int) -> dict[str, Incident]:
    """The would-be incidents of all series that have crossed, and of those that nearly did."""
    bank = fleet.tests()
    hints = np.where((bank.score >= HINT_SCORE) & (fleet.held == 0), bank.score, 0.0)
    # A crossing counts before any hint: a test of the bank may have more evidence and fail the gates.
    scores = hints + np.where(crossings > 0, 1e6, 0.0)
    found: dict[str, Incident] = {}
    for column in np.nonzero(scores.any(axis=0))[0]:
        row = int(np.argmax(scores[:, column]))
        outage = cusum.OUTAGE_ROW
        stopped = bank.seen[outage, column] == 0 and crossings[outage, column] >= threshold[column]
        row = outage if stopped and cusum.SIDES[row] < 0 else row
        found[names[column]] = _would_be(fleet, bank, names[column], (row, int(column)), end_ms)
    return found


def _would_be(fleet: Fleet, bank: cusum.Bank, series: str, place: tuple[int, int], end_ms: int) -> Incident:
    """The incident that the test in `place` (row, column) speaks of."""
    row, column = place
    sudden = row >= cusum.ROWS
    up = bool(cusum.SIDES[row] > 0)
    minutes = int(bank.minutes[row, column])
    onset_ms = end_ms - minutes * MINUTE_MS
    observed = int(bank.seen[row, column])
    down: AlertKind = "outage" if row == cusum.OUTAGE_ROW and observed == 0 else "dip"
    return Incident(
        alert_id=alert_id(f"{RULE}.{'up' if up else 'down'}", series, onset_ms),
        series=series,
        up=up,
        kind="spike" if up else down,
        version=minutes - 1,  # a change that is found again with the same onset, and so the same id, comes later and wins
        score=float(bank.score[row, column]),
        onset_ms=onset_ms,
        detected_ms=end_ms,
        updated_ms=end_ms,
        observed=observed,
        expected=float(bank.expected[row, column]),
        base=float(bank.base[row, column]),
        drift=float(bank.drift[row, column]),
        known=1 / float(fleet.levels.variance[0 if sudden else row, column]),
        sudden=sudden,
    )
