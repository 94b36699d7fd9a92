"""A table partition in memory: bytes to bytes, and which keys changed since the last flush.

The surprise: a key that was set and deleted between two flushes is dirty, too: it may exist in the changelog from before.
"""

from collections.abc import Iterator, Mapping, MutableMapping


class Store(MutableMapping[bytes, bytes]):
    """Reads and writes like a dict; `take_dirty` says what a flush has to write."""

    def __init__(self, entries: Mapping[bytes, bytes] | None = None) -> None:
        self._entries = dict(entries or {})
        self._dirty: set[bytes] = set()

    def __getitem__(self, key: bytes) -> bytes:
        return self._entries[key]

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._entries[key] = value
        self._dirty.add(key)

    def __delitem__(self, key: bytes) -> None:
        del self._entries[key]
        self._dirty.add(key)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def take_dirty(self) -> dict[bytes, bytes | None]:
        """Values of the keys that changed since the last call, None for deleted ones; afterwards nothing is dirty."""
        dirty = {key: self._entries.get(key) for key in self._dirty}
        self._dirty.clear()
        return dirty
