"""Intake: one source partition's events in, frames for the merge shards out.

Owns the partition's watermark, its frame numbers and its store. The surprise: what an event does depends on the events before
it in the log alone, never on batches, drains or the clock; only idleness and the watermark of a silent live feed follow `now_ms`.
"""

from collections.abc import MutableMapping, Sequence

import msgspec

from streams.core.aside import keep
from streams.core.cells import Cells
from streams.core.changes import IntakeChanges, IntakeCounts, Late, Rejected, count
from streams.core.contact import Pulse
from streams.core.context import Contexts
from streams.core.decode import UNREADABLE_HEADERS, read
from streams.core.event import Reason, Rejection
from streams.core.facts import KINDS, MAX_FACTS, Fact
from streams.core.frame import Frame, Framing, Said, WaitingLevel
from streams.core.life import Contradiction
from streams.core.lives import PREFIX, Lives
from streams.core.record import Record
from streams.core.rules import IntakeRules
from streams.core.watermark import NEVER, Lateness
from streams.core.wire import Wire

__all__ = ("Intake", "IntakeChanges")

STATE_VERSION = 4
META_KEY = b"m"
SERIES_PREFIX = b"s"
_TOO_MANY = Rejection(Reason.BAD_VALUE, f"interaction_id: expected at most {MAX_FACTS:,} events of one interaction")


class _Meta(msgspec.Struct, array_like=True, frozen=True):
    """What is neither an interaction nor a series. debts: contradictions that turned out to be none after they were reported.

    beat_ms: the last heartbeat; ended_ms: see Frame.
    """

    version: int
    watermark_ms: int | None
    number: int
    live: bool
    debts: dict[Contradiction, int]
    beat_ms: int | None = None
    ended_ms: int | None = None


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Meta)


