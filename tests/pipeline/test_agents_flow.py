"""Agents by a worked example, through intake, agents and merge: who was where for how long, and every figure by hand."""

import json
from typing import Any

import pytest
from flow import DAY, HOUR, MONDAY, Flow, heartbeat
from intake_fakes import MINUTE, RecordFake

from streams.core.live import decode_trend
from streams.core.trend import CLOCK_KEY, Trend

NINE = MONDAY + 9 * HOUR


def state(agent: str, minutes: float, what: str, **fields: Any) -> RecordFake:
    """What an agent does so many minutes after nine o'clock."""
    envelope = {"id": f"{agent}-{minutes}", "source": "acd", "type": "agent_state", "time": NINE + round(minutes * MINUTE)}
    return RecordFake(json.dumps({**envelope, "agent_id": agent, "state": what, **fields}).encode())


STATES = [
    state("agent ann", 0, "available", queues=["billing", "sales"]),
    state("agent ann", 2, "on_contact"),
    state("agent ann", 8, "after_contact_work"),
    state("agent ann", 10, "available"),
    state("agent ann", 14, "offline"),
    state("agent bob", 5, "on_contact", queues=["billing"]),
    state("agent bob", 12, "break"),
]


@pytest.fixture(scope="module")
def flow() -> Flow:
    """The states out of order and one of them twice; then time passes, until the day is final."""
    flow = Flow()
    flow.feed([heartbeat(NINE), *STATES[::-1], STATES[2]])
    for minutes in (5, 15, 16, 40):
        flow.settle()
        flow.feed([heartbeat(NINE + minutes * MINUTE)])
    flow.settle()
    flow.feed([heartbeat(MONDAY + 2 * DAY)])
    for _ in range(3):
        flow.settle()
    return flow


def figures(trend: Trend) -> tuple[dict[str, int], list[tuple[float | None, int]]]:
    """Agents' time in minutes by state, and occupancy with and without wrap-up and staffing, each with its n."""
    minutes = {name[:-3]: n // MINUTE for name, n in trend.measures.items()}
    kpis = [trend.kpis[name] for name in ("occupancy", "occupancy_without_wrap", "agents_staffed")]
    return minutes, [(None if kpi.value is None else round(kpi.value, 4), kpi.n) for kpi in kpis]


def test_a_quarter_of_an_hour_of_two_agents(flow: Flow) -> None:
    # Ann: available 2 + 4, on contact 6, work after it 2. Bob: on contact 7, on a break 3. 24 of 30 minutes were staffed.
    busy = {"available": 6, "on_contact": 13, "after_contact": 2, "break": 3}
    assert figures(flow.finals("15m", "total")[NINE]) == (busy, [(0.7143, 21 * 60), (0.6842, 19 * 60), (1.6, 900)])
    assert figures(flow.finals("15m", "queue", "billing")[NINE])[0] == busy
    sales = ({"available": 6, "on_contact": 6, "after_contact": 2}, [(0.5714, 14 * 60), (0.5, 12 * 60), (0.9333, 900)])
    assert figures(flow.finals("15m", "queue", "sales")[NINE]) == sales


def test_a_minute_in_which_a_state_changes_holds_parts_of_both(flow: Flow) -> None:
    minute = flow.finals("1m", "queue", "sales")[NINE + 2 * MINUTE]
    assert minute.measures == {"on_contact_ms": 60_000}
    assert flow.finals("1m", "queue", "sales").keys() == {NINE + k * MINUTE for k in range(14)}


def test_nobody_is_on_a_break_for_longer_than_the_settings_allow(flow: Flow) -> None:
    # Bob went for a break at 9:12 and was never heard of again: at 21:12 he counts as gone.
    day = flow.finals("1d", "total")[MONDAY]
    assert day.measures == {
        "available_ms": 6 * MINUTE,
        "on_contact_ms": 13 * MINUTE,
        "after_contact_ms": 2 * MINUTE,
        "break_ms": 12 * HOUR,
    }


def test_who_is_there_now_is_said_by_live_windows() -> None:
    flow = Flow()
    flow.feed([heartbeat(NINE), *STATES, heartbeat(NINE + 11 * MINUTE)])
    for _ in range(3):
        flow.settle()
    live = [decode_trend(each.value or b"") for each in flow.sent[flow.topics.trends] if each.key != CLOCK_KEY]
    today = {tuple(each.series.values()): each for each in live if each.window.kind == "today"}
    names = ("agents_available", "agents_busy", "agents_on_break")
    found = {series: [each.kpis[name].value for name in names] for series, each in today.items()}
    assert found == {(): [1, 1, 0], ("billing",): [1, 1, 0], ("sales",): [1, 0, 0]}


def test_bad_and_late_states_are_put_aside_as_they_came_with_why() -> None:
    flow = Flow()
    bad = [
        state("agent ann", 0, "asleep"),
        state("agent ann", 1, "break", queues="billing"),
        RecordFake(b'{"type": "agent_state", "agent_id": "x"}'),
    ]
    flow.feed([heartbeat(NINE), *bad])
    flow.settle()
    flow.feed([heartbeat(NINE + 30 * MINUTE)])
    flow.settle()
    flow.feed([state("agent ann", 20, "available")])
    flow.settle()
    reasons = [
        [dict(each.headers or [])[name].decode() for name in ("reason", "detail", "topic")]
        for each in flow.sent[flow.topics.rejected]
    ]
    assert reasons == [
        ["bad_value", "state: expected available, on_contact, after_contact_work, break or offline", "agents"],
        ["bad_type", "queues: expected a list of texts, 100 at most", "agents"],
        ["missing_field", "id: expected a text of 1 to 200 characters", "agents"],
    ]
    (late,) = flow.sent[flow.topics.late]
    assert dict(late.headers or [])["windows"] == b"1m"


def test_nothing_that_is_kept_or_counted_holds_the_id_of_an_agent(flow: Flow) -> None:
    sent = [
        part
        for topic, outputs in flow.sent.items()
        if topic != flow.topics.late
        for each in outputs
        for part in (each.key, each.value)
    ]
    held = [part for store in flow.stores.values() for entry in store.items() for part in entry]
    assert len(sent) + len(held) > 100
    assert [part for part in (*sent, *held) if part is not None and (b"agent ann" in part or b"agent bob" in part)] == []


@pytest.mark.thorough
def test_a_restart_changes_nothing() -> None:
    found = []
    for restarts in (False, True):
        flow = Flow()
        flow.feed([heartbeat(NINE)])
        for number, each in enumerate(STATES):
            flow.feed([each, heartbeat(NINE + number * MINUTE)])
            flow.settle()
            if restarts:
                flow.restart()
        flow.feed([heartbeat(MONDAY + 2 * DAY)])
        for _ in range(3):
            flow.settle()
        found.append([(start, trend.measures) for start, trend in flow.finals("1m", "queue", "billing").items()])
        assert flow.finals("1d", "queue", "billing")[MONDAY].measures["on_contact_ms"] == 13 * MINUTE
    assert found[0] == found[1]
