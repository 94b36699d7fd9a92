"""Detect: minutes in, expectations and alerts out; gaps, shards, restarts of numbers, the life of one alert."""

from itertools import pairwise

import msgspec
import numpy as np
import pytest
from detect_rules import DETECT
from forecast_rules import FORECAST
from msgspec.structs import replace

from streams.core.alert import Alert
from streams.core.detect import Detect, DetectChanges
from streams.core.frame import MinuteFrame, MinuteRow
from streams.core.level import band
from streams.core.measure import OFFERED

START_MS = 1_700_006_400_000
MINUTE_MS = 60_000
RULES = replace(DETECT, runbook="https://runbook.example/volume", forecast=FORECAST)


def frame(minute: int, counts: dict[str, int], shard: int = 0, shards: int = 1, number: int | None = None) -> MinuteFrame:
    """The frame in which a shard closes one minute."""
    start_ms = START_MS + minute * MINUTE_MS
    rows = [MinuteRow(series, start_ms, {OFFERED: n}) for series, n in counts.items()]
    count = minute if number is None else number
    return MinuteFrame(shard=shard, shards=shards, number=count, closed_ms=start_ms + MINUTE_MS, rows=rows)


def run(counts: list[int], series: str = "total") -> DetectChanges:
    """What comes of one series with these counts, minute by minute."""
    detect = Detect({}, RULES)
    for minute, n in enumerate(counts):
        detect.apply([frame(minute, {series: n} if n else {})])
    return detect.drain(7)


def poisson(rate: float, minutes: int, seed: int = 1) -> list[int]:
    return [int(n) for n in np.random.default_rng(seed).poisson(rate, minutes)]


def of_fired(alerts: list[Alert]) -> list[Alert]:
    """Without what was pending only."""
    fired = {alert.alert_id for alert in alerts if alert.state == "firing"}
    return [alert for alert in alerts if alert.alert_id in fired]


def states(alerts: list[Alert]) -> list[str]:
    """States without repeats, as in: firing, firing, resolved → firing, resolved."""
    found = ["", *(alert.state for alert in alerts)]
    return [state for before, state in pairwise(found) if state != before]


def test_a_steady_series_gets_an_expectation_for_each_minute_after_the_warm_up() -> None:
    changes = run([20] * 40)
    assert [e.start_ms for _, e in changes.expectations] == [START_MS + m * MINUTE_MS for m in range(31, 40)]
    _, last = changes.expectations[-1]
    assert (last.cut, last.series, last.actual, last.published_ms) == ("total", {}, 20, 7)
    assert last.expected == pytest.approx(20, abs=0.5)
    assert last.low < 13
    assert last.high > 28
    assert changes.alerts == []


def test_a_doubling_fires_one_spike_that_is_resolved_when_it_is_over() -> None:
    changes = run([*poisson(60, 180), *poisson(120, 20), *poisson(60, 40)])
    alerts = of_fired(changes.alerts)
    assert states(alerts) == ["pending", "firing", "resolved"]
    assert len({alert.alert_id for alert in alerts}) == 1
    assert all(a.version < b.version for a, b in pairwise(alerts))
    fired = next(alert for alert in alerts if alert.state == "firing")
    assert (fired.kind, fired.cut, fired.series, fired.runbook) == ("spike", "total", {}, RULES.runbook)
    assert abs(fired.onset_ms - (START_MS + 180 * MINUTE_MS)) <= MINUTE_MS
    assert fired.detected_ms <= START_MS + 185 * MINUTE_MS
    assert fired.ratio == pytest.approx(2, abs=0.4)
    assert "contacts more than expected on all contacts" in fired.recommendation
    assert [alert.fired_ms for alert in alerts[:2]] == [None, fired.updated_ms]
    resolved = alerts[-1]
    assert resolved.fired_ms == fired.updated_ms
    assert resolved.resolved_ms is not None
    assert resolved.resolved_ms <= START_MS + 205 * MINUTE_MS
    assert resolved.severity == "warning"


def test_contacts_that_stop_altogether_are_an_outage_within_minutes() -> None:
    alerts = run([*poisson(10, 120), *[0] * 12, *poisson(10, 20)], "queue\x1fbilling").alerts
    fired = next(alert for alert in alerts if alert.state == "firing")
    assert (fired.kind, fired.severity, fired.observed, fired.series) == ("outage", "critical", 0, {"queue": "billing"})
    assert fired.detected_ms <= START_MS + 125 * MINUTE_MS
    assert fired.recommendation == (
        "No contact arrives on billing: check routing, lines and the event feed before anything else."
    )
    assert states(alerts) == ["pending", "firing", "resolved"]


def test_contacts_that_fall_by_two_thirds_are_a_dip() -> None:
    alerts = run([*poisson(60, 120), *poisson(20, 15), *poisson(60, 20)]).alerts
    assert {alert.kind for alert in alerts} == {"dip"}
    assert states(alerts) == ["pending", "firing", "resolved"]
    assert alerts[-1].excess < 0


def test_an_incident_is_not_learned_while_it_is_young() -> None:
    changes = run([*[50] * 120, *[150] * 20])
    expected = [e.expected for _, e in changes.expectations if e.start_ms >= START_MS + 125 * MINUTE_MS]
    assert all(45 < value < 55 for value in expected)


