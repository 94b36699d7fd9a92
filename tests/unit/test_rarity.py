"""Rarity: what a series never did is rare, what it does all the time isn't; nothing is known of a row before it comes."""

from collections.abc import Sequence

import numpy as np
import pytest

from streams.core.level import FloatArray
from streams.core.rarity import BODY, Rarity

DAY = 1440
ALL = np.ones(1, dtype=np.bool_)


def steady(rows: int, seed: int = 1, columns: int = 1) -> FloatArray:
    """(rows × columns) logarithms with a deviation of one."""
    return np.random.default_rng(seed).normal(4.0, 1.0, (rows, columns))


def scored(rows: FloatArray, rarity: Rarity | None = None, first: int = 0, gap: int = 1) -> FloatArray:
    """(rows × 2 × columns): how rare each row is, a row every `gap` minutes."""
    series = rows.shape[1]
    if rarity is None:
        rarity = Rarity()
        rarity.enrol(series)
    columns, taught = np.arange(series), np.ones(series, dtype=np.bool_)
    return np.array([rarity.step(columns, row, (first + n) * gap, (first + n) * gap % DAY, taught) for n, row in enumerate(rows)])


def learned(rows: FloatArray) -> Rarity:
    rarity = Rarity()
    rarity.enrol(rows.shape[1])
    scored(rows, rarity)
    return rarity


def step(rarity: Rarity, value: float, minute: int, *, taught: bool = True) -> Sequence[float]:
    """How rare one more value of a single series is, up and down."""
    found = rarity.step(np.array([0]), np.array([value]), minute, minute % DAY, np.array([taught]))
    return [float(one) for one in found[:, 0]]


def known(rarity: Rarity, column: int) -> list[object]:
    return [field[..., column].tolist() for field in rarity.fields()]


def test_what_a_series_never_did_is_rare_in_its_own_direction() -> None:
    up, down = step(learned(steady(800)), 12.0, 800)

    assert up > BODY > 2 > down
    assert step(learned(steady(800)), -4.0, 800)[1] > BODY


def test_few_usual_rows_are_rare() -> None:
    late = scored(steady(1_500, columns=40))[500:]

    assert (late > BODY).mean() < 0.02  # 1.4 % of each direction; the border of each mean is at 0.6 %, and late in so few rows
    assert (late > BODY + 3).mean() < 1e-4


def test_a_wild_series_is_as_seldom_rare_as_a_tame_one() -> None:
    random = np.random.default_rng(3)
    wild = np.where(random.random((1_500, 40)) < 0.02, 12.0, random.normal(4.0, 1.0, (1_500, 40)))  # twelve once an hour

    assert (scored(wild)[500:] > BODY + 3).mean() < 1e-4
    assert step(learned(steady(800)), 12.0, 800)[0] > BODY + 2


def test_a_score_is_made_of_what_was_before() -> None:
    rows = steady(500)
    other = rows.copy()
    other[300:] += 5.0

    assert (scored(rows)[:300] == scored(other)[:300]).all()


def test_series_are_judged_each_for_itself() -> None:
    rows = steady(300, columns=3)

    assert scored(rows)[:, :, 1].tolist() == scored(rows[:, 1:2])[:, :, 0].tolist()


def test_a_row_without_a_value_is_no_row() -> None:
    rarity = learned(steady(300, columns=2))
    before = known(rarity, 0)
    rarity.step(np.array([1]), np.array([9.0]), 300, 300, ALL)

    assert known(rarity, 0) == before
    assert known(rarity, 1) != known(learned(steady(300, columns=2)), 1)


def test_what_is_not_to_teach_leaves_only_the_means_behind() -> None:
    rarity, spoiled = learned(steady(800)), learned(steady(800))
    for minute in range(800, 1_000):
        step(spoiled, 12.0, minute, taught=False)
    for minute in range(1_000, 1_100):
        step(spoiled, 4.0, minute, taught=False)
        step(rarity, 4.0, minute, taught=False)

    assert step(spoiled, 9.0, 1_100) == pytest.approx(step(rarity, 9.0, 1_100), rel=0.01)  # 12 rows' mean fades


def test_a_burst_teaches_the_tail_little() -> None:
    once, often = learned(steady(800)), learned(steady(800))
    step(once, 14.0, 800)
    for minute in range(800, 810):
        step(often, 14.0, minute)
    alone, together = (float(rarity.past.seen[0, 0, 0]) for rarity in (once, often))

    assert together - alone < 1.0  # nine rows more count less than the first


def test_a_season_that_explains_most_is_no_news() -> None:
    days = 12
    minutes = np.arange(days * DAY // 5) * 5
    noise = np.random.default_rng(2).normal(0, 0.2, len(minutes))
    rows = (4 + 2 * np.sin(2 * np.pi * minutes / DAY) + noise)[:, None]
    rarity = Rarity()
    rarity.enrol(1)
    scored(rows, rarity, gap=5)
    night = days * DAY + 1_080  # the lowest hour: 2.0 is usual

    assert rarity.season.on.tolist() == [1.0]
    assert rarity.usual(0, 1_080) == pytest.approx(2.0, abs=0.3)
    assert step(rarity, 4.0, night)[0] > BODY  # the mean of the day, at night
    assert learned(steady(800)).season.on.tolist() == [0.0]


def test_a_series_that_is_forgotten_begins_anew() -> None:
    rarity = learned(steady(800))
    rarity.forget(0)

    assert step(rarity, 12.0, 800) == [0.0, 0.0]
    assert step(rarity, 12.0, 801) == [0.0, 0.0]
