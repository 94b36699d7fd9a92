"""Handle time and abandonment: found when they change, told once, in the units of the floor; nothing on a calm day."""

import re
from zoneinfo import ZoneInfo

import pytest
from detect_rules import DETECT, told
from means_world import MINUTE_MS, START_MS, USUAL, Queue, frames
from msgspec.structs import replace

from streams.commands.alerts import line
from streams.core import measure as m
from streams.core.acknowledgement import Acknowledgement, Order
from streams.core.alert import Alert
from streams.core.detect import Detect
from streams.edge.alertmanager import annotations, labels

DAY = 1440
UTC = ZoneInfo("UTC")
SLOW = USUAL | {"billing": Queue(7, 0.08, 6 * 1.5)}
LEAVING = USUAL | {"orders": Queue(7, 0.25, 4)}


@pytest.fixture(scope="module")
def learned() -> dict[bytes, bytes]:
    """What detect knows after a day and an hour."""
    store: dict[bytes, bytes] = {}
    assert firing(told(Detect(store, DETECT), frames(0, DAY + 60, 1))) == {}
    return store


def firing(alerts: list[Alert]) -> dict[str, Alert]:
    """The last version of each alert that fired."""
    return {alert.alert_id: alert for alert in alerts if alert.has_fired}


def test_logarithms_of_handle_times_are_made_of_the_sketch() -> None:
    cell = {m.HANDLE_SKETCH + m.sketch_index(60_000): 2, m.HANDLE_SKETCH + m.sketch_index(240_000): 1, m.HANDLE_SKETCH: 5}
    found = m.handle_logs(cell)

    assert found[m.HANDLE_LOGGED] == 3  # who was handled in 0 ms has no logarithm
    assert found[m.HANDLE_LOG] / 1000 == pytest.approx(2 * 11.002 + 12.388, abs=0.03)
    assert found[m.HANDLE_LOG_SQUARES] / 1000 == pytest.approx(2 * 11.002**2 + 12.388**2, abs=0.7)
    assert m.handle_logs({m.OFFERED: 3}) == {}


def test_handle_time_up_by_half_is_one_alert_of_its_queue(learned: dict[bytes, bytes]) -> None:
    at = DAY + 60
    alerts = told(Detect(dict(learned), DETECT), frames(at, at + 90, 2, SLOW))
    (alert,) = firing(alerts).values()

    assert [one.state for one in alerts[:2]] == ["pending", "firing"]
    assert (alert.kind, alert.metric, alert.series, alert.state) == ("rise", "aht", {"queue": "billing"}, "firing")
    assert alert.fired_ms is not None
    assert 3 <= (alert.fired_ms - START_MS) / MINUTE_MS - at <= 60
    assert abs((alert.onset_ms - START_MS) / MINUTE_MS - at) <= 45
    assert alert.ratio == pytest.approx(1.5, abs=0.15)
    assert alert.usual == pytest.approx(6 * 60 * 1.377, rel=0.05)  # the mean of a log-normal over its median, exp(0.8² / 2)
    assert alert.value == pytest.approx((alert.usual or 0) * (alert.ratio or 0), rel=1e-3)
    assert alert.excess > 0
    assert re.match(r"Handle time of billing 1[123]:\d\d instead of 8:\d\d \(\d+ contacts\), the work of ", alert.recommendation)


def test_it_is_told_in_the_units_of_the_floor(learned: dict[bytes, bytes]) -> None:
    alerts = told(Detect(dict(learned), DETECT), frames(DAY + 60, DAY + 150, 2, SLOW))
    alert = replace(alerts[-1], usual=365.0, value=490.0, ratio=1.342, contacts=120, recommendation="Handle time of billing …")

    assert line(alert, UTC).startswith("firing   rise    billing since 2023-11-16 0")
    assert line(alert, UTC).endswith(f", {alert.severity}. Handle time of billing …")
    assert annotations(alert)["summary"] == "Rise of aht: queue billing"
    assert annotations(alert)["description"].endswith("490.0 s, usually 365.0 s, ratio 1.34 (n = 120).")
    assert labels(alert)["alertname"] == "KpiRise"


