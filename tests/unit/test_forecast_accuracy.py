"""How good forecasts are: on the bank's calls, and on a made-up centre whose means are known.

Bounds are 4 per cent above what was measured (3.98, 4.21, 4.74, 5.53, 5.83), so that a change which costs accuracy fails here.
Where the bank's file isn't there, its test is skipped.
"""

import numpy as np
import pytest
from counts_made_up import hours
from forecast_rules import FORECAST
from msgspec.structs import replace

from bench.forecast_protocol import BANK, HORIZONS, TESTED, read_bank, run
from streams.core.forecasting import Forecasting

LIMITS = (4.15, 4.4, 4.95, 5.75, 6.05)  # WAPE in per cent by horizon, of 15 minutes
QUARTERS = 3  # slots of five minutes put together: a third of the time


@pytest.mark.thorough
@pytest.mark.skipif(not BANK.exists(), reason="the bank's calls aren't in ../shared/data")
def test_the_banks_calls_are_forecast_as_well_as_measured() -> None:
    days, counts = read_bank()
    whole = counts[:, : counts.shape[1] // QUARTERS * QUARTERS].reshape(len(days), 1, -1, QUARTERS).sum(axis=3)

    scores = run(days, whole, [-1], effects=True, tested=TESTED, slot_minutes=15)

    measured = dict(zip(HORIZONS, LIMITS, strict=True))
    assert {name: scores.wape[name][0] for name in HORIZONS if scores.wape[name][0] > measured[name]} == {}
    assert np.all(np.abs(scores.covered[0] - 0.8) < 0.04)
    assert np.all(np.abs(scores.covered[1] - 0.95) < 0.02)


def test_where_the_means_are_known_a_day_ahead_is_hardly_worse_than_knowing_them() -> None:
    forecasting = Forecasting({}, replace(FORECAST, slot_minutes=60, days_ahead=1))
    told: dict[int, float] = {}
    errors, known_errors = [], []
    for start_ms, number, mean in hours(70, 100.0):
        forecasting.take(start_ms, {"total": number})
        if start_ms in told:
            errors.append(abs(number - told[start_ms]))
            known_errors.append(abs(number - mean))
        if start_ms // 3_600_000 % 24 == 0 and len(told) < 24 * 30:
            for _, day in forecasting.everything(0)[1:]:
                told |= dict(zip(day.starts_ms, day.mean, strict=True))

    late = slice(24 * 20, None)  # after three weeks
    assert sum(errors[late]) < 1.08 * sum(known_errors[late])
