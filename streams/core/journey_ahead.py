"""Contacts that came ahead: known to a partition of intake at an event time that the slowest partition hasn't reached.

They wait until it has, and so are taken in by event time, whatever the order in which partitions were read: what a contact finds
before it is a function of the input alone. The surprise: who waits longer than to the next drain does so in the store, in chunks,
and comes back into memory when the first of its chunk is due. So memory doesn't grow with how far one partition is ahead of
another, which after an outage may be days.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, MutableMapping
from heapq import heappop, heappush
from struct import Struct
from typing import NamedTuple, TypeAlias

import msgspec

from streams.core.contact import Contact

PREFIX = b"a"
CHUNK_CONTACTS = 5_000  # a megabyte; a record of the changelog may have 8
CHUNK_SPAN_MS = 3_600_000  # what comes into memory with the first of its chunk is due within this
NEW_CHUNKS_MAX = 64  # 16 seconds of drains; then small chunks are put together, because every drain writes the list of all
SMALL_CONTACTS = 500  # smaller ones are: so many of them come into memory at a time that it takes 20 MB
TOGETHER_SPAN_MS = 24 * CHUNK_SPAN_MS  # so that a quiet year ahead is some hundred chunks
_KEY = Struct(">cI")
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(list[Contact])


class Chunk(NamedTuple):
    """What the store holds under one number: when its first and its last are due, and how many they were."""

    first_ms: int
    last_ms: int
    contacts: int


Chunks: TypeAlias = dict[int, Chunk]


class Ahead:
    """One per partition. In memory are those who came since the last drain, and of the chunks those whose first is due, some 700
    bytes each; all others are in the store. chunks: number there → what it holds."""

    def __init__(self, store: MutableMapping[bytes, bytes], chunks: Chunks, watermark_ms: int) -> None:
        self._store = store
        self.chunks = chunks
        # A heap. The watermark stands still while late facts come, so several versions may have been known at one moment, and
        # they wait in chunks that wake in any order. The number only keeps contacts from being compared.
        self._waiting: list[tuple[int, str, int, int, Contact]] = []
        self._fresh: list[Contact] = []
        self._ordered = True  # whether the fresh ones are, by time: `until` is asked minute by minute
        self._number = 0
        self._resting = set(chunks)
        self._new = 0  # chunks since small ones were put together
        self._wake(watermark_ms, watermark_ms)

    def __len__(self) -> int:
        """How many are in memory."""
        return len(self._waiting) + len(self._fresh)

    def add(self, contact: Contact) -> None:
        """One more."""
        self._fresh.append(contact)
        self._ordered = False

    def until(self, watermark_ms: int) -> Iterator[Contact]:
        """Those whose time has come, in order of it, those of one moment by interaction and revision; they wait no more."""
        self._order()
        come = bisect_right(self._fresh, watermark_ms, key=_known_ms)
        for contact in self._fresh[:come]:
            self._push(contact)
        del self._fresh[:come]
        self._wake(watermark_ms)
        waiting = self._waiting
        while waiting and waiting[0][0] <= watermark_ms:
            yield heappop(waiting)[-1]

    def next_ms(self) -> int | None:
        """When the next one comes, or may come, as far as that is known from outside of chunks; None where nobody waits."""
        self._order()
        moments = [contact.known_ms for contact in self._fresh[:1]]
        moments += [entry[0] for entry in self._waiting[:1]]
        moments += [self.chunks[number].first_ms for number in self._resting]
        return min(moments, default=None)

    def take(self, name: str) -> list[Contact]:
        """Those of a customer, in order; they wait no more, and the name is in no chunk any more."""
        found = [contact for contact in self._fresh if contact.customer == name]
        found += [entry[-1] for entry in self._waiting if entry[-1].customer == name]
        self._fresh = [contact for contact in self._fresh if contact.customer != name]
        self._waiting = sorted(entry for entry in self._waiting if entry[-1].customer != name)
        for number in list(self.chunks):
            held = self._read(number)
            if theirs := [contact for contact in held if contact.customer == name]:
                found += theirs if number in self._resting else []
                self._put(number, [contact for contact in held if contact.customer != name])
        return sorted(found, key=lambda contact: (contact.known_ms, contact.interaction_id, contact.revision))

    def write(self, watermark_ms: int) -> None:
        """Put into the store who came since the last call and still waits; take out what doesn't. `until` was asked before."""
        self._drop([number for number, chunk in self.chunks.items() if chunk.last_ms <= watermark_ms])
        fresh, self._fresh = sorted(self._fresh, key=_known_ms), []
        parts = list(_parts(fresh, CHUNK_SPAN_MS))
        self._new += len(parts)
        if self._new > NEW_CHUNKS_MAX:
            small = [number for number in sorted(self._resting) if self.chunks[number].contacts < SMALL_CONTACTS]
            fresh = [contact for number in small for contact in self._read(number)] + fresh
            self._drop(small)
            parts, self._new = list(_parts(sorted(fresh, key=_known_ms), TOGETHER_SPAN_MS)), 0
        last = max(self.chunks, default=0)
        for number, part in enumerate(parts, last + 1):
            self._put(number, part)
            self._resting.add(number)

    def _wake(self, watermark_ms: int, done_ms: int | None = None) -> None:
        """Bring the chunks into memory whose first is due; done_ms: those up to it aren't waiting any more."""
        for number in sorted(number for number in self._resting if self.chunks[number].first_ms <= watermark_ms):
            self._resting.discard(number)
            for contact in self._read(number):
                if done_ms is None or contact.known_ms > done_ms:
                    self._push(contact)

    def _order(self) -> None:
        if not self._ordered:
            self._fresh.sort(key=_known_ms)
            self._ordered = True

    def _push(self, contact: Contact) -> None:
        self._number += 1
        heappush(self._waiting, (contact.known_ms, contact.interaction_id, contact.revision, self._number, contact))

    def _read(self, number: int) -> list[Contact]:
        return _DECODER.decode(self._store[_KEY.pack(PREFIX, number)])

    def _put(self, number: int, contacts: list[Contact]) -> None:
        """Contacts in order of their time under a number; none: nothing is there any more."""
        if not contacts:
            self._drop([number])
            return
        self._store[_KEY.pack(PREFIX, number)] = _ENCODER.encode(contacts)
        self.chunks[number] = Chunk(contacts[0].known_ms, contacts[-1].known_ms, len(contacts))

    def _drop(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._resting.discard(number)
            del self.chunks[number]
            del self._store[_KEY.pack(PREFIX, number)]


def _parts(contacts: list[Contact], span_ms: int) -> Iterator[list[Contact]]:
    """Contacts in order of their time by chunks: no more than CHUNK_CONTACTS, and within `span_ms` of each other."""
    part: list[Contact] = []
    for contact in contacts:
        if part and (len(part) == CHUNK_CONTACTS or contact.known_ms - part[0].known_ms >= span_ms):
            yield part
            part = []
        part.append(contact)
    if part:
        yield part


def _known_ms(contact: Contact) -> int:
    return contact.known_ms
