"""Thresholds: minutes in, alerts out; N of M, hysteresis, minimum n, restarts, and what settings refuse."""

from itertools import pairwise
from pathlib import Path

import pytest
from msgspec.structs import replace
from threshold_rules import NEVER_HELD_BACK, NO_THRESHOLDS

from streams import settings
from streams.core import measure as m
from streams.core.alert import Alert
from streams.core.measure import Cell
from streams.core.threshold import ThresholdRule, ThresholdRules, Thresholds

MINUTE_MS = 60_000
RULE = ThresholdRule(
    name="slow",
    kpi="asa",
    cut="queue",
    values=("billing",),
    side="above",
    limit=60.0,
    clear=40.0,
    minutes=3,
    of_minutes=5,
    contacts_min=10,
    severity="warning",
    runbook="https://runbook.example/slow",
)
BILLING = "queue\x1fbilling"


def rules(*given: ThresholdRule) -> ThresholdRules:
    return replace(NO_THRESHOLDS, rules=given)


def waited(seconds: int, contacts: int = 4) -> Cell:
    """The cell of a minute in which so many contacts were answered after so long."""
    return {m.ANSWERED: contacts, m.WAIT_MS: contacts * seconds * 1000}


def run(waits: list[int | None], rule: ThresholdRule = RULE, contacts: int = 4) -> list[Alert]:
    """Alerts told of minutes with these waits in seconds; None: nobody was answered."""
    thresholds = Thresholds({}, rules(rule), NEVER_HELD_BACK)
    for number, seconds in enumerate(waits):
        thresholds.take(number * MINUTE_MS, {} if seconds is None else {BILLING: waited(seconds, contacts)})
    return thresholds.told


