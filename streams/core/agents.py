"""Agents: the states of one partition of agents in, frames for the merge shards out. How their time adds up is in agent_times.py.

Time comes from intake, as it does for journey: the lowest watermark of its partitions, as their pulses tell it; until then a
state is only known of (decision 21). The surprise: an agent's id is hashed here, before anything is kept, and is in nothing that
leaves but the record that is refused or late as it came.
"""

from collections.abc import MutableMapping, Sequence
from typing import NamedTuple

import msgspec

from streams.core.agent_facts import StateFact, fact_of
from streams.core.agent_state import UNREADABLE_HEADERS, read_state
from streams.core.agent_times import AgentTimes
from streams.core.aside import keep
from streams.core.changes import Late, Rejected, count
from streams.core.contact import PULSE_KEY, Pulse, decode_pulse
from streams.core.customer import Customers, pseudonym
from streams.core.event import Reason, Rejection
from streams.core.frame import Frame, Framing, Said, WaitingLevel
from streams.core.merge_progress import Heard, Progress
from streams.core.record import Record
from streams.core.rules import IntakeRules
from streams.core.watermark import NEVER, Lateness

__all__ = ("AgentRules", "Agents", "AgentsChanges")

STATE_VERSION = 1
META_KEY = b"m"
AGENT_PREFIX = b"a"
QUEUE_PREFIX = b"q"
_NO_PULSE = Rejection(Reason.BAD_VALUE, "key: expected another than 'pulse', which is the pipeline's own")


class AgentRules(msgspec.Struct, frozen=True, kw_only=True):
    """counting: windows, cuts and names, as in intake. sources: partitions of intake. state_max_ms: no state lasts longer."""

    counting: IntakeRules
    sources: int
    state_max_ms: int


class AgentsChanges(NamedTuple):
    """One drain. outcomes: states by what became of them: accepted, repeated, too_late, crowded. capped: queues made 'other'."""

    frames: list[Frame]
    rejected: list[Rejected]
    late: list[Late]
    outcomes: dict[str, int]
    capped: int


class _Meta(msgspec.Struct, array_like=True, frozen=True):
    """What of the state isn't an agent or a queue. heard: the last pulse of each partition of intake."""

    version: int = STATE_VERSION
    number: int = 0
    heard: list[Heard | None] = []
    watermark_ms: int | None = None
    counted_ms: int = NEVER


_ENCODER = msgspec.msgpack.Encoder()
_META = msgspec.msgpack.Decoder(_Meta)
_FACTS = msgspec.msgpack.Decoder(list[StateFact])


