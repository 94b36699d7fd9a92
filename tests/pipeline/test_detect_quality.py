"""How good detection is, measured: false alarms on calm days, and what share of incidents is found how soon.

Forty independent queues with a daily profile (opening within 60 to 120 minutes from 5 to 100 %, lunch dent, evening decline) and
negative binomial counts (variance μ + 0.02 μ²) stand for forty seeds. The budget is that of a fleet of ten series with one false
alarm a day, 0.1 per series and day. What is asserted leaves room below what was measured, which stands beside it.
"""

from math import cos, pi

import numpy as np
import pytest
from detect_rules import DETECT
from msgspec.structs import replace

from streams.core.alert import Alert
from streams.core.budget import VOLUME_SHARE
from streams.core.detect import Detect
from streams.core.frame import MinuteFrame, MinuteRow
from streams.core.measure import OFFERED
from streams.sources.row import time_of
from streams.sources.simulator import simulate
from streams.sources.simulator_incidents import Incident, IncidentKind
from streams.sources.simulator_world import Profile

START_MS = 1_700_006_400_000
MINUTE_MS = 60_000
DAY = 1440
SEEDS = 40
RULES = replace(DETECT, false_alarms_per_day=0.1 * SEEDS / VOLUME_SHARE)  # only volumes are seen here


def smooth(x: float) -> float:
    return (1 - cos(pi * min(1.0, max(0.0, x)))) / 2


def profile(peak: float, minutes: int, opening: int) -> list[float]:
    """Contacts per minute through the days: opens at 8, falls from 17 to 20."""
    day = []
    for minute in range(DAY):
        up, down = smooth((minute - 480) / opening), smooth((minute - 1020) / 180)
        lunch = 1 - 0.15 * smooth(1 - abs(minute - 780) / 60)
        day.append(peak * (0.05 + 0.95 * up * (1 - down)) * lunch)
    return [day[minute % DAY] for minute in range(minutes)]


def fired(groups: list[list[float]], seed: int, from_minute: int = 0) -> list[Alert]:
    """The first firing record of each alert; SEEDS independent queues, in turn of one and the other group's rates."""
    rng = np.random.default_rng(seed)
    detect = Detect({}, RULES)
    found: dict[str, Alert] = {}
    rates = np.array([groups[k % len(groups)] for k in range(SEEDS)])
    for minute in range(from_minute, rates.shape[1]):
        counts = rng.poisson(rates[:, minute] * rng.gamma(50, 1 / 50, SEEDS))
        start_ms = START_MS + minute * MINUTE_MS
        rows = [MinuteRow(f"queue\x1f{k}", start_ms, {OFFERED: int(n)}) for k, n in enumerate(counts) if n]
        frame = MinuteFrame(shard=0, shards=1, number=minute - from_minute, closed_ms=start_ms + MINUTE_MS, rows=rows)
        detect.apply([frame])
        for alert in detect.drain(0).alerts:
            if alert.state == "firing":
                found.setdefault(alert.alert_id, alert)
    return list(found.values())


def with_incident(peak: float, factor: float, at: int) -> list[float]:
    """Rates until the end of half an hour's incident."""
    rates = profile(peak, at + 30, 90)
    return rates[:at] + [rate * factor for rate in rates[at:]]


def found_within(groups: list[list[float]], at: int, from_minute: int) -> list[tuple[float, float]]:
    """For each group, the share of queues that alert after `at`, and their median delay in minutes."""
    found: list[list[float]] = [[] for _ in groups]
    for alert in fired(groups, 1, from_minute):
        delay = (alert.detected_ms - START_MS) / MINUTE_MS - at
        if delay > 0:
            found[int(alert.series["queue"]) % len(groups)].append(delay)
    each = SEEDS / len(groups)
    return [(len(delays) / each, float(np.median(delays)) if delays else 99.0) for delays in found]


# With seed 11 (60 queues and two days each): 0.008, 0.058, 0.058, 0.025 false alarms per series and day for the first three and
# (30, 120); 0.3 for 300 contacts a minute that open within 60 minutes, on the first day, which is past the budget; 0 on the next.
@pytest.mark.thorough
def test_calm_days_are_quiet() -> None:
    days = 1.4  # the second opening and what follows it
    alerts = fired([profile(peak, round(days * DAY), 60) for peak in (3, 30, 60)], 1)
    print(f"{len(alerts) / SEEDS / days:.3f} false alarms per series and day")  # noqa: T201 -- the figure
    assert len(alerts) / SEEDS / days <= 0.1


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("peak", "factor", "share", "minutes"),
    [
        (3, 0.0, 0.9, 8),  # measured: 100 % in 6 minutes
        (30, 0.0, 0.95, 3),  # 100 % in 2
        (10, 3.0, 0.9, 5),  # 98 % in 3
        (30, 2.0, 0.75, 5),  # 87 % in 3; without over-dispersion 98 %
        (60, 2.0, 0.85, 4),  # 95 % in 3; without over-dispersion 100 % in 2
        (60, 0.5, 0.75, 6),  # 86 % in 4; without over-dispersion 100 %
    ],
)
def test_incidents_after_an_hour_of_a_first_day_are_found(peak: float, factor: float, share: float, minutes: float) -> None:
    ((found, delay),) = found_within([with_incident(peak, factor, 660)], 660, 600)
    print(f"peak {peak} ×{factor}: {found:.0%} found, median {delay:.1f} minutes")  # noqa: T201 -- the figure
    assert found >= share
    assert delay <= minutes


