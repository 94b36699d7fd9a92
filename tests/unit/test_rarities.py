"""Waits of answered contacts and sentiment: found when they are as they never were, told once, in the units of the floor."""

import re
from zoneinfo import ZoneInfo

import pytest
from detect_rules import DETECT, told
from msgspec.structs import replace
from rarity_world import MINUTE_MS, START_MS, USUAL, Queue, frames

from streams.commands.alerts import line
from streams.core import measure as m
from streams.core.acknowledgement import Acknowledgement, Order
from streams.core.alert import Alert
from streams.core.detect import Detect
from streams.core.rarity_metrics import ASA, SENTIMENT
from streams.edge.alertmanager import annotations, labels

AT = 1440 + 60
UTC = ZoneInfo("UTC")
SLOW = USUAL | {"billing": Queue(wait_seconds=120)}
ANGRY = USUAL | {"orders": Queue(score=-0.6)}


@pytest.fixture(scope="module")
def learned() -> dict[bytes, bytes]:
    """What detect knows after a day and an hour."""
    store: dict[bytes, bytes] = {}
    assert firing(told(Detect(store, DETECT), frames(0, AT, 1))) == {}
    return store


@pytest.fixture(scope="module")
def slow(learned: dict[bytes, bytes]) -> list[Alert]:
    """What is told while billing answers after two minutes for half an hour, and then as usual for three quarters."""
    detect = Detect(dict(learned), DETECT)
    return told(detect, frames(AT, AT + 30, 2, SLOW)) + told(detect, frames(AT + 30, AT + 75, 3))


def firing(alerts: list[Alert]) -> dict[str, Alert]:
    """The last version of each alert that fired."""
    return {alert.alert_id: alert for alert in alerts if alert.has_fired}


def test_a_minute_without_an_answer_or_a_score_is_no_row() -> None:
    assert ASA.row({m.OFFERED: 3, m.WAIT_MS: 5}) is None
    assert ASA.row({m.ANSWERED: 2}) == (2, 0)  # answered at once
    assert SENTIMENT.row({m.ANSWERED: 2}) is None
    assert SENTIMENT.row({m.SENTIMENTS: 2, m.SENTIMENT_MICRO: -500_000}) == (2, -500_000)


def test_long_waits_are_one_alert_of_their_queue_that_resolves(slow: list[Alert]) -> None:
    (alert,) = firing(slow).values()
    fired = next(one for one in slow if one.state == "firing")

    assert [one.state for one in slow[:2]] == ["pending", "firing"]
    assert (alert.kind, alert.metric, alert.series, alert.state) == ("rise", "asa", {"queue": "billing"}, "resolved")
    assert fired.fired_ms is not None
    assert (fired.fired_ms - START_MS) / MINUTE_MS - AT <= 10
    assert 0 <= (fired.onset_ms - START_MS) / MINUTE_MS - AT <= 5
    assert fired.usual == pytest.approx(20 * 1.377, rel=0.15)  # the mean of a log-normal over its median, exp(0.8² / 2)
    assert fired.value == pytest.approx(120 * 1.377, rel=0.4)
    assert fired.ratio == pytest.approx((fired.value or 0) / (fired.usual or 1), rel=1e-2)
    assert fired.severity == "warning"
    assert re.match(
        r"Wait of answered contacts of billing [12345]:\d\d instead of 0:\d\d \(\d+ contacts\): move ", fired.recommendation
    )


def test_it_is_told_in_the_units_of_the_floor(slow: list[Alert]) -> None:
    fired = next(one for one in slow if one.state == "firing")
    alert = replace(fired, usual=28.0, value=170.5, ratio=6.09, contacts=21, recommendation="Wait of …")

    assert line(alert, UTC).startswith("firing   rise    billing since 2023-11-16 0")
    assert line(alert, UTC).endswith(", warning. Wait of …")
    assert annotations(alert)["summary"] == "Rise of asa: queue billing"
    assert annotations(alert)["description"].endswith("170.5 s, usually 28.0 s, ratio 6.09 (n = 21).")
    assert labels(alert)["alertname"] == "KpiRise"


