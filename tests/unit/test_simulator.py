"""The simulator: a plausible contact centre, the same for the same seed, in time order, at little memory and much speed."""

import itertools
import time
from collections import Counter

import msgspec
import pytest

from streams.core.agent_state import AgentState
from streams.core.errors import StreamsError
from streams.core.wire import Wire
from streams.sources.row import CanonicalEvent, is_state, time_of
from streams.sources.simulator import simulate
from streams.sources.simulator_incidents import Incident, demo_incidents, parse_incident
from streams.sources.simulator_world import QUEUES, Profile, agents_planned, busy_at, customer, share_of_peak

HOUR_MS = 3_600_000
# Wednesday, 15 November 2023, midnight UTC.
DAY_MS = 1_700_006_400_000
PROFILE = Profile(contacts_per_minute=60)


def hours(first: float, last: float, *incidents: Incident, seed: int = 1) -> list[CanonicalEvent]:
    """The events of contacts of some hours of that Wednesday, without heartbeats and states of agents."""
    events = simulate(seed, DAY_MS + round(first * HOUR_MS), DAY_MS + round(last * HOUR_MS), PROFILE, incidents)
    return [event for event in events if event["type"] not in ("heartbeat", "agent_state")]


def incident(kind: str, hour: float, minutes: float, factor: float, queue: str | None = None) -> Incident:
    parsed = parse_incident(f"{kind}:+{round(hour * 3600)}s:{round(minutes * 60)}s:x{factor}", DAY_MS)
    return msgspec.structs.replace(parsed, queue=queue)


def offered(events: list[CanonicalEvent], first_ms: int, last_ms: int, queue: str | None = None) -> int:
    """Contacts offered in [first_ms, last_ms); by the queue that they enter."""
    kind = "offered" if queue is None else "queued"
    chosen = (e for e in events if e["type"] == kind and first_ms <= time_of(e) < last_ms)
    entered = {e["interaction_id"]: e.get("queue") for e in events if e["type"] == "queued"}
    return sum(1 for e in chosen if queue is None or entered[e["interaction_id"]] == queue)


def test_the_same_seed_gives_the_same_events_and_another_seed_others() -> None:
    assert hours(9, 9.5) == hours(9, 9.5)
    assert hours(9, 9.5) != hours(9, 9.5, seed=2)


def test_events_are_valid_in_time_order_and_their_ids_are_unique() -> None:
    events = list(simulate(1, DAY_MS + 9 * HOUR_MS, DAY_MS + 10 * HOUR_MS, PROFILE))
    assert all(msgspec.convert(event, AgentState if is_state(event) else Wire) for event in events)
    assert all(time_of(a) <= time_of(b) for a, b in itertools.pairwise(events))
    assert len({event["id"] for event in events}) == len(events)


def test_a_contact_begins_with_offered_and_ends_once() -> None:
    lives: dict[object, list[object]] = {}
    for event in hours(9, 11):
        lives.setdefault(event["interaction_id"], []).append(event["type"])
    for types in lives.values():
        assert types[:2] == ["offered", "queued"]
        assert types[2] in ("answered", "abandoned")
        assert types.count("completed") == (types[2] == "answered")


def test_the_rate_follows_the_profile() -> None:
    events = hours(9.5, 12.5)
    share = sum(share_of_peak(PROFILE, DAY_MS + round((9.5 + k / 10) * HOUR_MS)) for k in range(30)) / 30
    assert offered(events, DAY_MS, DAY_MS + 24 * HOUR_MS) == pytest.approx(180 * 60 * share, rel=0.03)


def test_the_night_is_thin_the_weekend_lower_and_the_opening_smooth() -> None:
    def share(day: int, hour: float) -> float:
        return share_of_peak(PROFILE, DAY_MS + round((24 * day + hour) * HOUR_MS))

    assert share(0, 3) == pytest.approx(0.05)
    assert share(0, 10.5) == pytest.approx(1.0)
    assert share(3, 10.5) == pytest.approx(0.45)  # Saturday
    assert share(5, 10.5) == pytest.approx(1.0)  # Monday
    shares = [share(0, minute / 60) for minute in range(1440)]
    assert max(abs(b - a) for a, b in itertools.pairwise(shares)) < 0.02


def test_a_demo_at_midnight_shows_a_busy_wednesday_morning() -> None:
    for at_ms in (DAY_MS, DAY_MS + 3 * 24 * HOUR_MS + 5 * HOUR_MS):
        assert share_of_peak(busy_at(PROFILE, at_ms), at_ms) == pytest.approx(1.0)


def test_a_spike_in_one_queue_triples_it_and_makes_people_wait_and_leave() -> None:
    calm, busy = hours(10, 12), hours(10, 12, incident("spike", 10.5, 40, 3, "billing"))
    span = (DAY_MS + round(10.5 * HOUR_MS), DAY_MS + round(10.5 * HOUR_MS) + 40 * 60_000)
    assert offered(busy, *span, "billing") == pytest.approx(3 * offered(calm, *span, "billing"), rel=0.15)
    assert offered(busy, *span, "sales") == pytest.approx(offered(calm, *span, "sales"), rel=0.25)
    left = Counter(event["type"] for event in busy)["abandoned"]
    assert left > 10 * Counter(event["type"] for event in calm)["abandoned"]


