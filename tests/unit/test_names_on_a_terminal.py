"""Names come from outside: one that looks like markup is printed as it is."""

from collections.abc import Callable

import pytest
from board_asked import ALERT
from forecast_rules import forecast_day
from msgspec.structs import replace
from recommend_world import trend

from streams.commands import backtest_tables, forecast, recommend, trends
from streams.commands.backtest_results import Results, Run
from streams.core.recommend import Advice, QueueStaff

NAMED = {"queue": "[red]vip"}
HISTORY = Run(
    false_alarms_per_day=1.0,
    days=1,
    alerts=[replace(ALERT, series=NAMED)],
    calm_days=0,
    calm_alerts=0,
    kinds=[],
    incidents=[],
)
ADVICE = Advice(
    at_ms=0,
    until_ms=7_200_000,
    time_zone="UTC",
    recommendations=(),
    queues=(QueueStaff(queue="[red]vip", at_work=1.0, needed=1.0, contacts_at_risk=0.0),),
    missing=(),
)


@pytest.mark.parametrize(
    "show",
    [
        lambda: backtest_tables.show(Results(contacts=1, time_zone="UTC", runs=[HISTORY], thresholds=[], forecasts=[])),
        lambda: trends.show([trend(NAMED, {}, {})], 1, [], ()),
        lambda: recommend.show(ADVICE),
        lambda: forecast.show([forecast_day("queue", NAMED)], [None], 3_600_000),
    ],
    ids=["backtest", "trends", "recommend", "forecast"],
)
def test_a_name_that_looks_like_markup_is_printed_as_it_is(show: Callable[[], None], capsys: pytest.CaptureFixture[str]) -> None:
    show()
    assert "[red]vip" in capsys.readouterr().out