def states(alerts: list[Alert]) -> list[tuple[str, int]]:
    """State and minute of each change of state."""
    found = ["", *(alert.state for alert in alerts)]
    changes = zip(alerts, pairwise(found), strict=True)
    return [(alert.state, alert.updated_ms // MINUTE_MS) for alert, (before, now) in changes if before != now]


def test_three_of_five_minutes_over_the_limit_fire_and_three_under_the_clear_one_resolve() -> None:
    alerts = run([20, 90, 30, 90, 90, 50, 50, 50, 20, 20, 20])
    assert states(alerts) == [("firing", 5), ("resolved", 11)]
    first, last = alerts[0], alerts[-1]
    assert (first.kind, first.metric, first.rule, first.severity) == ("threshold", "asa", "slow", "warning")
    assert (first.value, first.limit, first.observed, first.onset_ms) == (90.0, 60.0, 20, MINUTE_MS)
    assert first.recommendation == "asa of billing: 90 s, above 60 s in 3 of the last 5 minutes."
    assert (last.alert_id, last.resolved_ms, last.runbook) == (first.alert_id, 11 * MINUTE_MS, "https://runbook.example/slow")
    assert all(a.version < b.version for a, b in pairwise(alerts))


def test_a_value_that_swings_about_the_limit_is_one_alert() -> None:
    assert states(run([90, 90, 90, 50, 90, 50, 90, 50, 90, 50, 50, 50, 90])) == [("firing", 3)]


def test_minutes_that_were_back_before_it_fired_do_not_end_it() -> None:
    rule = replace(RULE, minutes=2, of_minutes=10)
    assert states(run([20, 20, 20, 90, 90, 50, 50, 20, 50, 20], rule)) == [("firing", 5), ("resolved", 10)]


def test_two_of_five_minutes_are_not_enough() -> None:
    assert run([90, 20, 20, 90, 20, 20, 20, 90, 20]) == []


def test_few_contacts_are_not_judged() -> None:
    assert run([90, 90, 90, 90, 90], contacts=1) == []
    assert states(run([90, 90, 90, 90, 90], replace(RULE, contacts_min=5), contacts=1)) == [("firing", 5)]


def test_a_minute_without_a_value_is_neither_out_nor_back() -> None:
    assert states(run([90, None, 90, None, 90])) == [("firing", 5)]


def test_a_series_that_falls_silent_is_no_longer_followed() -> None:
    assert states(run([90, 90, 90, None, None, None, None, None])) == [("firing", 3), ("expired", 8)]


def test_below_is_the_other_way_round() -> None:
    rule = replace(RULE, kpi="service_level", side="below", limit=0.6, clear=0.7)
    thresholds = Thresholds({}, rules(rule), NEVER_HELD_BACK)
    for number, in_target in enumerate([1, 1, 1, 9, 9, 9]):
        cell = {m.ANSWERED: 10, m.ANSWERED_IN_TARGET: in_target, m.QUEUED: 10}
        thresholds.take(number * MINUTE_MS, {BILLING: cell})
    assert states(thresholds.told) == [("firing", 3), ("resolved", 6)]


def test_a_rule_without_values_is_for_every_series_of_its_cut() -> None:
    thresholds = Thresholds({}, rules(replace(RULE, values=())), NEVER_HELD_BACK)
    cells = {BILLING: waited(90), "queue\x1fsales": waited(95), "channel\x1fvoice": waited(90)}
    for number in range(3):
        thresholds.take(number * MINUTE_MS, cells)
    assert [alert.series for alert in thresholds.told] == [{"queue": "billing"}, {"queue": "sales"}]


def test_a_restart_in_the_middle_goes_on_with_the_same_alert() -> None:
    store: dict[bytes, bytes] = {}
    found: list[Alert] = []
    for number, seconds in enumerate([90, 90, 90, 90, 20, 20, 20]):
        thresholds = Thresholds(store, rules(RULE), NEVER_HELD_BACK)
        thresholds.take(number * MINUTE_MS, {BILLING: waited(seconds)})
        thresholds.drain()
        found += thresholds.told
    assert found == run([90, 90, 90, 90, 20, 20, 20])


def test_a_rule_that_is_taken_away_ends_its_alerts() -> None:
    store: dict[bytes, bytes] = {}
    thresholds = Thresholds(store, rules(RULE), NEVER_HELD_BACK)
    for number in range(3):
        thresholds.take(number * MINUTE_MS, {BILLING: waited(90)})
    thresholds.drain()
    without = Thresholds(store, rules(), NEVER_HELD_BACK)
    without.drain()
    assert [alert.state for alert in without.told] == ["expired"]
    assert store == {}


FILE = """
[thresholds.slow]
kpi = "asa"
cut = "queue"
values = []
side = "above"
limit = 60.0
clear = 40.0
minutes = 3
of_minutes = 5
contacts_min = 10
severity = "warning"
runbook = ""
"""


@pytest.mark.parametrize(
    ("line", "wrong", "complaint"),
    [
        ('kpi = "asa"', 'kpi = "aza"', "[thresholds.slow] kpi ({file}): 'aza' is not a KPI; did you mean asa?"),
        ('kpi = "asa"', 'kpi = "contacts_in_queue"', "'contacts_in_queue' can't be told of a minute"),
        ('kpi = "asa"', 'kpi = "occupancy"', "'occupancy' can't be told of a minute"),
        ('cut = "queue"', 'cut = "product+region"', "'product+region' is judged but not counted: add it to [intake] cuts"),
        ("values = []", 'values = ["a", "b"]', "found 2, expected 1, one each for queue, or []"),
        ("minutes = 3", "minutes = 6", "6 of 5 is never reached"),
        ("clear = 40.0", "clear = 70.0", "found 70, expected at or below the limit 60"),
        ('cut = "queue"', 'cut = "queue"\nquue = 1', "{file}: key [thresholds.slow] quue is not known"),
        ('side = "above"', 'side = "over"', """{file}: [thresholds.slow] side is 'over', expected one of "above", "below\""""),
        ("limit = 60.0", "", "[thresholds.slow] limit has no value"),
    ],
)
def test_what_is_wrong_with_a_threshold_is_said_with_file_and_key(line: str, wrong: str, complaint: str, tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text(FILE.replace(line, wrong, 1))
    with pytest.raises(settings.SettingsError) as error:
        settings.load([file], {})
    assert complaint.format(file=file) in str(error.value)
