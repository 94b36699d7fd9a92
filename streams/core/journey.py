"""Journey: the contacts of one partition of customers in, frames for the merge shards out.

A contact changes what its customer's contacts come to; the difference goes to the cells, as in intake. Whether W is over is
decided by event time: the lowest watermark of intake's partitions, as their pulses tell it. Contacts are taken in when it reaches
the moment at which they were known, so the order in which partitions were read changes nothing. The surprise: customers are in
the store only, and so are the timers, so that memory doesn't grow with customers where the store is on disk.
"""

from bisect import insort
from collections.abc import MutableMapping, Sequence
from struct import Struct
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from streams.core.changes import count
from streams.core.contact import PULSE_KEY, Contact, decode_contact, decode_pulse
from streams.core.context import Contexts
from streams.core.expiry import BUCKET_MS, rounded
from streams.core.frame import Frame, Framing, Said
from streams.core.journey_ahead import Ahead, Chunks
from streams.core.journey_counts import Counts
from streams.core.journey_held import settled
from streams.core.journey_history import (
    NOTHING,
    Contributions,
    History,
    JourneyRules,
    Past,
    appended,
    contributions,
    decode_history,
    encode_history,
    forget,
    matured,
    next_due_ms,
    past_of,
)
from streams.core.journey_timers import Timers
from streams.core.merge_progress import Heard, Progress
from streams.core.record import Record
from streams.core.watermark import NEVER

__all__ = ("Journey", "JourneyChanges", "JourneyRules")

STATE_VERSION = 4
META_KEY = b"m"
CUSTOMER_PREFIX = b"c"
_SERIES_KEY = Struct(">cI")  # series are numbered, so that they are found without looking at all customers
CONTACTS_MAX = 200  # of one customer at a time: more is a test number or a machine, and would make every flush write kilobytes


class JourneyChanges(NamedTuple):
    """One drain. ignored: contacts that changed nothing, by kind: repeated, too_late, crowded."""

    frames: list[Frame]
    ignored: dict[str, int]


class _Meta(msgspec.Struct, array_like=True, frozen=True):
    """What of the state isn't a customer, a timer or a series. heard: the last pulse of each partition; chunks: see Ahead."""

    version: int = STATE_VERSION
    number: int = 0
    heard: list[Heard | None] = []
    watermark_ms: int | None = None
    first_ms: int | None = None
    last_ms: int = 0
    series: int = 0
    chunks: Chunks = {}


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Meta)