def test_anger_is_one_alert_of_its_queue(learned: dict[bytes, bytes]) -> None:
    alerts = told(Detect(dict(learned), DETECT), frames(AT, AT + 30, 2, ANGRY))
    (alert,) = firing(alerts).values()

    assert (alert.kind, alert.metric, alert.series, alert.state) == ("fall", "sentiment", {"queue": "orders"}, "firing")
    assert alert.usual == pytest.approx(0.1, abs=0.05)
    assert alert.value == pytest.approx(-0.6, abs=0.15)
    assert alert.ratio is None  # a score may be zero
    assert alert.recommendation.startswith("Sentiment of orders -0.")
    assert annotations(alert)["description"].endswith(f"{alert.value}, usually {alert.usual} (n = {alert.contacts}).")


def test_better_moods_and_shorter_waits_call_nobody_urgently(learned: dict[bytes, bytes]) -> None:
    glad = USUAL | {"orders": Queue(score=0.9)}
    alerts = firing(told(Detect(dict(learned), DETECT), frames(AT, AT + 30, 2, glad))).values()

    assert {(alert.kind, alert.metric, alert.severity) for alert in alerts} == {("rise", "sentiment", "info")}


def test_one_wild_minute_alerts_nobody(learned: dict[bytes, bytes]) -> None:
    detect = Detect(dict(learned), DETECT)
    wild = USUAL | {"billing": Queue(wait_seconds=600)}
    alerts = told(detect, frames(AT, AT + 1, 2, wild)) + told(detect, frames(AT + 1, AT + 20, 3))

    assert [alert for alert in firing(alerts).values() if alert.series == {"queue": "billing"}] == []


def test_a_restart_in_the_middle_changes_nothing(learned: dict[bytes, bytes]) -> None:
    whole = told(Detect(dict(learned), DETECT), frames(AT, AT + 20, 2, SLOW))
    store, parts = dict(learned), list[Alert]()
    for frame in frames(AT, AT + 20, 2, SLOW):
        parts += told(Detect(store, DETECT), iter([frame]))

    assert parts == whole
    assert len(firing(whole)) == 1


def test_a_state_of_before_they_were_watched_goes_on(learned: dict[bytes, bytes]) -> None:
    before = {key: value for key, value in learned.items() if not key.startswith(b"rarities.")}

    assert firing(told(Detect(before, DETECT), frames(AT, AT + 20, 2, SLOW))) == {}


def test_an_incident_teaches_nothing(learned: dict[bytes, bytes]) -> None:
    detect = Detect(dict(learned), DETECT)
    first = told(detect, frames(AT, AT + 240, 2, SLOW))
    told(detect, frames(AT + 240, AT + 300, 3))
    again = told(detect, frames(AT + 300, AT + 320, 4, SLOW))
    before, after = (next(one for one in some if one.state == "firing") for some in (first, again))

    assert after.usual == pytest.approx(before.usual, rel=0.05)
    assert after.fired_ms is not None
    assert (after.fired_ms - START_MS) / MINUTE_MS - AT - 300 <= 10  # found as soon as the first time


def test_a_queue_that_is_overrun_has_one_alert_although_its_customers_wait(learned: dict[bytes, bytes]) -> None:
    overrun = USUAL | {"orders": Queue(28, 120, -0.6)}
    alerts = told(Detect(dict(learned), DETECT), frames(AT, AT + 40, 5, overrun))

    assert {(alert.kind, alert.metric) for alert in firing(alerts).values()} == {("spike", "offered")}


def test_an_alert_of_waits_is_acknowledged_as_any_other(learned: dict[bytes, bytes]) -> None:
    detect = Detect(dict(learned), DETECT)
    (alert,) = firing(told(detect, frames(AT, AT + 20, 2, SLOW))).values()
    seen = Acknowledgement(by="anna", comment="", at_ms=0, until_ms=None)
    detect.apply([Order(alert_id=alert.alert_id, acknowledgement=seen)])
    (after,) = detect.drain(0).alerts

    assert (after.alert_id, after.acknowledged, after.version) == (alert.alert_id, seen, alert.version + 1)


def test_what_lasts_a_day_counts_as_usual(learned: dict[bytes, bytes]) -> None:
    alerts = told(Detect(dict(learned), DETECT), frames(AT, AT + 1_460, 2, SLOW))
    (alert,) = firing(alerts).values()

    assert alert.state == "expired"
    assert "has lasted a day and counts as usual from now on" in alert.recommendation