class Intake:
    """The state of one source partition; rebuilds itself from `store` and writes to it in `drain`."""

    def __init__(self, partition: int, store: MutableMapping[bytes, bytes], rules: IntakeRules) -> None:
        self._partition = partition
        self._store = store
        self._rules = rules
        self._lateness = Lateness(rules)
        self._contexts = Contexts(rules)
        series = [key[len(SERIES_PREFIX) :].decode() for key in store if key.startswith(SERIES_PREFIX)]
        self._cells = Cells(rules, self._contexts.finest, series)
        self._lives = Lives(store, rules, self._lateness, self._contexts, self._cells)
        meta = _DECODER.decode(store[META_KEY]) if META_KEY in store else _Meta(STATE_VERSION, None, 0, False, {})
        assert meta.version == STATE_VERSION, f"intake state version {meta.version}, this program reads {STATE_VERSION}"
        self._watermark = NEVER if meta.watermark_ms is None else meta.watermark_ms
        self._framing = Framing(partition, meta.number, meta.watermark_ms)
        self._live = meta.live
        self._beat_ms, self._ended_ms = meta.beat_ms, meta.ended_ms
        self._lives.odd.update(meta.debts)
        self._lives.restore((key, data) for key, data in store.items() if key.startswith(PREFIX))
        self._heard_ms: int | None = None
        self._read_ms: int | None = None
        self._levels: list[list[WaitingLevel]] | None = None
        self._forget_reported()

    def apply(self, records: Sequence[Record], read_ms: int) -> None:
        """Take in records in the order of the log, read at `read_ms`."""
        if not records:
            return
        # Local names: this loop runs once per event, an attribute of self costs 30 ns each.
        rules, lateness, lives, counts = self._rules, self._lateness, self._lives, self._counts
        interactions, kinds, tell, expiry = lives.interactions, KINDS, lives.tell, lives.expiry
        disorder_ms, grace_ms, levels = rules.disorder_ms, lateness.grace_min_ms, lateness.levels
        known, watermark, accepted, newest_ms = expiry.scheduled, self._watermark, 0, NEVER
        for record in records:
            found = read(record, rules, read_ms)
            if isinstance(found, Rejection):
                self._reject(record, found)
                continue
            wire, time_ms = found
            kind, name, level = kinds.get(wire.type), wire.interaction_id, 0
            reached_ms = time_ms if kind is None else time_ms - disorder_ms  # a heartbeat says that nothing before it is missing
            if kind is not None:
                assert name is not None, "an event without interaction was rejected"
                interaction = interactions.get(name)
                if interaction is None and name in known:
                    interaction = lives.recall(name)
                if interaction is not None:
                    if _has(interaction.facts, wire):
                        counts.duplicates += 1
                        continue
                    if len(interaction.facts) >= MAX_FACTS:
                        self._reject(record, _TOO_MANY)
                        continue
                if time_ms + grace_ms <= watermark:
                    level = lateness.level(time_ms, watermark)
                    if level:
                        self._note_late(record, level)
                    if level == levels:
                        continue
                tell(name, wire, time_ms, kind, level, watermark)
                if wire.type == "offered":
                    self._ended_ms = None
            else:
                self._beat(time_ms, ends=wire.outcome == "end")
            accepted += 1
            if time_ms > newest_ms:
                newest_ms = time_ms
            before = watermark
            if reached_ms > watermark:
                watermark = reached_ms
            if expiry.next_ms <= watermark:
                lives.expire(before, watermark)
        self._watermark = watermark
        counts.consumed += len(records)
        counts.accepted += accepted
        self._hear(read_ms, newest_ms)

    def drain(self, now_ms: int, lag: int) -> IntakeChanges:
        """Everything since the last drain; the store holds the state that goes with it. `lag`: records not yet applied."""
        if self._heard_ms is None:
            self._heard_ms = now_ms
        idle = lag == 0 and now_ms - self._heard_ms >= self._rules.idle_ms
        if idle and self._live:
            self._advance(now_ms - self._rules.idle_ms - self._rules.disorder_ms)
        frames = self._frames(now_ms, idle)
        self._report_odd()
        self._counts.capped = self._cells.capped
        changes = IntakeChanges(
            frames=frames,
            rejected=self._rejected,
            late=self._late,
            counts=self._counts,
            contacts=self._lives.contacts(),
            pulse=self._pulse(now_ms, idle) if frames else None,
        )
        self._write()
        self._forget_reported()
        return changes

    def _beat(self, time_ms: int, *, ends: bool) -> None:
        """Take a heartbeat. A feed has ended at the one before that which says so; later events are the rest of old contacts."""
        if not ends:
            self._beat_ms, self._ended_ms = time_ms, None
        elif self._ended_ms is None:
            self._ended_ms = time_ms if self._beat_ms is None else min(self._beat_ms, time_ms)

    def _hear(self, read_ms: int, newest_ms: int) -> None:
        self._heard_ms = read_ms
        if self._read_ms is None:
            self._read_ms = read_ms
        if newest_ms != NEVER:
            self._live = read_ms - newest_ms <= self._rules.live_ms

    def _reject(self, record: Record, why: Rejection) -> None:
        count(self._counts.rejected, (why.reason,))
        self._rejected.append(Rejected(keep(record, with_headers=why is not UNREADABLE_HEADERS), why.reason, why.detail))

    def _note_late(self, record: Record, level: int) -> None:
        windows = self._lateness.kinds[:level]
        count(self._counts.late, windows)
        self._counts.too_late += level == self._lateness.levels
        self._late.append(Late(keep(record), windows))

    def _advance(self, watermark_ms: int) -> None:
        before, self._watermark = self._watermark, max(self._watermark, watermark_ms)
        if self._lives.expiry.next_ms <= self._watermark:
            self._lives.expire(before, self._watermark)

    def _frames(self, now_ms: int, idle: bool) -> list[Frame]:
        said = Said(self._watermark_ms(), idle, self._ended_ms)
        levels, backlog = self._changed_levels(now_ms), self._lives.backlog(now_ms)
        return self._framing.frames(said, self._cells.take(), levels, self._read_ms, now_ms, backlog)

    def _pulse(self, now_ms: int, idle: bool) -> Pulse:
        return Pulse(
            source=self._partition, watermark_ms=self._watermark_ms(), idle=idle, ended_ms=self._ended_ms, sent_ms=now_ms
        )

    def _watermark_ms(self) -> int | None:
        return None if self._watermark == NEVER else self._watermark

    def _changed_levels(self, now_ms: int) -> list[list[WaitingLevel] | None]:
        """The waiting levels of each shard where they are not those sent last."""
        sent, levels = self._levels, self._lives.waiting(now_ms)
        if levels is None:
            return [None] * self._rules.shards
        self._levels = levels
        return [None if sent is not None and sent[shard] == now else now for shard, now in enumerate(levels)]

    def _report_odd(self) -> None:
        """Move contradictions to the counts; what was reported and turned out to be none is kept as a debt."""
        odd = self._lives.odd
        for kind, n in list(odd.items()):
            if n >= 0:
                del odd[kind]
            if n > 0:
                self._counts.contradictions[kind] = n

    def _write(self) -> None:
        self._lives.write()
        for series in self._cells.new_series:
            self._store[SERIES_PREFIX + series.encode()] = b"1"
        progress = (self._watermark_ms(), self._framing.number, self._live, self._lives.odd, self._beat_ms, self._ended_ms)
        meta = _ENCODER.encode(_Meta(STATE_VERSION, *progress))
        if self._store.get(META_KEY) != meta:
            self._store[META_KEY] = meta

    def _forget_reported(self) -> None:
        self._counts = IntakeCounts()
        self._rejected: list[Rejected] = []
        self._late: list[Late] = []
        self._read_ms = None
        self._cells.new_series = []
        self._cells.capped = {}
        self._contexts.prune()


def _has(facts: list[Fact], wire: Wire) -> bool:
    """Whether an event is among the facts. A loop over the few facts of a life is faster than a set of ids."""
    name, source = wire.id, wire.source
    for fact in facts:  # noqa: SIM110  # any() with a generator costs 300 ns more per event
        if fact.id == name and fact.source == source:
            return True
    return False
