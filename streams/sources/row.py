"""What every file source gives for one row: canonical events, or a rejection, and the names of the rules that it needed.

A canonical event here is the JSON of domain.md before it is encoded: `time` in epoch milliseconds, durations in `*_seconds`.
The surprise: a row without events is no error. A source may have a rule to ignore it, and the rule is counted.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from streams.core.agent_state import AGENT_STATE, State
from streams.core.event import Reason, Rejection

CanonicalEvent: TypeAlias = dict[str, str | int | float | bool | list[str]]


class Refused(NamedTuple):
    """A part of a payload that can't be read, as a payload of its own, and why: the other parts are taken."""

    body: bytes
    why: Rejection


class Row(NamedTuple):
    """The events of one row in the order of a contact's life, the rules for dirty rows that were applied, what is refused."""

    events: list[CanonicalEvent]
    rules: tuple[str, ...] = ()
    refused: tuple[Refused, ...] = ()


def is_state(event: CanonicalEvent) -> bool:
    """Whether it is a state of an agent, which goes to the topic `agents`, not an event of an interaction."""
    return event["type"] == AGENT_STATE


def key_of(event: CanonicalEvent) -> bytes:
    """The key of its record: the agent of a state, the interaction of an event."""
    return str(event["agent_id" if is_state(event) else "interaction_id"]).encode()


def state_of_agent(
    source: str, agent_id: str, state: State, time_ms: int, name: str, queues: Iterable[str] | None = None
) -> CanonicalEvent:
    """What an agent does from a time on; `name` is its id among those of the agent. queues None: those known before."""
    told: CanonicalEvent = {
        "id": name,
        "source": source,
        "type": AGENT_STATE,
        "time": time_ms,
        "agent_id": agent_id,
        "state": state,
    }
    return told if queues is None else {**told, "queues": list(queues)}


class Feed(NamedTuple):
    """A whole file: its events in time order, and what became of its rows."""

    events: list[CanonicalEvent]
    rows: int
    rules: Counter[str]
    rejected: Counter[Reason]
    first_rejection: str  # 'line 7: vru_entry: expected h:mm:ss', '' without one


def time_of(event: CanonicalEvent) -> int:
    """The time of a canonical event, ms since the epoch; sources set it as an int."""
    time_ms = event["time"]
    assert isinstance(time_ms, int), "a source sets time in epoch milliseconds"
    return time_ms


def collect(rows: Iterable[tuple[int, Row | Rejection]]) -> Feed:
    """Gather numbered rows into one feed, sorted by event time; at equal times the order of the rows is kept."""
    events: list[CanonicalEvent] = []
    rules: Counter[str] = Counter()
    rejected: Counter[Reason] = Counter()
    count, first_rejection = 0, ""
    for line, row in rows:
        count += 1
        if isinstance(row, Rejection):
            rejected[row.reason] += 1
            first_rejection = first_rejection or f"line {line}: {row.detail}"
        else:
            events.extend(row.events)
            rules.update(row.rules)
            rejected.update(part.why.reason for part in row.refused)
            for part in row.refused[:1]:
                first_rejection = first_rejection or f"line {line}: {part.why.detail}"
    return Feed(sorted(events, key=time_of), count, rules, rejected, first_rejection)
