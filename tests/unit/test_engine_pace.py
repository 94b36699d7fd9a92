"""engine.pace: how often a stage flushes, by how long a flush takes."""

import pytest
from contract_kafka import options

from streams.engine.pace import pause_seconds

OPTIONS = options("app", "worker")  # a flush each 0.1 s, stretching to 0.5 s


@pytest.mark.parametrize(("took", "pause"), [(0.0, 0.1), (0.03, 0.07), (0.06, 0.06), (0.2, 0.2), (3.0, 0.5)])
def test_a_flush_begins_every_tenth_of_a_second_and_takes_at_most_half_of_the_time(took: float, pause: float) -> None:
    assert pause_seconds(took, OPTIONS, behind=False) == pytest.approx(pause)


@pytest.mark.parametrize(
    ("took", "pause"),
    [
        (0.0, 0.1),
        (0.02, 0.1),
        (0.06, 0.18),  # a quarter of the time
        (0.2, 0.3),  # a flush begins every half second
        (0.4, 0.1),
        (3.0, 0.1),
    ],
)
def test_in_a_catch_up_a_flush_that_takes_longer_comes_less_often_up_to_a_limit(took: float, pause: float) -> None:
    assert pause_seconds(took, OPTIONS, behind=True) == pytest.approx(pause)
