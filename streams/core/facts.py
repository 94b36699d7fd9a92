"""Facts: what the state of an interaction is made of, one per accepted event, in the order of life.

Facts compare by (time, kind, id, source), and kinds are numbered in the order in which they happen when they carry the same time.
The surprise: 'transferred' comes before 'queued', because a transfer and the next queue entry often carry one time.
"""

import msgspec

from streams.core.decode import milliseconds
from streams.core.wire import Wire

OFFERED, TRANSFERRED, QUEUED, ANSWERED, ABANDONED, ESCALATED, REPLIED, SENTIMENT, COMPLETED, REOPENED, SURVEYED = range(11)
KINDS = {
    "offered": OFFERED,
    "transferred": TRANSFERRED,
    "queued": QUEUED,
    "answered": ANSWERED,
    "abandoned": ABANDONED,
    "escalated": ESCALATED,
    "replied": REPLIED,
    "sentiment": SENTIMENT,
    "completed": COMPLETED,
    "reopened": REOPENED,
    "surveyed": SURVEYED,
}

# A chat has some dozens of events. The limit keeps one runaway id from making every flush write megabytes.
MAX_FACTS = 1_000


class Fact(msgspec.Struct, array_like=True, frozen=True, gc=False, order=True):
    """One event of one interaction. `dims`: values by `series.DIMENSIONS`, None where the event says nothing."""

    time_ms: int
    kind: int
    id: str
    source: str
    dims: tuple[str | None, ...]
    talk_ms: int | None = None
    hold_ms: int | None = None
    wrap_ms: int | None = None
    resolved: bool | None = None
    csat: int | None = None
    nps: int | None = None


def fact_of(wire: Wire, time_ms: int, kind: int, dims: tuple[str | None, ...]) -> Fact:
    """The fact in an event; values that only some kinds carry are looked for in those only."""
    if kind < COMPLETED:
        return Fact(time_ms, kind, wire.id, wire.source, dims)
    if kind == COMPLETED:
        durations = milliseconds(wire.talk_seconds), milliseconds(wire.hold_seconds), milliseconds(wire.wrap_seconds)
        return Fact(time_ms, kind, wire.id, wire.source, dims, *durations, wire.resolved)
    return Fact(time_ms, kind, wire.id, wire.source, dims, csat=wire.csat, nps=wire.nps)
