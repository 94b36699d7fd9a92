"""The life of one simulated contact as canonical events: offered, queued, answered or abandoned, replies, end, survey.

Vendors don't fill every field on every event, so neither does this: queue, issue and customer are on most offered events, and
on a later one where they are missing. The surprise: events are given in order of life, and their times go up with it.
"""

from collections.abc import Iterator
from random import Random

import msgspec

from streams.sources.row import CanonicalEvent
from streams.sources.simulator_world import Customer

_TEXT_CHANNELS = ("chat", "email", "social")
_KNOWN_AT_START = 0.9  # share of contacts whose queue, issue and customer are known when they are offered
_TRANSFERRED, _ESCALATED, _SURVEYED, _SENTIMENT, _REOPENED = 0.04, 0.03, 0.15, 0.3, 0.02
_RESOLVED = 0.8


class Contact(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is settled when a contact arrives. answered_ms None: nobody is free before gives_up_ms; then there is no agent."""

    source: str
    interaction_id: str
    customer: Customer
    channel: str
    queue: str
    issue: str
    offered_ms: int
    queued_ms: int
    answered_ms: int | None
    gives_up_ms: int | None
    handle_ms: int
    agent: str


def life_of(contact: Contact, chance: Random) -> Iterator[CanonicalEvent]:
    """All events of a contact, times ascending, ids unique."""
    who = contact.customer
    known: CanonicalEvent = {"queue": contact.queue, "issue": contact.issue, "customer_id": who.customer_id}
    traits: CanonicalEvent = {"segment": who.segment, "region": who.region, "age_band": who.age_band, "language": "en"}
    offered = contact.offered_ms
    told = chance.random() < _KNOWN_AT_START
    first = known if told else {}
    yield _event(contact, 1, "offered", offered, {"channel": contact.channel, "direction": "inbound", **first, **traits})
    yield _event(contact, 2, "queued", contact.queued_ms, {"queue": contact.queue} if told else known)
    if contact.answered_ms is None:
        assert contact.gives_up_ms is not None, "who isn't answered has given up"
        yield _event(contact, 3, "abandoned", contact.gives_up_ms, {})
        return
    chance.random()  # once drew the agent: without it, each seed would give other contacts than it always has
    yield _event(contact, 3, "answered", contact.answered_ms, {"agent_id": contact.agent})
    yield from _conversation(contact, contact.answered_ms, chance)


def _conversation(contact: Contact, answered_ms: int, chance: Random) -> Iterator[CanonicalEvent]:
    """From the answer to what comes after the end."""
    handle_ms = contact.handle_ms
    if contact.channel in _TEXT_CHANNELS:
        yield _event(contact, 4, "replied", answered_ms + handle_ms // 5, {"author": "agent"})
    if chance.random() < _ESCALATED:
        yield _event(contact, 5, "escalated", answered_ms + handle_ms // 2, {"tier": "2"})
    if chance.random() < _SENTIMENT:
        score = _sentiment(contact, answered_ms, chance)
        yield _event(contact, 6, "sentiment", answered_ms + handle_ms * 3 // 5, {"score": score})
    if chance.random() < _TRANSFERRED:
        yield _event(contact, 7, "transferred", answered_ms + handle_ms * 4 // 5, {"target_queue": "retention"})
    resolved = chance.random() < _RESOLVED
    ended_ms = answered_ms + handle_ms
    yield _event(contact, 8, "completed", ended_ms, {**_durations(contact, chance), "resolved": resolved})
    if chance.random() < _SURVEYED:
        csat = _csat(contact, answered_ms, resolved, chance)
        nps = min(10, max(0, round(2.2 * csat - 1 + chance.gauss(0, 1))))
        survey: CanonicalEvent = {"csat": csat, "nps": nps, "resolved": resolved}
        yield _event(contact, 9, "surveyed", ended_ms + chance.randrange(10_000, 300_000), survey)
    elif not resolved and chance.random() < _REOPENED:
        yield _event(contact, 10, "reopened", ended_ms + chance.randrange(300_000, 1_800_000), {})


def _durations(contact: Contact, chance: Random) -> CanonicalEvent:
    """Handle time in its parts, seconds to the millisecond; they sum to it."""
    wrapped_ms = wrap_ms(contact.handle_ms)
    hold_ms = contact.handle_ms // 12 if chance.random() < 0.2 else 0
    talk_ms = contact.handle_ms - wrapped_ms - hold_ms
    return {"talk_seconds": talk_ms / 1000, "hold_seconds": hold_ms / 1000, "wrap_seconds": wrapped_ms / 1000}


def wrap_ms(handle_ms: int) -> int:
    """After-contact work, the last sixth of a handle time."""
    return handle_ms // 6


def _csat(contact: Contact, answered_ms: int, resolved: bool, chance: Random) -> int:
    """1 to 5: content when resolved and served at once; a point less for three minutes of waiting."""
    waited = (answered_ms - contact.queued_ms) / 180_000
    return min(5, max(1, round(4.5 - 1.6 * (not resolved) - min(2.0, waited) + chance.gauss(0, 0.6))))


def _sentiment(contact: Contact, answered_ms: int, chance: Random) -> float:
    """−1 to 1, lower after waiting."""
    waited = (answered_ms - contact.queued_ms) / 300_000
    return round(min(1.0, max(-1.0, 0.3 - min(0.8, waited) + chance.gauss(0, 0.3))), 2)


def _event(contact: Contact, number: int, kind: str, time_ms: int, fields: CanonicalEvent) -> CanonicalEvent:
    return {
        "id": f"{contact.interaction_id}-{number}",
        "source": contact.source,
        "type": kind,
        "time": time_ms,
        "interaction_id": contact.interaction_id,
        **fields,
    }
