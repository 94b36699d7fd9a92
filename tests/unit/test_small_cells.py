"""Figures of so few contacts that they could be somebody's aren't shown."""

import pytest

from streams.core.small_cells import without_few, without_small
from streams.core.trend import Expectation, KpiValue, Trend, Window


def trend(cut: str, **measures: int) -> Trend:
    names = [] if cut == "total" else cut.split("+")
    return Trend(
        cut=cut, series=dict.fromkeys(names, "x"), window=Window("1h", 0, 3_600_000, "UTC"), final=True, revision=1,
        measures=measures, kpis={"csat": KpiValue(1.0, 1, 0.2, 1.0)}, waits=[1], handles=[1],
        watermark_ms=0, read_ms=None, published_ms=0,
    )  # fmt: skip


@pytest.mark.parametrize("cut", ["segment", "region", "age_band", "channel+segment", "issue+region"])
def test_four_contacts_of_a_group_of_people_are_hidden_and_five_are_shown(cut: str) -> None:
    few, enough = without_small([trend(cut, offered=4, csat_5=1), trend(cut, offered=5, csat_5=1)], 5)
    assert (few.measures, few.waits, few.handles) == ({}, None, None)
    assert few.kpis == {"csat": KpiValue(None, 0, variant="hidden: fewer than 5 contacts")}
    assert (enough.measures, enough.kpis["csat"].value) == ({"offered": 5, "csat_5": 1}, 1.0)


@pytest.mark.parametrize("cut", ["total", "queue", "channel+issue"])
def test_what_is_of_no_group_of_people_is_shown(cut: str) -> None:
    assert without_small([trend(cut, offered=1)], 5) == [trend(cut, offered=1)]


def test_contacts_count_where_they_are_most_and_an_answered_survey_alone_is_hidden() -> None:
    ended, surveyed, quiet = without_small(
        [trend("region", offered=1, handled=5), trend("region", csat_1=1), trend("region", offered=0)], 5
    )
    assert ended.measures == {"offered": 1, "handled": 5}
    assert surveyed.measures == {}
    assert quiet.kpis["csat"].value == 1.0


@pytest.mark.parametrize(("cut", "shown"), [("region", [0, 5]), ("channel+segment", [0, 5]), ("queue", [0, 4, 5])])
def test_minutes_of_a_group_of_people_with_a_few_contacts_are_left_out(cut: str, shown: list[int]) -> None:
    minutes = [
        Expectation(
            cut=cut, series={}, start_ms=0, end_ms=60_000, actual=actual, expected=4.0, low=0.0, high=9.0, published_ms=0
        )
        for actual in (0, 4, 5)
    ]  # fmt: skip
    assert [minute.actual for minute in without_few(minutes, 5)] == shown
    assert without_few(minutes, 0) == minutes


def test_zero_hides_nothing() -> None:
    assert without_small([trend("region", offered=1)], 0) == [trend("region", offered=1)]