def test_an_outage_stops_arrivals_and_a_dip_thins_them() -> None:
    span = (DAY_MS + 10 * HOUR_MS, DAY_MS + 10 * HOUR_MS + 20 * 60_000)
    assert offered(hours(9.9, 10.5, incident("outage", 10, 20, 0)), *span) == 0
    thin, calm = hours(9.9, 10.5, incident("dip", 10, 20, 0.3)), hours(9.9, 10.5)
    assert offered(thin, *span) == pytest.approx(0.3 * offered(calm, *span), rel=0.2)


def test_slow_agents_make_handle_times_longer_and_arrivals_no_fewer() -> None:
    def talk(events: list[CanonicalEvent]) -> float:
        found = [event["talk_seconds"] for event in events if event["type"] == "completed"]
        return sum(float(str(seconds)) for seconds in found) / len(found)

    slow, calm = hours(10, 10.5, incident("slow", 10, 30, 2)), hours(10, 10.5)
    assert talk(slow) > 1.7 * talk(calm)
    assert offered(slow, DAY_MS, DAY_MS + 24 * HOUR_MS) == pytest.approx(offered(calm, DAY_MS, DAY_MS + 24 * HOUR_MS), rel=0.1)


def test_heartbeats_come_each_minute_and_each_second_once_it_is_live() -> None:
    live_ms = DAY_MS + 60_000
    events = simulate(1, DAY_MS, DAY_MS + 63_000, PROFILE, live_ms=live_ms)
    beats = [time_of(event) - DAY_MS for event in events if event["type"] == "heartbeat"]
    assert beats == [-1, 0, 60_000, 61_000, 62_000, 63_000, 63_000]


def test_customers_repeat_and_stay_the_same_person() -> None:
    events = [event for event in hours(9, 11) if event["type"] == "offered" and "customer_id" in event]
    times = Counter(event["customer_id"] for event in events)
    assert 0.1 < sum(n for n in times.values() if n > 1) / len(events) < 0.6
    assert len({(event["customer_id"], event["region"], event["segment"]) for event in events}) == len(times)
    assert customer(7) == customer(7)


def test_without_an_end_it_goes_on_and_remembers_only_what_is_going_on() -> None:
    events = simulate(1, DAY_MS, None, PROFILE, demo_incidents(1, DAY_MS))
    last = next(itertools.islice(events, 20_000, None))
    assert time_of(last) > DAY_MS


def test_it_is_faster_than_anybody_needs() -> None:
    began = time.process_time()
    count = sum(1 for _ in itertools.islice(simulate(1, DAY_MS + 9 * HOUR_MS, None, PROFILE), 60_000))
    assert count / (time.process_time() - began) > 30_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "spike:+5m:10m:x3:queue=billing",
            Incident(kind="spike", start_ms=DAY_MS + 300_000, minutes=10, factor=3.0, queue="billing"),
        ),
        ("outage:+1h30m:90s", Incident(kind="outage", start_ms=DAY_MS + 5_400_000, minutes=1.5, factor=0.0)),
        (
            "dip:+0s:1h:x0.5:issue=refund",
            Incident(kind="dip", start_ms=DAY_MS, minutes=60, factor=0.5, issue="refund"),
        ),
        ("slow:+2m:5m", Incident(kind="slow", start_ms=DAY_MS + 120_000, minutes=5, factor=2.0)),
    ],
)
def test_an_incident_is_read_from_the_command_line(text: str, expected: Incident) -> None:
    assert parse_incident(text, DAY_MS) == expected


@pytest.mark.parametrize(
    "text", ["", "flood:+5m:10m", "spike:5m:10m", "spike:+5m", "spike:+5:10m", "spike:+5m:10m:3", "spike:+5m:10m:queue="]
)
def test_a_wrong_incident_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(StreamsError, match=r"incident .*: .*(spike:\+5m:10m:x3:queue=billing|1h30m)"):
        parse_incident(text, DAY_MS)


def test_demo_incidents_follow_each_other_with_calm_between() -> None:
    found = list(itertools.islice(demo_incidents(3, DAY_MS), 12))
    assert found[0].start_ms == DAY_MS + 120_000
    assert {one.kind for one in found} == {"spike", "outage", "slow"}
    assert all(b.start_ms - a.end_ms >= 7 * 60_000 for a, b in itertools.pairwise(found))


def test_agents_cover_the_planned_load_with_some_to_spare() -> None:
    billing = QUEUES[0]
    assert [agents_planned(billing, rate) for rate in (0.0, 1.0, 20.0)] == [1, 7, 106]
