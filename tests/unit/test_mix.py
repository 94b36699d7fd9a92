"""Change of mix and emerging issues: one alert a move, that names what shrank; none where a volume tells of it."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest
from contribution_rules import CONTRIBUTION
from detect_rules import DETECT, told
from mix_world import DAY, MINUTE_MS, START_MS, Change, frames, last
from msgspec.structs import replace

from streams.commands.alerts import line
from streams.core.acknowledgement import Acknowledgement, Order
from streams.core.alert import Alert
from streams.core.detect import Detect
from streams.core.frame import MinuteFrame
from streams.core.held_back import HeldBackRules, MaintenanceWindow
from streams.core.local_spans import LocalTimes, parse_once
from streams.core.mix_alerting import relied_on
from streams.edge.alertmanager import annotations, labels

UTC = ZoneInfo("UTC")
RULES = replace(DETECT, mix_cuts=("channel", "issue"), contribution=CONTRIBUTION)
AT = DAY + 60
TO_CHAT = Change(AT, AT + 120, moved=("channel", "voice", "chat", 0.25))
NEW_ISSUE = Change(AT, AT + 40, more=("outage", 0.15))
REFUNDS = Change(AT, AT + 40, more=("refund", 0.6))
FLOOD = Change(AT, AT + 40, more=("refund", 4.0))


@pytest.fixture(scope="module")
def learned() -> dict[bytes, bytes]:
    """What detect knows after a day and an hour of 20 contacts a minute."""
    store: dict[bytes, bytes] = {}
    assert last(told(Detect(store, RULES), usual(0, AT, 1))) == []
    return store


def usual(first: int, end: int, seed: int, change: Change | None = None) -> Iterator[MinuteFrame]:
    return frames(first, end, seed, 20, change, steady=True)


def minute(time_ms: int | None) -> int:
    assert time_ms is not None
    return (time_ms - START_MS) // MINUTE_MS


def test_calls_that_go_to_chat_are_one_alert_that_names_both(learned: dict[bytes, bytes]) -> None:
    alerts = told(Detect(dict(learned), RULES), usual(AT, AT + 60, 2, TO_CHAT))
    (alert,) = last(alerts)

    assert [one.state for one in alerts[:2]] == ["pending", "firing"]
    assert (alert.kind, alert.metric, alert.series, alert.state) == ("mix", "share", {"channel": "chat"}, "firing")
    assert 2 <= minute(alert.fired_ms) - AT <= 30
    assert [part.series for part in alert.contribution] == [{"channel": "voice"}]
    assert alert.usual == pytest.approx(0.2, abs=0.01)
    assert alert.value == pytest.approx(0.35, abs=0.03)
    assert alert.contacts == pytest.approx(20 * (minute(alert.updated_ms) - minute(alert.onset_ms)), rel=0.1)
    assert alert.recommendation.startswith("Channel mix has changed: chat has 3")
    assert " % of contacts instead of 20 % (" in alert.recommendation
    assert "instead of 59 %: see that agents are where the contacts are" in alert.recommendation


def test_an_issue_that_nobody_ever_had_is_an_emerging_one_and_ends_when_it_is_gone(learned: dict[bytes, bytes]) -> None:
    alerts = told(Detect(dict(learned), RULES), usual(AT, AT + 120, 3, NEW_ISSUE))
    (alert,) = last(alerts)
    first = next(one for one in alerts if one.state == "firing")

    assert (alert.kind, alert.series, alert.state) == ("mix", {"issue": "outage"}, "resolved")
    assert minute(alert.fired_ms) - AT <= 15
    assert minute(alert.resolved_ms) - AT <= 40 + 30
    assert first.recommendation.startswith("Emerging issue: outage has ")
    assert first.recommendation.endswith("ask agents what happened, and say on the line what is known.")


def test_an_issue_that_brings_more_contacts_in_all_is_one_alert_whoever_tells_first(learned: dict[bytes, bytes]) -> None:
    alerts = last(told(Detect(dict(learned), RULES), usual(AT, AT + 120, 4, REFUNDS)))

    assert [(alert.kind, alert.series) for alert in alerts] == [("mix", {"issue": "refund"})]


def test_a_flood_of_one_issue_that_the_total_shows_first_has_no_second_alert(learned: dict[bytes, bytes]) -> None:
    alerts = last(told(Detect(dict(learned), RULES), usual(AT, AT + 120, 4, FLOOD)))

    assert [(alert.kind, alert.series) for alert in alerts] == [("spike", {})]


def test_twice_as_many_contacts_of_the_usual_mix_are_no_change_of_mix(learned: dict[bytes, bytes]) -> None:
    alerts = last(told(Detect(dict(learned), RULES), usual(AT, AT + 60, 5, Change(AT, AT + 60, every=2.0))))

    assert [(alert.kind, alert.series) for alert in alerts] == [("spike", {})]


def test_a_restart_in_the_middle_changes_nothing(learned: dict[bytes, bytes]) -> None:
    whole = told(Detect(dict(learned), RULES), usual(AT, AT + 40, 2, TO_CHAT))
    store, parts = dict(learned), list[Alert]()
    for frame in usual(AT, AT + 40, 2, TO_CHAT):
        parts += told(Detect(store, RULES), iter([frame]))

    assert parts == whole
    assert last(parts)


def test_it_is_acknowledged_as_any_other(learned: dict[bytes, bytes]) -> None:
    detect = Detect(dict(learned), RULES)
    (alert,) = last(told(detect, usual(AT, AT + 40, 2, TO_CHAT)))
    seen = Acknowledgement(by="anna", comment="", at_ms=0, until_ms=None)
    detect.apply([Order(alert_id=alert.alert_id, acknowledgement=seen)])
    (after,) = detect.drain(0).alerts

    assert (after.alert_id, after.acknowledged, after.version) == (alert.alert_id, seen, alert.version + 1)


def test_in_a_maintenance_window_a_mix_is_not_judged_because_whoever_is_missing_changes_it(learned: dict[bytes, bytes]) -> None:
    at_night = parse_once("2023-11-16 00:50/2023-11-16 02:30")
    assert at_night is not None
    times = LocalTimes(once=(at_night,))
    window = MaintenanceWindow(name="backup", times=times, series=("queue\x1fbilling",))
    rules = replace(RULES, held_back=HeldBackRules(maintenance=(window,)))

    assert last(told(Detect(dict(learned), rules), usual(AT, AT + 60, 2, TO_CHAT))) == []


def test_it_is_told_in_the_words_of_the_floor(learned: dict[bytes, bytes]) -> None:
    (alert,) = last(told(Detect(dict(learned), RULES), usual(AT, AT + 40, 2, TO_CHAT)))

    assert line(alert, UTC).startswith("firing   mix     chat since 2023-11-16 0")
    assert line(alert, UTC).endswith(alert.recommendation)
    assert annotations(alert)["summary"] == "Mix of contacts: channel chat"
    assert (labels(alert)["alertname"], labels(alert)["cut"], labels(alert)["channel"]) == ("MixChange", "channel", "chat")


@pytest.mark.parametrize(("seen", "expected", "ratio"), [(10, 10, 0.5915), (30, 10, 1.858), (5, 0, 1.327)])
def test_what_can_be_relied_on_is_the_quantile_of_a_gamma(seen: int, expected: float, ratio: float) -> None:
    assert relied_on(seen, expected) == pytest.approx(
        ratio, abs=0.001
    )  # tables of χ²: 15.379, 48.305 and 7.962 for 26, 66 and 16
