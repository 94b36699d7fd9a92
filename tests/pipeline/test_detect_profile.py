"""Incidents of series with a profile: a restart in the middle, a shift that lasts, a maintenance window."""

from collections.abc import Iterator

import pytest
from detect_rules import DETECT
from forecast_rules import FORECAST
from msgspec.structs import replace

from streams.core.alert import Alert
from streams.core.detect import Detect, DetectRules
from streams.core.forecasting import Forecasting
from streams.core.frame import MinuteFrame, MinuteRow
from streams.core.held_back import HeldBackRules, MaintenanceWindow
from streams.core.local_spans import LocalTimes, parse_weekly
from streams.core.measure import OFFERED
from streams.core.profile import DAYS_MIN

MONDAY_MS = 1_699_833_600_000  # 13 November 2023, UTC
MINUTE_MS, DAY = 60_000, 1440
LEARNED_DAYS = 5
FIRST = LEARNED_DAYS * DAY - 75  # over a midnight, with the incident around it
RULES = replace(DETECT, cuts=("total", "queue"), warm_up_minutes=10, forecast=replace(FORECAST, cuts=("total", "queue")))


def learned() -> dict[bytes, bytes]:
    """A store whose forecaster has seen five days, two queues."""
    store: dict[bytes, bytes] = {}
    forecasting = Forecasting(store, RULES.forecast)
    for minute in range(0, FIRST, 15):
        forecasting.take(MONDAY_MS + minute * MINUTE_MS, {"total": 600, "queue\x1fbilling": 450, "queue\x1fsales": 150})
    forecasting.drain(0)
    return store


def frames(minutes: int, begin: int, end: int) -> Iterator[MinuteFrame]:
    """So many minutes, of which billing has twice as many contacts in [begin, end)."""
    for minute in range(minutes):
        billing, sales = (60 if begin <= minute < end else 30) + minute % 7 - 3, 10 + minute % 5 - 2
        start_ms = MONDAY_MS + (FIRST + minute) * MINUTE_MS
        counts = {"total": billing + sales, "queue\x1fbilling": billing, "queue\x1fsales": sales}
        rows = [MinuteRow(series, start_ms, {OFFERED: count}) for series, count in counts.items()]
        yield MinuteFrame(shard=0, shards=1, number=minute, closed_ms=start_ms + MINUTE_MS, rows=rows)


def told(
    given: Iterator[MinuteFrame], rules: DetectRules = RULES, *, restarts: bool = False
) -> tuple[list[Alert], dict[bytes, bytes]]:
    """All alerts, drained minute by minute, and the store at the end."""
    store, alerts = learned(), list[Alert]()
    detect = Detect(store, rules)
    for frame in given:
        detect.apply([frame])
        alerts += detect.drain(0).alerts
        detect = Detect(store, rules) if restarts else detect
    return alerts, store


@pytest.mark.thorough
def test_a_restart_after_each_minute_of_an_incident_changes_no_alert_and_nothing_that_was_learned() -> None:
    assert LEARNED_DAYS > DAYS_MIN
    expected, store = told(frames(105, 60, 90))
    fired = [alert for alert in expected if alert.state == "firing"]
    assert len({alert.alert_id for alert in fired}) == 1
    assert len({alert.fired_ms for alert in fired}) == 1
    assert expected[-1].state == "resolved"
    actual, restarted = told(frames(105, 60, 90), restarts=True)
    assert actual == expected
    assert restarted == store


@pytest.mark.thorough
def test_a_shift_that_lasts_a_day_is_announced_as_the_new_usual() -> None:
    alerts, _ = told(frames(DAY + 90, 60, DAY + 90))
    accepted = [alert for alert in alerts if alert.fired_ms and alert.updated_ms - alert.fired_ms >= DAY * MINUTE_MS]
    assert [alert.state for alert in accepted] == ["expired"]
    assert "has lasted a day and counts as usual from now on" in accepted[0].recommendation
    assert accepted[0].ratio is not None
    assert accepted[0].ratio > 1.6


@pytest.mark.thorough
def test_a_restart_after_each_minute_of_a_maintenance_window_changes_nothing_and_its_end_calls_nobody() -> None:
    times = LocalTimes(weekly=parse_weekly("fr 23:45-00:15") or ())
    window = MaintenanceWindow(name="backup", times=times, series=("queue\x1fbilling",))
    rules = replace(RULES, held_back=HeldBackRules(maintenance=(window,)))
    expected, store = told(frames(105, 60, 90), rules)
    fired = [alert for alert in expected if alert.has_fired]
    assert {(alert.series.get("queue"), alert.is_kept_back) for alert in fired} == {("billing", True)}
    assert fired[-1].state == "expired"
    actual, restarted = told(frames(105, 60, 90), rules, restarts=True)
    assert actual == expected
    assert restarted == store
