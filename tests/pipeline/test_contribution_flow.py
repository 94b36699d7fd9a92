"""Contribution through the flow: an alert names the issue and region that caused it. `make bench-contribution` measures."""

import pytest
from contribution_world import run


@pytest.mark.thorough
def test_an_issue_of_one_region_that_causes_the_excess_is_one_alert_that_names_it_first() -> None:
    # Measured on 100 worlds: tests/bench/README.md.
    found = [run(seed, rate=30, excess=1.0, before=90, after=0) for seed in range(5)]
    assert [one.alerts for one in found] == [1] * 5
    assert [one.ranks_first(0) for one in found] == [True] * 5  # already when it fires
    assert [one.ranks_first(-1) for one in found] == [True] * 5


def test_the_share_of_the_cause_is_nearly_all_of_the_excess() -> None:
    (first, *_) = run(3, rate=100, excess=1.0, before=90, after=0).records[-1].contribution
    assert first.share > 0.9
    assert first.usual_share < 0.1