class Journey:
    """The state of one partition; `source`: its number among merge's sources, behind intake's."""

    def __init__(self, source: int, store: MutableMapping[bytes, bytes], rules: JourneyRules) -> None:
        self._store = store
        self._rules = rules
        self._zone = ZoneInfo(rules.counting.time_zone)
        meta = _DECODER.decode(store[META_KEY]) if META_KEY in store else _Meta()
        assert meta.version == STATE_VERSION, f"journey state version {meta.version}, this program reads {STATE_VERSION}"
        heard = [*meta.heard, *([None] * (rules.sources - len(meta.heard)))]
        self._progress = Progress(heard, meta.watermark_ms, None)
        self._done_ms = self._watermark()
        self._ahead = Ahead(store, meta.chunks, self._done_ms)
        self._timers = Timers(store, meta.first_ms, meta.last_ms)
        self._contexts = Contexts(rules.counting)
        series = [store[_SERIES_KEY.pack(b"s", number)].decode() for number in range(meta.series)]
        self._counts = Counts(rules.counting, self._contexts, series)
        self._series = meta.series
        self._framing = Framing(source, meta.number, meta.watermark_ms)
        self._dirty: dict[str, History | None] = {}
        self._ignored: dict[str, int] = {}
        self._read_ms: int | None = None

    def apply(self, records: Sequence[Record], read_ms: int) -> None:
        """Take in contacts and pulses in the order of the log, read at `read_ms`."""
        for record in records:
            key, value = record.key(), record.value()
            if key == PULSE_KEY:
                assert value is not None, "a pulse says something"
                pulse = decode_pulse(value)
                self._progress.heard[pulse.source] = Heard(0, pulse.watermark_ms, pulse.idle, pulse.sent_ms, pulse.ended_ms)
            elif value is not None:
                self._ahead.add(decode_contact(value))
            elif key is not None:
                self._forget(key.decode())
        if self._read_ms is None:
            self._read_ms = read_ms

    def drain(self, now_ms: int, lag: int) -> JourneyChanges:  # noqa: ARG002 (the shape is the engine's)
        """Everything since the last drain; the store holds the state that goes with it."""
        self._catch_up()
        frames = self._frames(now_ms)
        self._write()
        changes = JourneyChanges(frames, self._ignored)
        self._ignored, self._read_ms = {}, None
        self._contexts.prune()
        return changes

    def _catch_up(self) -> None:
        """Go on to where all partitions of intake are: what comes before it has come, and is done in the order of event time.

        In a drain only, as in merge: a transaction of intake has a pulse of each partition behind its contacts, and that who was
        idle isn't any more is heard only with the last of them. Not further than to the minute in which so many customers have
        changed: after a weekend without events, W is over for a third of all at once. The next drain goes on.
        """
        self._progress.advance()
        goal_ms = self._watermark()
        while True:
            until_ms = min(goal_ms, self._next_minute(goal_ms))
            for contact in self._ahead.until(until_ms):
                known_ms = max(contact.known_ms, self._done_ms)  # a partition that was idle, and not waited for, may be behind
                self._come_due(known_ms)
                self._take_in(contact, known_ms)
            self._come_due(until_ms)
            self._done_ms = until_ms
            if until_ms == goal_ms or len(self._dirty) >= self._rules.customers_max:
                return

    def _next_minute(self, goal_ms: int) -> int:
        """The end of the next one in which there may be something to do; who comes late is taken in where we are."""
        moments = [moment for moment in (self._timers.next_ms(), self._ahead.next_ms()) if moment is not None]
        return max(rounded(min(moments, default=goal_ms)), self._done_ms)

    def _come_due(self, until_ms: int) -> None:
        """What is due up to a watermark: W is over for contacts of a customer, or they can be forgotten."""
        for at_ms, name in self._timers.due(until_ms):
            history = self._history(name)
            if history.due_ms == at_ms:
                added = matured(history, self._rules, self._contexts, self._zone, at_ms)
                self._counts.replace({}, added, at_ms - BUCKET_MS)  # what is due in a minute is on time there
                self._keep(name, forget(history, self._rules, self._zone, at_ms), 0, at_ms)

    def _take_in(self, contact: Contact, watermark_ms: int) -> None:
        """A contact as it was known at a watermark, in the windows that were open then."""
        history, past = self._history(contact.customer), past_of(contact)
        known = next((other for other in history.contacts if other.id == past.id), None)
        if past.revision <= known.revision if known else contact.removed:
            count(self._ignored, ("repeated",))
        elif not contact.removed and past.ended_ms + self._rules.keep_ms <= watermark_ms:
            count(self._ignored, ("too_late",))
        elif known is None and len(history.contacts) >= CONTACTS_MAX:
            count(self._ignored, ("crowded",))
        elif known is None and (not history.contacts or history.contacts[-1] < past):
            kept = past if self._counts.is_open(past.ended_ms, watermark_ms) else msgspec.structs.replace(past, late=True)
            self._append(contact.customer, history, kept, watermark_ms)
        else:
            self._change(contact.customer, history, known, None if contact.removed else past, watermark_ms)

    def _change(self, name: str, history: History, known: Past | None, past: Past | None, watermark_ms: int) -> None:
        """A contact that was known isn't, or is another, or one has come among others."""
        kept, held = settled(history, known, past, lambda time_ms: self._counts.is_open(time_ms, watermark_ms))
        contacts = [other for other in history.contacts if other is not known]
        if kept is not None:
            insort(contacts, kept)
        after = msgspec.structs.replace(history, contacts=contacts, held=held)
        self._counts.replace(self._contributions(history, watermark_ms), self._contributions(after, watermark_ms), watermark_ms)
        self._counts.customers(history, after, watermark_ms)
        self._keep(name, after, history.due_ms, watermark_ms)

    def _append(self, name: str, history: History, past: Past, watermark_ms: int) -> None:
        """A customer's newest contact, the common case: what it changes doesn't take going through all the others."""
        changes = appended(history, past, self._rules, self._contexts, self._zone, watermark_ms)
        self._counts.replace(*changes, watermark_ms)
        self._counts.newest(history, past, watermark_ms)
        after = msgspec.structs.replace(history, contacts=[*history.contacts, past])
        if history.due_ms and watermark_ms < history.due_ms <= rounded(past.ended_ms + self._rules.repeat_ms):
            self._dirty[name] = after  # what is due next is due before anything of this one
        else:
            self._keep(name, after, history.due_ms, watermark_ms)

    def _keep(self, name: str, history: History, appointment_ms: int, until_ms: int) -> None:
        """Put a customer down, with an appointment for what is due next; an earlier one stands."""
        # What is forgotten is too old for anything that may still come to follow it.
        if not history.contacts and not history.older and not history.held:
            self._dirty[name] = None
            return
        due_ms = next_due_ms(history, self._rules, self._zone, until_ms)
        if appointment_ms and appointment_ms <= due_ms:
            due_ms = appointment_ms
        else:
            self._timers.schedule(name, due_ms)
        self._dirty[name] = msgspec.structs.replace(history, due_ms=due_ms)

    def _forget(self, name: str) -> None:
        """Told to: what was counted stays, and who waits to be is counted now; who it was goes."""
        for contact in self._ahead.take(name):
            self._take_in(contact, contact.known_ms)
        self._timers.cancel(name, self._history(name).due_ms)
        self._dirty[name] = None

    def _history(self, name: str) -> History:
        if name in self._dirty:
            return self._dirty[name] or NOTHING
        data = self._store.get(CUSTOMER_PREFIX + name.encode())
        return NOTHING if data is None else decode_history(data)

    def _contributions(self, history: History, until_ms: int) -> Contributions:
        return contributions(history, self._rules, self._contexts, self._zone, until_ms) if history.contacts else {}

    def _watermark(self) -> int:
        return NEVER if self._progress.watermark_ms is None else self._progress.watermark_ms

    def _frames(self, now_ms: int) -> list[Frame]:
        """They say how far this is, which may be less far than what was heard: then nobody may think that nothing comes."""
        changes, progress = self._counts.take(), self._progress
        is_behind = self._done_ms < self._watermark()
        is_idle = not is_behind and all(heard is not None and heard.idle for heard in progress.heard)
        said = Said(self._said_ms(), is_idle, None if is_behind else progress.ended_ms())
        return self._framing.frames(said, changes, [None] * len(changes), self._read_ms, now_ms)

    def _said_ms(self) -> int | None:
        return None if self._done_ms == NEVER else self._done_ms

    def _write(self) -> None:
        store = self._store
        for name, history in self._dirty.items():
            key = CUSTOMER_PREFIX + name.encode()
            if history is not None:
                store[key] = encode_history(history)
            elif key in store:
                del store[key]
        self._dirty = {}
        self._ahead.write(self._done_ms)
        self._timers.write()
        for series in self._counts.take_new_series():
            store[_SERIES_KEY.pack(b"s", self._series)] = series.encode()
            self._series += 1
        progress, timers = self._progress, self._timers
        meta = _ENCODER.encode(
            _Meta(
                STATE_VERSION,
                self._framing.number,
                progress.heard,
                self._said_ms(),
                timers.first_ms,
                timers.last_ms,
                self._series,
                self._ahead.chunks,
            )
        )
        if store.get(META_KEY) != meta:
            store[META_KEY] = meta
