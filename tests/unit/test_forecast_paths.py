"""Days played through: totals, peaks, chances."""

import numpy as np
import pytest
from forecast_rules import forecast_day
from msgspec.structs import replace

from streams.core.forecast_paths import SHARES, chance_above, courses, play
from streams.core.forecast_record import chance_above as above

MEAN = np.array([10.0, 50.0, 100.0, 50.0])
SLOTS = np.full(4, 0.01)
COURSE = courses(4, 15, 3)


def test_the_same_seed_gives_the_same_outcome() -> None:
    assert play(MEAN, (0.004, SLOTS), COURSE, 7) == play(MEAN, (0.004, SLOTS), COURSE, 7)
    assert play(MEAN, (0.004, SLOTS), COURSE, 7) != play(MEAN, (0.004, SLOTS), COURSE, 8)


def test_total_and_peak_lie_where_variances_put_them() -> None:
    outcome = play(MEAN, (0.01, SLOTS), COURSE, 7)

    spread = np.sqrt(210 + 0.01 * 210**2)  # all of the variance is the day's
    assert outcome.total_low_80 == pytest.approx(210 - 1.28 * spread, abs=6)
    assert outcome.total_high_95 == pytest.approx(210 + 1.96 * spread, abs=14)
    assert outcome.peak_slot == 2
    assert outcome.peak_quantiles[len(SHARES) // 2] == pytest.approx(100, abs=4)


def test_without_contacts_nothing_comes() -> None:
    outcome = play(np.zeros(4), (0.01, SLOTS), COURSE, 7)

    assert (outcome.total_high_95, outcome.peak_slot, max(outcome.peak_quantiles)) == (0, 0, 0)


@pytest.mark.parametrize(("capacity", "chance"), [(4, 1.0), (5, 0.95), (50, 0.5), (93, 0.07), (95, 0.0), (200, 0.0)])
def test_the_chance_of_a_peak_above_capacity_follows_its_quantiles(capacity: float, chance: float) -> None:
    assert chance_above([100 * share for share in SHARES], capacity) == pytest.approx(chance)


def test_the_chance_that_a_slot_brings_more_follows_its_bands() -> None:
    day = replace(
        forecast_day("queue", {"queue": "billing"}), mean=[100.0, 0.0], low_95=[80.0, 0.0], low_80=[90.0, 0.0],
        high_80=[115.0, 0.0], high_95=[124.0, 0.0],
    )  # fmt: skip

    assert [round(above(day, 0, capacity), 3) for capacity in (80, 90, 100, 115, 124)] == [0.975, 0.9, 0.5, 0.1, 0.025]
    assert round(above(day, 0, 107.5), 3) == 0.261  # half of 1.2816 standard deviations
    assert above(day, 0, 140) < 0.001 < 0.999 < above(day, 0, 60)
    assert above(day, 1, 3) == 0.0  # closed: nobody is expected, and nobody too many
