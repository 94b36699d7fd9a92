"""The laws of agents: order, repetition, batches, pulses and restarts change nothing of what agents' time adds up to.

The oracle shares no code with it: it walks through time second by second and asks what each agent is doing.
"""

import json
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st
from intake_fakes import HOUR, MINUTE, SECOND, RecordFake, make_rules

from streams.core.agents import AgentRules, Agents
from streams.core.contact import PULSE_KEY, Pulse, encode_contact
from streams.core.frame import Frame
from streams.core.measure import NAMES

START = 1_760_000_400_000  # a full ten minutes
STATES = ("available", "on_contact", "after_contact_work", "break", "offline")
MEASURES = ("available_ms", "on_contact_ms", "after_contact_ms", "break_ms")
RULES = AgentRules(counting=make_rules(cuts=("total", "queue", "channel")), sources=1, state_max_ms=2 * HOUR)
END = START + 4 * HOUR


class Told(NamedTuple):
    """From `second` after START on, an agent is in a state; queues None: those known before."""

    agent: str
    second: int
    state: str
    queues: tuple[str, ...] | None


@st.composite
def told(draw: st.DrawFn) -> list[Told]:
    """States of two agents within an hour, no two of one agent at the same time."""
    seconds = draw(st.lists(st.integers(0, 3_000), max_size=12, unique=True))
    queues = st.sampled_from((None, (), ("billing",), ("billing", "sales")))
    return [Told(draw(st.sampled_from("ab")), second, draw(st.sampled_from(STATES)), draw(queues)) for second in seconds]


def walk(found: list[Told], agent: str) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Every second from START to END: what the agent does, for which queues."""
    by_second = {each.second: each for each in found if each.agent == agent}
    state, over = "offline", 0
    queues: tuple[str, ...] = ()
    for second in range((END - START) // SECOND):
        if each := by_second.get(second):
            state, queues = each.state, queues if each.queues is None else each.queues
            over = -(-(START + second * SECOND + 2 * HOUR) // MINUTE) * 60 - START // SECOND  # rounded up to a minute
        yield second, state if second < over else "offline", queues


def oracle(found: list[Told]) -> dict[tuple[int, str], Counter[str]]:
    """(pane, series) → milliseconds by measure, from START to END."""
    total: dict[tuple[int, str], Counter[str]] = {}
    for second, state, queues in (each for agent in "ab" for each in walk(found, agent)):
        for series in () if state == "offline" else ("total", *(f"queue\x1f{queue}" for queue in queues)):
            row = total.setdefault((START + second // 10 * 10 * SECOND, series), Counter())
            row[MEASURES[STATES.index(state)]] += SECOND
    return total


def record(each: Told) -> RecordFake:
    fields = {
        "id": f"{each.agent}-{each.second}",
        "source": "acd",
        "type": "agent_state",
        "time": START + each.second * SECOND,
        "agent_id": each.agent,
        "state": each.state,
    }
    return RecordFake(json.dumps({**fields, **({} if each.queues is None else {"queues": each.queues})}).encode())


def pulse(watermark_ms: int) -> RecordFake:
    said = Pulse(source=0, watermark_ms=watermark_ms, idle=False, ended_ms=None, sent_ms=watermark_ms)
    return RecordFake(encode_contact(said), key_=PULSE_KEY)


def spent(frames: list[Frame]) -> dict[tuple[int, str], Counter[str]]:
    """What frames add up to, whatever windows were closed."""
    total: dict[tuple[int, str], Counter[str]] = {}
    for frame in frames:
        for change in frame.changes:
            row = total.setdefault((change.pane_ms, change.series), Counter())
            row.update({NAMES[code]: n for code, n in change.cell.items()})
    return {key: counts for key, row in total.items() if (counts := Counter({name: n for name, n in row.items() if n}))}


@settings(max_examples=60, deadline=None)
@given(told(), st.data())
def test_agents_time_is_that_of_the_oracle_whatever_the_order_repetition_and_pulses(
    found: list[Told], data: st.DataObject
) -> None:
    store: dict[bytes, bytes] = {}
    agents = Agents(0, store, RULES)
    frames: list[Frame] = []
    sent = data.draw(st.permutations([*found, *found[: len(found) // 2]]))
    watermark = START
    for each in sent:
        agents.apply([record(each)], END)
        step = data.draw(st.sampled_from((0, 0, 1, 7_000, 61_000, 300_000)))
        watermark = min(watermark + step, START + HOUR)  # an hour: nothing is older than what is remembered
        agents.apply([pulse(watermark)], END)
        if data.draw(st.booleans()):
            frames += agents.drain(END, 0).frames
            if data.draw(st.booleans()):
                agents = Agents(0, store, RULES)
    agents.apply([pulse(END)], END)
    frames += agents.drain(END, 0).frames
    assert spent(frames) == oracle(found)


@settings(max_examples=60, deadline=None)
@given(told(), st.data())
def test_numbers_of_agents_at_work_now_are_those_who_do_it(found: list[Told], data: st.DataObject) -> None:
    now = START + data.draw(st.integers(0, 400)) * 10 * SECOND
    agents = Agents(0, {}, RULES)
    agents.apply([pulse(START), *(record(each) for each in found), pulse(now)], END)
    levels = {level.series: level.agents for frame in agents.drain(END, 0).frames for level in frame.waiting or ()}
    expected: dict[str, list[int]] = {}
    for second, state, queues in (each for agent in "ab" for each in walk(found, agent)):
        if START + (second + 1) * SECOND == now and state != "offline":
            for series in ("total", *(f"queue\x1f{queue}" for queue in queues)):
                expected.setdefault(series, [0, 0, 0, 0])[STATES.index(state)] += 1
    assert levels == {series: tuple(numbers) for series, numbers in expected.items()}
