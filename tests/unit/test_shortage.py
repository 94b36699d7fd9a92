"""Shortages foreseen: when, how many, once per episode; unknown staff; early mornings; restarts; what is said."""

from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from shortage_world import (
    BILLING,
    DAY,
    MINUTE_MS,
    MONDAY_MS,
    NOW,
    RULES,
    SHORTAGE,
    Store,
    at,
    fewer,
    frame,
    friday,
    go_on,
    learned,
    staff_at,
    states,
)

from streams import rules, settings
from streams.commands.alerts import line, past
from streams.core import measure as m
from streams.core.acknowledgement import Acknowledgement, Order
from streams.core.detect import Detect
from streams.core.roster import Roster
from streams.edge.alertmanager import annotations, labels


@pytest.fixture(scope="module")
def usual() -> Store:
    """Four days and a Friday's morning."""
    return learned(NOW)


def test_the_usual_staff_is_enough_at_the_peak_before_opening_and_when_all_go_home() -> None:
    assert go_on(learned(at(4, "07:00")), staff_at, at(4, "07:00"), at(4, "21:00")) == []


def test_ten_ill_people_are_missed_at_the_peak_from_two_hours_before_it(usual: Store) -> None:
    """120 contacts of 5 minutes in 15 are 40 Erlangs: 46 agents for 80 % in 20 s; 40 take 104.0 of them."""
    alert = friday(usual, fewer(10, "11:30"), "12:46")[0]
    assert (alert.kind, alert.state, alert.severity, alert.series) == ("shortage", "firing", "warning", {"queue": "billing"})
    assert (alert.onset_ms, alert.fired_ms) == (MONDAY_MS + at(4, "12:30") * MINUTE_MS, MONDAY_MS + at(4, "12:45") * MINUTE_MS)
    seen = alert.foreseen
    assert seen is not None
    assert (seen.start_ms, seen.end_ms) == tuple(MONDAY_MS + at(4, clock) * MINUTE_MS for clock in ("14:00", "14:45"))
    assert (seen.people, seen.people_needed) == (40.0, 46.0)
    assert seen.chance > 0.8
    assert alert.value == pytest.approx(120, abs=2)
    assert alert.limit == pytest.approx(103.97, abs=0.1)
    assert alert.excess == pytest.approx(3 * (120 - 103.97), abs=3)
    assert alert.recommendation == (
        "At 14:00 billing will exceed its staff, until 14:45: 120 contacts in 15 min expected at 14:15, 16 more than the 40.0 "
        f"people at work take with 80 % in 20 s ({100 * seen.chance:.0f} % sure); 46.0 are needed, 6 missing. Move or call in 6, "
        "or offer call-backs: `streams recommend` says who can help."
    )


def test_one_alert_lasts_until_the_peak_is_over_and_there_is_no_other(usual: Store) -> None:
    alerts = friday(usual, fewer(10, "11:30"), "20:00")
    assert states(alerts) == [("firing", at(4, "12:45")), ("resolved", at(4, "15:15"))]
    assert len({alert.alert_id for alert in alerts}) == 1
    assert [alert.version for alert in alerts] == list(range(1, len(alerts) + 1))


def test_who_is_called_in_ends_it_and_who_leaves_again_within_the_cool_down_opens_the_same(usual: Store) -> None:
    alerts = friday(usual, lambda minute: fewer(10, "11:30", "13:00")(minute) - 10 * (at(4, "13:45") <= minute), "14:16")
    assert [state for state, _ in states(alerts)] == ["firing", "resolved", "firing"]
    assert len({alert.alert_id for alert in alerts}) == 1


def test_a_quarter_of_an_hour_is_not_worth_an_alert(usual: Store) -> None:
    """At 12:15 the peak's first slot is in sight; who is missing then is back when the second one is."""
    assert friday(usual, fewer(10, "11:45", "12:15"), "15:00") == []


def test_one_forecast_is_not_enough(usual: Store) -> None:
    assert friday(usual, fewer(10, "12:15", "12:30"), "15:00") == []


def test_a_few_contacts_beyond_capacity_are_not_worth_an_alert(usual: Store) -> None:
    rules = replace(RULES, shortage=replace(SHORTAGE, contacts_min=100))
    assert friday(usual, fewer(10, "11:30"), "15:00", rules) == []


def test_agents_that_are_not_heard_of_any_more_are_unknown_not_missing(usual: Store) -> None:
    assert friday(usual, fewer(50, "11:30"), "15:00") == []


def test_of_agents_who_have_only_just_come_nobody_knows_how_long_they_stay(usual: Store) -> None:
    store = {key: value for key, value in usual.items() if not key.startswith(b"_roster")}
    assert go_on(store, fewer(10, "11:30"), NOW, at(4, "15:00")) == []


