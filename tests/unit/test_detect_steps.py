"""Steps: what counts as a jump within the last minutes, and what doesn't."""

import numpy as np

from streams.core.level import FloatArray
from streams.core.steps import Steps, look_back, minutes, no_steps

KNOWN = np.array([0.003])  # a level known to 5 %
NOISE = np.array([0.02])


def after(counts: list[int], expected: float, slope: float = 0.0, peak: float = 0.0) -> Steps:
    """The rows after minutes with these counts, all of which were expected to have `expected` contacts."""
    steps = no_steps(1)
    for count in counts:
        new = (np.log([expected]), np.array([slope]), KNOWN, np.zeros(1))
        steps = look_back(steps, new, np.array([float(count)]), NOISE, np.array([peak]))
    return steps


def found(evidence: FloatArray) -> list[bool]:
    return [bool(score > 8) for score in evidence[:, 0]]


def test_two_minutes_at_twice_the_rate_are_a_step_of_two_minutes() -> None:
    steps = after([30, 31, 29, 60, 62], 30)
    assert found(steps.up)[:2] == [False, True]
    assert (steps.seen[1, 0], minutes(steps)[1, 0]) == (122, 2)
    assert not steps.down.any()


def test_contacts_that_stop_are_a_step_down() -> None:
    steps = after([30, 30, 30, 0, 0], 30)
    assert steps.down[1, 0] > 20
    assert not steps.up.any()


def test_a_wild_minute_is_no_step_once_the_next_one_is_usual() -> None:
    assert after([30, 30, 90], 30).up[0, 0] > 8
    assert not after([30, 30, 90, 30], 30).up.any()


def test_a_rise_that_a_trend_may_bring_is_no_step() -> None:
    assert not after([31, 32, 33, 35, 37], 30).up.any()
    assert not after([60, 60, 60], 30, slope=0.05).up.any()  # under way when the rows began


def test_low_rates_are_left_to_the_bank() -> None:
    assert not after([20, 20], 4).up.any()
    assert after([20, 20], 4, peak=6).up[1, 0] > 8  # except near the known peak of the day


def test_a_row_without_a_known_level_has_not_begun() -> None:
    steps = look_back(no_steps(1), (np.zeros(1),) * 4, np.array([50.0]), NOISE, np.zeros(1))
    assert not np.stack(steps).any()