@pytest.mark.thorough
def test_a_shift_that_stays_is_taken_in_within_hours() -> None:
    changes = run([*poisson(60, 120), *poisson(120, 400)])
    assert states(of_fired(changes.alerts)) == ["pending", "firing", "resolved"]
    assert changes.expectations[-1][1].expected == pytest.approx(120, rel=0.15)


def test_a_change_that_returns_within_the_cool_down_goes_on_with_its_alert() -> None:
    counts = [*poisson(60, 120), *poisson(150, 10), *poisson(60, 15), *poisson(150, 10), *poisson(60, 15)]
    alerts = of_fired(run(counts).alerts)
    assert states(alerts) == ["pending", "firing", "resolved", "pending", "firing", "resolved"]
    assert len({alert.alert_id for alert in alerts}) == 1
    assert len({alert.detected_ms for alert in alerts if alert.state == "firing"}) == 1
    assert all(a.version < b.version for a, b in pairwise(alerts))


def test_one_wild_minute_is_pending_at_most() -> None:
    alerts = run([*[20] * 90, 60, *[20] * 60]).alerts
    assert [(alert.state, alert.fired_ms) for alert in alerts] == [("pending", None), ("expired", None)]


def test_a_minute_is_stepped_when_all_shards_have_closed_it() -> None:
    detect = Detect({}, RULES)
    for minute in range(60):
        detect.apply([frame(minute, {"total": 20}, shard=0, shards=2)])
    assert detect.drain(0).expectations == []
    for minute in range(45):
        detect.apply([frame(minute, {"queue\x1fbilling": 5}, shard=1, shards=2)])
    last = {series: e.start_ms for series, e in detect.drain(0).expectations}
    assert last == {"total": START_MS + 44 * MINUTE_MS, "queue\x1fbilling": START_MS + 44 * MINUTE_MS}


def test_a_missing_frame_is_a_broken_assumption() -> None:
    detect = Detect({}, RULES)
    detect.apply([frame(0, {"total": 20})])
    with pytest.raises(AssertionError, match="shard 0: expected frame 1, found 2"):
        detect.apply([frame(1, {"total": 20}, number=2)])


def test_series_of_cuts_that_are_not_watched_are_left_out() -> None:
    assert run([20] * 40, "issue\x1finvoice").expectations == []


def test_after_a_year_without_minutes_levels_are_learned_anew() -> None:
    detect = Detect({}, RULES)
    for minute in range(60):
        detect.apply([frame(minute, {"total": 20})])
    year = 365 * 1440
    for minute in range(60, 100):
        detect.apply([frame(year + minute, {"total": 500}, number=minute)])
    changes = detect.drain(0)
    assert len(changes.expectations) < 500
    assert changes.expectations[-1][1].expected == pytest.approx(500, rel=0.05)
    live = [alert for alert in changes.alerts if alert.updated_ms > START_MS + year * MINUTE_MS]
    assert live == []
    assert changes.alerts[-1].state == "expired"


def test_nothing_is_handed_over_twice() -> None:
    detect = Detect({}, RULES)
    for minute in range(40):
        detect.apply([frame(minute, {"total": 20})])
    assert len(detect.drain(0).expectations) == 9
    assert detect.drain(0) == DetectChanges([], [], [], [])


@pytest.mark.parametrize("mean", [0.05, 0.5, 3.0, 30.0, 300.0])
@pytest.mark.parametrize("dispersion", [0.01, 0.2])
def test_the_band_covers_at_least_95_of_100_minutes_and_not_everything(mean: float, dispersion: float) -> None:
    rng = np.random.default_rng(1)
    counts = rng.poisson(rng.gamma(1 / dispersion, mean * dispersion, 100_000))
    low, high = band(np.array([mean]), np.array([dispersion]))
    covered = float(np.mean((counts >= low[0]) & (counts <= high[0])))
    assert 0.945 < covered < 0.9995


def ended(minute: int, at_minute: int, counts: dict[str, int] | None = None) -> MinuteFrame:
    """A frame that closes everything before the end of `minute`, of a feed that ended with `at_minute`."""
    return msgspec.structs.replace(frame(minute, counts or {}, number=at_minute), ended_ms=START_MS + at_minute * MINUTE_MS)


def test_silence_after_the_end_of_a_feed_is_no_outage() -> None:
    detect = Detect({}, RULES)
    for minute in range(90):
        detect.apply([frame(minute, {"total": 20})])
    detect.apply([ended(3000, 90)])
    changes = detect.drain(0)
    assert changes.alerts == []
    assert changes.expectations[-1][1].end_ms == START_MS + 90 * MINUTE_MS


def test_an_incident_at_the_end_of_a_feed_expires_and_the_next_contact_is_learned_anew() -> None:
    store: dict[bytes, bytes] = {}
    detect = Detect(store, RULES)
    counts = [*[20] * 90, *[80] * 10]
    for minute, n in enumerate(counts):
        detect.apply([frame(minute, {"total": n})])
    detect.apply([ended(200, 100)])
    alerts = detect.drain(0).alerts
    assert states(alerts) == ["pending", "firing", "expired"]
    assert alerts[-1].resolved_ms == START_MS + 100 * MINUTE_MS
    detect = Detect(store, RULES)
    for minute in range(300, 340):
        detect.apply([frame(minute, {"total": 500}, number=minute - 199)])
    changes = detect.drain(0)
    assert changes.alerts == []
    assert changes.expectations[-1][1].expected == pytest.approx(500, rel=0.05)
