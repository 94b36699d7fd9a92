"""Books: incidents by series, pending, active and recent, as they rest in a store: an entry each, written when it changed."""

from collections.abc import MutableMapping, Sequence
from typing import Generic, TypeAlias, TypeVar

import msgspec

T = TypeVar("T")
Entry: TypeAlias = tuple[T | None, T | None, T | None]  # what a series has in each book

_ENCODER = msgspec.msgpack.Encoder()


class StoredBooks(Generic[T]):
    """The books of one watch in a store, under a prefix of their own."""

    def __init__(self, store: MutableMapping[bytes, bytes], prefix: bytes, decoder: msgspec.msgpack.Decoder[Entry[T]]) -> None:
        self._store, self._prefix, self._decoder = store, prefix, decoder
        self._stored: dict[str, Entry[T]] = {}

    def save(self, books: tuple[dict[str, T], dict[str, T], dict[str, T]]) -> None:
        """Write what changed since the last call, and delete the entries of series that are in no book any more."""
        pending, active, recent = books
        names = {*pending, *active, *recent}
        entries: dict[str, Entry[T]] = {name: (pending.get(name), active.get(name), recent.get(name)) for name in names}
        for name in self._stored.keys() - names:
            del self._store[self._key(name)]
        for name, entry in entries.items():
            if self._stored.get(name) != entry:
                self._store[self._key(name)] = _ENCODER.encode(entry)
        self._stored = entries

    def restore(self, books: Sequence[dict[str, T]]) -> None:
        """Fill the books with what is stored, by name."""
        for key in sorted(key for key in self._store if key.startswith(self._prefix)):
            name = key[len(self._prefix) :].decode()
            self._stored[name] = self._decoder.decode(self._store[key])
            for book, one in zip(books, self._stored[name], strict=True):
                if one is not None:
                    book[name] = one

    def _key(self, name: str) -> bytes:
        return self._prefix + name.encode()
