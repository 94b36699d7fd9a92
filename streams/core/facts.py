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

# What `mark` may be of a reply; anyone else is an agent.
BY_CUSTOMER, BY_BOT = 1, 2
_AUTHORS = {"customer": BY_CUSTOMER, "bot": BY_BOT}
MICRO = 1_000_000  # sentiment is kept in millionths: sums of integers are the same in any order

# A chat has some dozens of events. The limit keeps one runaway id from making every flush write megabytes.
MAX_FACTS = 1_000


class Fact(msgspec.Struct, array_like=True, frozen=True, gc=False, order=True):
    """One event of one interaction. `dims`: values by `series.DIMENSIONS`, customer: the hashed name; None where the event says
    nothing.

    mark: what only its kind has. Answered: 1 by a bot. Replied: BY_CUSTOMER, BY_BOT or None. Sentiment: the score in millionths.
    """

    time_ms: int
    kind: int
    id: str
    source: str
    dims: tuple[str | None, ...]
    customer: str | None = None
    mark: int | None = None
    talk_ms: int | None = None
    hold_ms: int | None = None
    wrap_ms: int | None = None
    resolved: bool | None = None
    csat: int | None = None
    nps: int | None = None


def fact_of(wire: Wire, time_ms: int, kind: int, dims: tuple[str | None, ...], customer: str | None = None) -> Fact:
    """The fact in an event; values that only some kinds carry are looked for in those only."""
    if kind < COMPLETED:
        return Fact(time_ms, kind, wire.id, wire.source, dims, customer, _mark(wire, kind))
    if kind == COMPLETED:
        durations = milliseconds(wire.talk_seconds), milliseconds(wire.hold_seconds), milliseconds(wire.wrap_seconds)
        return Fact(time_ms, kind, wire.id, wire.source, dims, customer, None, *durations, wire.resolved)
    return Fact(time_ms, kind, wire.id, wire.source, dims, customer, resolved=wire.resolved, csat=wire.csat, nps=wire.nps)


def _mark(wire: Wire, kind: int) -> int | None:
    if kind == ANSWERED:
        return 1 if wire.bot else None
    if kind == REPLIED:
        return _AUTHORS.get(wire.author or "")
    return None if kind != SENTIMENT or wire.score is None else round(wire.score * MICRO)
