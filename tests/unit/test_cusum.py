"""Cusum: evidence by literal formula, tests that start anew, gates."""

from math import exp, lgamma, log

import numpy as np
import pytest

from streams.core.cusum import CHANGES, ROWS, Bank, Gates, add, crossed, evidence, start_anew, with_steps
from streams.core.level import Levels, learn, predict, started
from streams.core.steps import no_steps


def negative_binomial(count: int, mean: float, dispersion: float) -> float:
    """Log probability, from the textbook."""
    size = 1 / dispersion
    choose = lgamma(count + size) - lgamma(size) - lgamma(count + 1)
    return choose + size * log(size / (size + mean)) + count * log(mean / (size + mean))


def levels(mean: float) -> Levels:
    """All rows at their change of one mean, known well."""
    shape = (ROWS, 1)
    log_mean = np.log(mean * CHANGES)[:, None]
    return Levels(log_mean, np.zeros(shape), np.full(shape, 0.01), np.zeros(shape), np.full(shape, 1e-4))


def bank(score: float, seen: float, expected: float) -> Bank:
    shape = (ROWS, 1)
    return Bank(np.full(shape, score), np.full(shape, seen), np.full(shape, expected), *np.zeros((3, *shape)))


def test_evidence_is_the_log_likelihood_ratio_of_two_negative_binomials() -> None:
    found = evidence(levels(10.0), np.array([17.0]), np.array([0.02]))
    expected = negative_binomial(17, 20.0, 0.03) - negative_binomial(17, 10.0, 0.03)
    assert found[3, 0] == pytest.approx(expected)
    assert found[0, 0] == 0.0


def test_evidence_is_never_negative() -> None:
    empty = bank(0.0, 0.0, 0.0)
    after = add(empty, np.full((ROWS, 1), -3.0), np.array([4.0]))
    assert after.score.tolist() == [[0.0]] * ROWS


def test_a_test_without_evidence_starts_anew_from_the_level() -> None:
    old = bank(0.0, 40.0, 30.0)
    renewed, moved = start_anew(old, levels(10.0), np.zeros(1))
    assert renewed.seen.tolist() == [[0.0]] * ROWS
    assert np.exp(moved.log_mean[:, 0]) == pytest.approx(10 * CHANGES)


def test_a_test_whose_shift_is_forgotten_starts_anew() -> None:
    now = levels(10.0)
    now.log_mean[3, 0] = now.log_mean[0, 0] + 0.1
    renewed, moved = start_anew(bank(5.0, 40.0, 30.0), now, np.zeros(1))
    assert (renewed.score[3, 0], renewed.seen[3, 0]) == (0.0, 0.0)
    assert exp(moved.log_mean[3, 0]) == pytest.approx(20.0)
    assert (renewed.score[2, 0], renewed.seen[2, 0]) == (5.0, 40.0)


@pytest.mark.parametrize(
    ("seen", "expected", "peak", "rows"),
    [
        (4, 1, 0, []),  # fewer than 5 contacts
        (9, 5, 0, []),  # 4 too many
        (10, 5, 0, [1, 2, 3, 4]),
        (10, 5, 6, []),  # less than a busy minute's worth
        (119, 100, 0, []),  # less than a fifth too many
        (124, 100, 0, []),  # ratio under 1.25
        (130, 100, 0, [1, 2, 3, 4]),
        (2, 9, 0, []),  # fewer expected than the threshold of 10
        (2, 11, 0, [5, 6, 7, 8]),
        (85, 100, 0, []),
    ],
)
def test_gates_keep_small_changes_quiet(seen: float, expected: float, peak: float, rows: list[int]) -> None:
    gates = Gates(np.array([10.0]), 5, 1.25, np.array([peak]))
    found = crossed(with_steps(bank(12.0, seen, expected), no_steps(1)), gates)
    assert np.nonzero(found[:, 0])[0].tolist() == rows


def test_evidence_under_the_threshold_does_not_cross() -> None:
    assert not crossed(with_steps(bank(9.9, 40, 10), no_steps(1)), Gates(np.array([10.0]), 5, 1.25, np.zeros(1))).any()


def test_a_level_follows_a_steady_rise_that_it_has_seen_for_a_while() -> None:
    now = started(np.array([10.0]), 1)
    for minute in range(60):
        predicted = predict(now, np.array([0.015]), 1 - 1 / 30)
        count = 10 * exp(0.02 * minute)
        if minute > 30:
            assert exp(predicted.log_mean[0, 0]) == pytest.approx(count, rel=0.1)
        now = learn(predicted, np.array([count]), np.array([0.01]))


def test_a_level_that_has_seen_nothing_stays_finite_and_can_come_back() -> None:
    now = started(np.array([0.0]), 1)
    for count in [0.0] * 2000 + [5.0] * 60:
        now = learn(predict(now, np.array([0.015]), 1 - 1 / 30), np.array([count]), np.array([0.01]))
    assert exp(now.log_mean[0, 0]) == pytest.approx(5.0, rel=0.2)