@pytest.mark.thorough
def test_smaller_incidents_are_found_on_the_second_day() -> None:
    at = DAY + 660
    cases = [(3, 3.0), (10, 2.0), (30, 2.0), (30, 0.5)]
    found = found_within([with_incident(peak, factor, at) for peak, factor in cases], at, 0)
    print(found)  # noqa: T201 -- the figures
    assert [share >= least for (share, _), least in zip(found, (0.5, 0.4, 0.9, 0.6), strict=True)] == [True] * 4
    assert all(delay <= 8 for _, delay in found)


def simulated(incidents: list[Incident], first_hour: int, last_hour: int, rate: float = 60, seed: int = 1) -> list[Alert]:
    """Alerts, last record of each, of the simulated contact centre; what never fired is left out."""
    hour_ms = 60 * MINUTE_MS
    counts: dict[int, dict[str, int]] = {}
    queues: dict[object, object] = {}
    begin_ms, end_ms = START_MS + first_hour * hour_ms, START_MS + last_hour * hour_ms
    events = list(simulate(seed, begin_ms, end_ms, Profile(contacts_per_minute=rate), incidents))
    for event in events:
        if event["type"] == "queued" and "queue" in event:
            queues[event["interaction_id"]] = event["queue"]
    for event in (event for event in events if event["type"] == "offered"):
        minute = counts.setdefault(time_of(event) // MINUTE_MS * MINUTE_MS, {})
        for series in ("total", f"channel\x1f{event['channel']}", f"queue\x1f{queues[event['interaction_id']]}"):
            minute[series] = minute.get(series, 0) + 1
    detect = Detect({}, RULES)
    last: dict[str, Alert] = {}
    firing: set[str] = set()
    for number, start_ms in enumerate(range(begin_ms, end_ms, MINUTE_MS)):
        rows = [MinuteRow(series, start_ms, {OFFERED: n}) for series, n in counts.get(start_ms, {}).items()]
        detect.apply([MinuteFrame(shard=0, shards=1, number=number, closed_ms=start_ms + MINUTE_MS, rows=rows)])
        for alert in detect.drain(0).alerts:
            last[alert.alert_id] = alert
            firing |= {alert.alert_id} if alert.state == "firing" else set()
    return [alert for name, alert in last.items() if name in firing]


def told(alerts: list[Alert]) -> list[tuple[str, dict[str, str], str]]:
    return [(alert.kind, alert.series, alert.state) for alert in alerts]


def incident(kind: IncidentKind, minutes: float, factor: float, queue: str | None = None) -> Incident:
    start_ms = START_MS + 11 * 60 * MINUTE_MS
    return Incident(
        kind="outage" if kind == "outage" else "spike", start_ms=start_ms, minutes=minutes, factor=factor, queue=queue
    )


@pytest.mark.thorough
def test_a_calm_simulated_day_has_no_alert() -> None:
    assert told(simulated([], 0, 24)) == []


def test_a_doubled_arrival_rate_in_the_simulator_is_one_spike_of_the_total() -> None:
    assert told(simulated([incident("spike", 30, 2)], 8, 13)) == [("spike", {}, "resolved")]


@pytest.mark.thorough
def test_at_the_default_rate_a_doubling_is_one_spike_of_the_total_for_nearly_all_seeds() -> None:
    # Measured: 59 of 60 first mornings with one hour before the doubling, 100 % found, 93 % in 4 minutes, median 3.
    found = [told(simulated([incident("spike", 15, 2)], 10, 12, rate=30, seed=seed)) for seed in range(300, 308)]
    assert found.count([("spike", {}, "resolved")]) >= 7


@pytest.mark.thorough
def test_an_incident_in_one_queue_is_one_alert_of_that_queue() -> None:
    assert told(simulated([incident("spike", 30, 3, "billing")], 8, 13)) == [("spike", {"queue": "billing"}, "resolved")]


@pytest.mark.thorough
def test_an_outage_of_everything_is_one_outage_of_the_total() -> None:
    assert told(simulated([incident("outage", 15, 0)], 8, 13)) == [("outage", {}, "resolved")]
