"""Contacts that came ahead: known to a partition of intake at an event time that the slowest partition hasn't reached.

They wait until it has, and so are taken in by event time, whatever the order in which partitions were read: what a contact finds
before it is a function of the input alone. The surprise: they lie in the store in chunks, one for what a drain left waiting, so
that waiting costs less than a write for each; what of a chunk isn't waiting any more is known by the watermark.
"""

from collections.abc import Iterable, Iterator, MutableMapping
from heapq import heapify, heappop, heappush
from struct import Struct

import msgspec

from streams.core.contact import Contact

PREFIX = b"a"
CHUNK_CONTACTS = 5_000  # a megabyte; a record of the changelog may have 8
_KEY = Struct(">cI")
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(list[Contact])


class Ahead:
    """One per partition, some 700 bytes of memory for each that waits. chunks: number in the store → when its last is due."""

    def __init__(self, store: MutableMapping[bytes, bytes], chunks: dict[int, int], watermark_ms: int) -> None:
        self._store = store
        self.chunks = chunks
        self._waiting: list[tuple[int, int, Contact]] = []  # a heap; the number only keeps contacts from being compared
        self._fresh: list[Contact] = []
        self._number = 0
        for number in chunks:
            for contact in _DECODER.decode(store[_KEY.pack(PREFIX, number)]):
                if contact.known_ms > watermark_ms:
                    self._push(contact)

    def add(self, contact: Contact) -> None:
        """One more."""
        self._push(contact)
        self._fresh.append(contact)

    def until(self, watermark_ms: int) -> Iterator[Contact]:
        """Those whose time has come, in order of it; they wait no more."""
        waiting = self._waiting
        while waiting and waiting[0][0] <= watermark_ms:
            yield heappop(waiting)[2]

    def take(self, name: str) -> list[Contact]:
        """Those of a customer, in order; they wait no more, and the name is in no chunk any more."""
        found = [contact for _, _, contact in sorted(self._waiting) if contact.customer == name]
        if found or self.chunks:  # a chunk may hold who waits no more
            self._waiting = [entry for entry in self._waiting if entry[2].customer != name]
            heapify(self._waiting)
            self._fresh = [contact for _, _, contact in self._waiting]
            self._drop(list(self.chunks))
        return found

    def write(self, watermark_ms: int) -> None:
        """Write to the store what is new since the last call and still waits; take out what doesn't."""
        self._drop([number for number, last_ms in self.chunks.items() if last_ms <= watermark_ms])
        left = [contact for contact in self._fresh if contact.known_ms > watermark_ms]
        number = max(self.chunks, default=0)
        for start in range(0, len(left), CHUNK_CONTACTS):
            chunk, number = left[start : start + CHUNK_CONTACTS], number + 1
            self._store[_KEY.pack(PREFIX, number)] = _ENCODER.encode(chunk)
            self.chunks[number] = max(contact.known_ms for contact in chunk)
        self._fresh = []

    def _push(self, contact: Contact) -> None:
        self._number += 1
        heappush(self._waiting, (contact.known_ms, self._number, contact))

    def _drop(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            del self.chunks[number]
            del self._store[_KEY.pack(PREFIX, number)]
