"""A table partition: bytes to bytes, in memory or on disk, and which keys changed since the last flush.

The surprise: a key that was set and deleted between two flushes is dirty, too: it may exist in the changelog from before.
"""

from collections.abc import ItemsView, Iterator, Mapping, MutableMapping

from streams.engine.disk import Disk
from streams.engine.stamp import Mark


class Store(MutableMapping[bytes, bytes]):
    """Reads and writes like a dict; `take_dirty` says what a flush has to write."""

    def __init__(self, entries: Mapping[bytes, bytes] | None = None, disk: Disk | None = None) -> None:
        self._disk = disk
        self._entries: MutableMapping[bytes, bytes] = dict(entries or {}) if disk is None else disk
        self._dirty: set[bytes] = set()
        self._size_bytes: int | None = None  # of the entries in memory; None until it was asked for

    def __getitem__(self, key: bytes) -> bytes:
        return self._entries[key]

    def __setitem__(self, key: bytes, value: bytes) -> None:
        if self._size_bytes is not None:  # 0.1 µs: nothing beside what it costs to make the value
            before = self._entries.get(key)
            self._size_bytes += len(value) + (len(key) if before is None else -len(before))
        self._entries[key] = value
        self._dirty.add(key)

    def __delitem__(self, key: bytes) -> None:
        if self._size_bytes is not None:
            self._size_bytes -= len(key) + len(self._entries[key])
        del self._entries[key]
        self._dirty.add(key)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def items(self) -> ItemsView[bytes, bytes]:
        """As of a dict; written out because a look-up per key costs seconds where there are millions."""
        return self._entries.items()

    def size_bytes(self) -> int:
        """Keys and values; on disk about so many. Goes through all entries the first time, and after a load."""
        if self._disk is not None:
            return self._disk.size_bytes()
        if self._size_bytes is None:
            self._size_bytes = sum(map(len, self._entries)) + sum(map(len, self._entries.values()))
        return self._size_bytes

    def take_dirty(self) -> dict[bytes, bytes | None]:
        """Values of the keys that changed since the last call, None for deleted ones; afterwards nothing is dirty."""
        dirty = {key: self._entries.get(key) for key in self._dirty}
        self._dirty.clear()
        if self._disk is not None:
            self._disk.take(dirty)
        return dirty

    def load(self, changes: dict[bytes, bytes | None], mark: Mark) -> None:
        """Take in records of the changelog, which are durable already and so not dirty; `mark` is where that leads to."""
        if self._disk is not None:
            self._disk.load(changes, mark)
            return
        self._size_bytes = None
        # Bulk update first, then what must go: twice as fast as a loop over all.
        self._entries.update(changes)  # type: ignore[arg-type]  # None is gone in the next lines
        for key in [key for key, value in changes.items() if value is None]:
            del self._entries[key]

    def settle(self, mark: Mark) -> None:
        """All that was ever taken is durable in the changelog up to `mark`: a store on disk writes it down now."""
        if self._disk is not None:
            self._disk.settle(mark)

    def close(self) -> None:
        """Let go of the disk; what isn't durable is forgotten."""
        if self._disk is not None:
            self._disk.close()