class Agents:
    """The state of one partition; rebuilds itself from `store` and writes to it in `drain`."""

    def __init__(self, source: int, store: MutableMapping[bytes, bytes], rules: AgentRules) -> None:
        self._store = store
        self._rules = rules
        self._lateness = Lateness(rules.counting)
        self._names = Customers(rules.counting.customer_key)
        meta = _META.decode(store[META_KEY]) if META_KEY in store else _Meta()
        assert meta.version == STATE_VERSION, f"agents state version {meta.version}, this program reads {STATE_VERSION}"
        self._progress = Progress([*meta.heard, *([None] * (rules.sources - len(meta.heard)))], meta.watermark_ms, None)
        self._framing = Framing(source, meta.number, meta.watermark_ms)
        queues = {key[1:].decode() for key in store if key.startswith(QUEUE_PREFIX)}
        self._times = AgentTimes(rules.counting, rules.state_max_ms, queues)
        self._times.counted_ms = meta.counted_ms
        for key, data in list(store.items()):
            if key.startswith(AGENT_PREFIX):
                self._times.restore(key[1:].decode(), _FACTS.decode(data))
        self._levels: list[list[WaitingLevel]] | None = None
        self._read_ms: int | None = None
        self._forget_reported()

    def apply(self, records: Sequence[Record], read_ms: int) -> None:
        """Take in states and pulses in the order of the log, read at `read_ms`."""
        for record in records:
            if record.key() == PULSE_KEY:
                self._beat(record)
            else:
                self._take_in(record, read_ms)
        if self._read_ms is None:
            self._read_ms = read_ms

    def drain(self, now_ms: int, lag: int) -> AgentsChanges:  # noqa: ARG002 (the shape is the engine's)
        """Everything since the last drain; the store holds the state that goes with it."""
        frames = self._frames(now_ms)
        self._write()
        changes = AgentsChanges(frames, self._rejected, self._late, self._outcomes, self._times.take_capped())
        self._forget_reported()
        return changes

    def _beat(self, record: Record) -> None:
        """Take note of how far intake is, and count the time that has passed; anything else under that key is refused."""
        try:
            pulse = decode_pulse(record.value() or b"")
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._reject(record, _NO_PULSE)
            return
        if not 0 <= pulse.source < len(self._progress.heard):
            self._reject(record, _NO_PULSE)
            return
        before_ms = self._watermark()
        self._hear(pulse)
        if self._watermark() > before_ms:
            self._times.advance(self._watermark(), before_ms)

    def _hear(self, pulse: Pulse) -> None:
        heard = Heard(0, pulse.watermark_ms, pulse.idle, pulse.sent_ms, pulse.ended_ms)
        self._progress.heard[pulse.source] = heard
        self._progress.advance()

    def _take_in(self, record: Record, read_ms: int) -> None:
        counting, watermark_ms = self._rules.counting, self._watermark()
        found = read_state(record, counting.sources, read_ms + counting.ahead_ms)
        if isinstance(found, Rejection):
            self._reject(record, found)
            return
        state, time_ms = found
        name = self._names.remembered.get(state.agent_id) or self._names.name(state.agent_id)
        # Sources like to make ids of the agent's: they are hidden as well, and remembered by nobody but the fact.
        fact = fact_of(state, time_ms, pseudonym(state.id, counting.customer_key))
        outcome = self._times.tell(name, fact, watermark_ms)
        count(self._outcomes, (outcome,))
        levels = self._lateness.levels if outcome == "too_late" else self._lateness.level(time_ms, watermark_ms)
        if levels and outcome in ("accepted", "too_late"):
            self._late.append(Late(keep(record), self._lateness.kinds[:levels]))

    def _reject(self, record: Record, why: Rejection) -> None:
        self._rejected.append(Rejected(keep(record, with_headers=why is not UNREADABLE_HEADERS), why.reason, why.detail))

    def _watermark(self) -> int:
        return NEVER if self._progress.watermark_ms is None else self._progress.watermark_ms

    def _frames(self, now_ms: int) -> list[Frame]:
        levels, progress = self._times.levels(), self._progress
        is_idle = all(heard is not None and heard.idle for heard in progress.heard)
        said = Said(progress.watermark_ms, is_idle, progress.ended_ms())
        new_levels = levels if levels != self._levels else [None] * len(levels)
        self._levels = levels
        return self._framing.frames(said, self._times.take(), new_levels, self._read_ms, now_ms)

    def _write(self) -> None:
        store, times = self._store, self._times
        for name in times.dirty:
            key, facts = AGENT_PREFIX + name.encode(), times.facts(name)
            if facts is not None:
                store[key] = _ENCODER.encode(facts)
            elif key in store:
                del store[key]
        times.dirty.clear()
        for queue in times.take_new_queues():
            store[QUEUE_PREFIX + queue.encode()] = b"1"
        progress = self._progress
        meta = _ENCODER.encode(
            _Meta(STATE_VERSION, self._framing.number, progress.heard, progress.watermark_ms, times.counted_ms)
        )
        if store.get(META_KEY) != meta:
            store[META_KEY] = meta

    def _forget_reported(self) -> None:
        self._rejected: list[Rejected] = []
        self._late: list[Late] = []
        self._outcomes: dict[str, int] = {}
        self._read_ms = None