def test_who_is_there_changes_who_is_expected_by_as_many_in_proportion_where_fewer_are_usual() -> None:
    """8 in place of 10 are 18 in place of 20 in the next slot, and 4 in place of 5 in the one after it."""
    roster = Roster({}, 15, "UTC")
    usual = [10, 20, 5, 5]
    for minute in range(46):
        roster.take(MONDAY_MS + minute * MINUTE_MS, {BILLING: {m.AVAILABLE_MS: usual[minute // 15] * MINUTE_MS}}, {})
    for minute in range(DAY, DAY + 16):
        roster.take(MONDAY_MS + minute * MINUTE_MS, {BILLING: {m.AVAILABLE_MS: 8 * MINUTE_MS}}, {})
    next_ms = MONDAY_MS + (DAY + 15) * MINUTE_MS
    found = [roster.people(BILLING, next_ms + slot * 15 * MINUTE_MS) for slot in range(3)]
    assert found == [18.0, 4.0, None]


@pytest.mark.parametrize(("voice", "chat", "at_once"), [(10, 0, 1.0), (0, 10, 2.0), (5, 10, 1.5)])
def test_how_many_contacts_an_agent_has_at_once_follows_from_the_channels(voice: int, chat: int, at_once: float) -> None:
    roster = Roster({}, 15, "UTC")
    roster.take(MONDAY_MS, {}, {"channel+queue\x1fvoice\x1fbilling": voice, "channel+queue\x1fchat\x1fbilling": chat})
    assert roster.at_once(BILLING, {"chat": 2.0}) == at_once


@pytest.mark.thorough
def test_a_restart_in_the_middle_changes_nothing(usual: Store) -> None:
    staff = fewer(10, "11:30")
    whole = friday(usual, staff, "15:31")
    store, parts, borders = usual.copy(), [], [at(4, clock) for clock in ("11:00", "12:25", "12:40", "13:37", "15:05", "15:31")]
    for begin, end in pairwise(borders):
        parts += go_on(store, staff, begin, end)
    assert parts == whole


def test_an_acknowledgement_stays_on_it(usual: Store) -> None:
    store, staff = usual.copy(), fewer(10, "11:30")
    first = go_on(store, staff, NOW, at(4, "12:46"))[0]
    anna = Acknowledgement(by="anna", comment="calling in", at_ms=first.updated_ms, until_ms=None)
    detect = Detect(store, RULES)
    detect.apply([Order(alert_id=first.alert_id, acknowledgement=anna)])
    for minute in range(at(4, "12:46"), at(4, "13:01")):
        detect.apply([frame(minute, staff)])
    found = [alert for alert in detect.drain(0).alerts if alert.kind == "shortage"]
    assert [alert.acknowledged for alert in found] == [anna] * 2


def test_settings_without_shortages_end_what_fires(usual: Store) -> None:
    store = usual.copy()
    first = go_on(store, fewer(10, "11:30"), NOW, at(4, "12:46"))[0]
    (last,) = Detect(store, replace(RULES, shortage=None)).drain(0).alerts
    assert (last.alert_id, last.state, last.version) == (first.alert_id, "expired", 2)


def test_alerts_of_shortages_say_when_and_what_to_do(usual: Store) -> None:
    first, *_, last = friday(usual, fewer(10, "11:30"), "15:16")
    zone = ZoneInfo("UTC")
    assert line(first, zone).startswith(
        "firing   shortage billing foreseen since 2024-03-08 12:30, warning. At 14:00 billing will exceed its staff, until 14:45:"
    )
    assert past(last, zone).startswith("2024-03-08 12:30   165 min  resolved shortage  billing: ")
    assert labels(first)["alertname"] == "StaffShortage"
    told = annotations(first)
    assert told["summary"] == "Shortage of staff: queue billing"
    assert told["description"].startswith("From 2024-03-08T14:00:00.000Z to 2024-03-08T14:45:00.000Z 4")
    assert told["description"].endswith("at the worst 40.0 people are at work and 46.0 needed.")


@pytest.mark.parametrize(
    "layer",
    [
        "[shortage]\nhorizon_minutes = 0",
        '[forecast]\ncuts = ["total"]',
        '[detect]\ncontribution_cuts = ["channel", "queue"]',
    ],
)
def test_settings_under_which_nothing_can_be_said(tmp_path: Path, layer: str) -> None:
    (tmp_path / "own.toml").write_text(layer)
    assert rules.shortage_rules(settings.load([tmp_path / "own.toml"], {})) is None