def test_two_and_a_half_times_as_many_who_give_up_are_one_alert_that_resolves(learned: dict[bytes, bytes]) -> None:
    at = DAY + 60
    detect = Detect(dict(learned), DETECT)
    alerts = told(detect, frames(at, at + 60, 3, LEAVING)) + told(detect, frames(at + 60, at + 150, 4))
    (alert,) = firing(alerts).values()

    assert (alert.kind, alert.metric, alert.series, alert.state) == ("rise", "abandonment", {"queue": "orders"}, "resolved")
    assert alert.usual == pytest.approx(0.1, abs=0.02)
    assert alert.ratio == pytest.approx(2.5, abs=0.8)
    assert "instead of 10 %" in firing([one for one in alerts if one.state == "firing"])[alert.alert_id].recommendation


def test_a_restart_in_the_middle_changes_nothing(learned: dict[bytes, bytes]) -> None:
    at = DAY + 60
    whole = told(Detect(dict(learned), DETECT), frames(at, at + 40, 2, SLOW))
    store, parts = dict(learned), list[Alert]()
    for frame in frames(at, at + 40, 2, SLOW):
        parts += told(Detect(store, DETECT), iter([frame]))

    assert parts == whole


def test_a_queue_that_is_overrun_has_one_alert_although_its_customers_give_up(learned: dict[bytes, bytes]) -> None:
    at = DAY + 60
    overrun = USUAL | {"orders": Queue(28, 0.5, 4)}
    alerts = told(Detect(dict(learned), DETECT), frames(at, at + 40, 5, overrun))

    assert {(alert.kind, alert.metric) for alert in firing(alerts).values()} == {("spike", "offered")}


def test_an_alert_of_a_mean_is_acknowledged_as_any_other(learned: dict[bytes, bytes]) -> None:
    at = DAY + 60
    detect = Detect(dict(learned), DETECT)
    (alert,) = firing(told(detect, frames(at, at + 60, 3, LEAVING))).values()
    seen = Acknowledgement(by="anna", comment="", at_ms=0, until_ms=None)
    detect.apply([Order(alert_id=alert.alert_id, acknowledgement=seen)])
    (after,) = detect.drain(0).alerts

    assert (after.alert_id, after.acknowledged, after.version) == (alert.alert_id, seen, alert.version + 1)


def test_an_alert_that_comes_back_in_the_cool_down_is_seen_by_nobody_yet(learned: dict[bytes, bytes]) -> None:
    at, gone = DAY + 60, USUAL | {"orders": Queue(7, 0.6, 4)}  # critical: it can't grow worse than what was seen
    detect = Detect(dict(learned), DETECT)
    (alert,) = firing(told(detect, frames(at, at + 30, 3, gone))).values()
    detect.apply([Order(alert_id=alert.alert_id, acknowledgement=Acknowledgement(by="anna", comment="", at_ms=0, until_ms=None))])
    states = [(one.state, one.acknowledged is None) for one in told(detect, frames(at + 30, at + 60, 4))]
    again = told(detect, frames(at + 60, at + 75, 5, USUAL | {"orders": Queue(7, 0.4, 4)}))

    assert states[-1] == ("resolved", False)
    assert {(one.alert_id, one.acknowledged) for one in again if one.state == "firing"} == {(alert.alert_id, None)}


@pytest.mark.thorough
def test_what_lasts_a_day_counts_as_usual(learned: dict[bytes, bytes]) -> None:
    at = DAY + 60
    detect = Detect(dict(learned), DETECT)
    alerts = told(detect, frames(at, at + 1_900, 2, SLOW))
    (alert,) = firing(alerts).values()

    assert alert.state == "expired"
    assert "has lasted a day and counts as usual from now on" in alert.recommendation
