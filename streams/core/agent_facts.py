"""An agent's states as a set of facts, and the spans of time that follow from them. In any order, as often as one likes.

A state lasts until the next one begins, but no longer than `state_max_ms`: who is 'available' since the day before yesterday has
gone home without a word. The surprise: that end is rounded up to a minute, the grain in which ends are looked for.
"""

from bisect import insort
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from streams.core.agent_state import STATES, AgentState
from streams.core.expiry import rounded

AVAILABLE, ON_CONTACT, AFTER_CONTACT, BREAK, OFFLINE = range(len(STATES))
_CODES = {state: code for code, state in enumerate(STATES)}


class StateFact(msgspec.Struct, array_like=True, frozen=True, order=True, gc=False):
    """From `time_ms` on the agent is in a state; of two at one moment the later one of STATES holds. id: a hash of it."""

    time_ms: int
    state: int
    source: str
    id: str
    queues: tuple[str, ...] | None


class Occupation(NamedTuple):
    """What an agent does, and for which queues they are there."""

    state: int
    queues: tuple[str, ...]


class Span(NamedTuple):
    """[start_ms, end_ms) in one occupation; never offline, which is nothing."""

    start_ms: int
    end_ms: int
    occupation: Occupation


def fact_of(state: AgentState, time_ms: int, name: str) -> StateFact:
    """What a decoded state says, under a name that hides its id, without whom it is about."""
    queues = None if state.queues is None else tuple(sorted(set(state.queues)))
    return StateFact(time_ms, _CODES[state.state], state.source, name, queues)


def spans(facts: Sequence[StateFact], from_ms: int, until_ms: int, state_max_ms: int) -> Iterator[Span]:
    """Where the time of an agent goes between two moments."""
    queues: tuple[str, ...] = ()
    for place, fact in enumerate(facts):
        queues = queues if fact.queues is None else fact.queues
        ends_ms = facts[place + 1].time_ms if place + 1 < len(facts) else until_ms
        ends_ms = min(ends_ms, until_ms, rounded(fact.time_ms + state_max_ms))
        starts_ms = max(fact.time_ms, from_ms)
        if fact.state != OFFLINE and starts_ms < ends_ms:
            yield Span(starts_ms, ends_ms, Occupation(fact.state, queues))


def occupation_at(facts: Sequence[StateFact], until_ms: int, state_max_ms: int) -> Occupation | None:
    """What an agent does just before a moment; None where they are offline, or nothing is known."""
    last = None
    for span in spans(facts, until_ms - 1, until_ms, state_max_ms):
        last = span.occupation
    return last


def added(facts: Sequence[StateFact], fact: StateFact) -> list[StateFact]:
    """The facts with one more."""
    after = list(facts)
    insort(after, fact)
    return after


def pruned(facts: list[StateFact], horizon_ms: int) -> list[StateFact]:
    """The facts that still matter from a moment on: the one that holds then and all later ones. It takes on its queues."""
    first = 0
    while first + 1 < len(facts) and facts[first + 1].time_ms <= horizon_ms:
        first += 1
    if not first:
        return facts
    named = next((fact.queues for fact in reversed(facts[: first + 1]) if fact.queues is not None), None)
    return [msgspec.structs.replace(facts[first], queues=named), *facts[first + 1 :]]
