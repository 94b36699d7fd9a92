"""Timers in the store: which customers are due in which minute of event time; nothing of it is in memory but what is new.

The names of a minute lie in chunks, so that a flush writes a few of them and not the whole minute. The surprise: an appointment
is not taken off when another is made; whoever is called compares it with the one that stands in the history.
"""

from collections.abc import Iterator, MutableMapping
from struct import Struct

from streams.core.expiry import BUCKET_MS

PREFIX = b"t"
NAME_CHARACTERS = 16  # of a customer's name, customer.NAME_BYTES as base64
CHUNK_NAMES = 64  # a kilobyte: what a flush rewrites at most for a name
CHUNKS_KNOWN_MAX = 20_000  # minutes whose last chunk is remembered; beyond it they are looked for again
_KEY = Struct(">cqI")


class Timers:
    """One per partition. first_ms, last_ms: between these minutes there may be appointments."""

    def __init__(self, store: MutableMapping[bytes, bytes], first_ms: int | None, last_ms: int) -> None:
        self._store = store
        self.first_ms = first_ms
        self.last_ms = last_ms
        self._fresh: dict[int, list[str]] = {}
        self._chunks: dict[int, int] = {}  # minute → number of its last chunk

    def schedule(self, name: str, bucket_ms: int) -> None:
        """Call this customer in this minute."""
        self._fresh.setdefault(bucket_ms, []).append(name)
        if self.first_ms is None or self.first_ms > self.last_ms or bucket_ms < self.first_ms:
            self.first_ms = bucket_ms
        self.last_ms = max(self.last_ms, bucket_ms)

    def cancel(self, name: str, bucket_ms: int) -> None:
        """Take this customer off this minute, so that the name is nowhere any more."""
        if name in self._fresh.get(bucket_ms, ()):
            self._fresh[bucket_ms].remove(name)
        number = 0
        while (names := self._store.get(_key(bucket_ms, number))) is not None:
            left = [other for other in _names(names) if other != name]
            if NAME_CHARACTERS * len(left) < len(names):
                self._store[_key(bucket_ms, number)] = "".join(left).encode()  # perhaps empty: the next chunk is found by numbers
            number += 1

    def due(self, watermark_ms: int) -> Iterator[tuple[int, str]]:
        """(minute, name) of all appointments up to here, in order; more may be made while this goes on."""
        while self.first_ms is not None and self.first_ms <= min(watermark_ms, self.last_ms):
            bucket_ms = self.first_ms
            self.first_ms += BUCKET_MS
            for name in [*self._take(bucket_ms), *self._fresh.pop(bucket_ms, ())]:
                yield bucket_ms, name

    def next_ms(self) -> int | None:
        """The next minute in which there may be appointments."""
        return None if self.first_ms is None or self.first_ms > self.last_ms else self.first_ms

    def write(self) -> None:
        """Write to the store what is new since the last call."""
        for bucket_ms, names in self._fresh.items():
            number = self._last_chunk(bucket_ms)
            held = self._store.get(_key(bucket_ms, number), b"").decode()
            room = CHUNK_NAMES - len(held) // NAME_CHARACTERS
            self._store[_key(bucket_ms, number)] = (held + "".join(names[:room])).encode()
            for start in range(room, len(names), CHUNK_NAMES):
                number += 1
                self._store[_key(bucket_ms, number)] = "".join(names[start : start + CHUNK_NAMES]).encode()
            self._chunks[bucket_ms] = number
        self._fresh.clear()
        if len(self._chunks) > CHUNKS_KNOWN_MAX:
            self._chunks.clear()

    def _take(self, bucket_ms: int) -> Iterator[str]:
        self._chunks.pop(bucket_ms, None)
        number = 0
        while (names := self._store.get(_key(bucket_ms, number))) is not None:
            del self._store[_key(bucket_ms, number)]
            number += 1
            yield from _names(names)

    def _last_chunk(self, bucket_ms: int) -> int:
        """The chunk to go on with: the last one, or the first that isn't there yet."""
        number = self._chunks.get(bucket_ms, 0)
        while _key(bucket_ms, number + 1) in self._store:
            number += 1
        return number


def _names(chunk: bytes) -> list[str]:
    text = chunk.decode()
    return [text[start : start + NAME_CHARACTERS] for start in range(0, len(text), NAME_CHARACTERS)]


def _key(bucket_ms: int, number: int) -> bytes:
    return _KEY.pack(PREFIX, bucket_ms, number)
