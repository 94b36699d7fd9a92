"""Entries of a table partition in RocksDB: on disk what is durable in the changelog, above it in memory what isn't yet.

What a flush has made durable goes to disk in one batch with the mark of how far that is, so that a crash at any moment leaves a
state that was once true, and its place in the changelog; the rest is read from there. The surprise: nothing is synced. A machine
that loses power loses the last batches, and they are read again, too.
"""

from collections.abc import ItemsView, Iterator, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from streams.engine.errors import EngineError
from streams.engine.stamp import RESERVED, Mark

if TYPE_CHECKING:
    from rocksdict import Cache, Rdict

HELD_KEY = RESERVED + b"held"  # what the database holds, beside the entries
WRITE_BUFFER_BYTES = 8 * 1024 * 1024  # per partition, twice; flushes bring some kilobytes to a megabyte
BLOOM_BITS_PER_KEY = 10  # usual: one look-up in a hundred for a missing key goes to disk
FORMAT = 1
UNKNOWN = -1  # a count that has to be made
LOOK_UPS_PER_ENTRY = 5  # a look-up of a key costs as much as reading so many entries in order (2.2 µs and 0.4 µs)


class Held(msgspec.Struct, array_like=True, frozen=True):
    """What a database says of itself. origin: of which changelog of which cluster it is a copy."""

    format: int
    origin: str
    count: int
    mark: Mark


def decode_held(data: bytes) -> Held | None:
    """What a database says; None where that is in another format."""
    try:
        held = msgspec.msgpack.decode(data, type=Held)
    except msgspec.DecodeError:
        return None
    return held if held.format == FORMAT else None


def make_cache(megabytes: int) -> "Cache":
    """Memory for blocks read, shared by all databases of a worker. EngineError where rocksdict isn't installed."""
    try:
        from rocksdict import Cache  # optional: the extra `rocksdb`
    except ImportError as error:
        raise EngineError(
            "[engine] disk_stages needs the package rocksdict: pip install 'interaction-streams[rocksdb]', or set it to []"
        ) from error
    return Cache(megabytes * 1024 * 1024)


def open_database(path: Path, cache: "Cache") -> "Rdict":
    """Open or make a database."""
    from rocksdict import BlockBasedOptions, DBCompressionType, Options, Rdict

    blocks = BlockBasedOptions()
    blocks.set_block_cache(cache)
    blocks.set_cache_index_and_filter_blocks(True)  # else they are outside of the bound
    blocks.set_bloom_filter(BLOOM_BITS_PER_KEY, False)
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_block_based_table_factory(blocks)
    options.set_compression_type(DBCompressionType.lz4())
    options.set_write_buffer_size(WRITE_BUFFER_BYTES)
    options.set_max_write_buffer_number(2)
    options.set_max_open_files(64)
    options.set_keep_log_file_num(2)
    path.mkdir(parents=True, exist_ok=True)
    return Rdict(str(path), options)


class Disk(MutableMapping[bytes, bytes]):
    """One partition. All calls come from one thread at a time, but for `settle`, which may run beside reads and changes."""

    def __init__(self, database: "Rdict", origin: str) -> None:
        self._database: Any = database
        self._origin = origin
        self._above: dict[bytes, bytes | None] = {}  # what isn't on disk yet, None for deleted
        self._taken: dict[bytes, bytes | None] = {}  # what of it a flush is making durable, or has made
        self._settled = False
        data = database.get(HELD_KEY)
        self.held = None if data is None else decode_held(data)
        self._count = self.held.count if self.held else 0
        self._count_taken = self._count

    def __getitem__(self, key: bytes) -> bytes:
        value = self._above[key] if key in self._above else self._database.get(key)
        if value is None:
            raise KeyError(key)
        return bytes(value)

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._count += key not in self
        self._above[key] = value

    def __delitem__(self, key: bytes) -> None:
        if key not in self:
            raise KeyError(key)
        self._count -= 1
        self._above[key] = None

    def __contains__(self, key: object) -> bool:
        if key in self._above:
            return self._above[key] is not None
        return self._database.get(key) is not None

    def __iter__(self) -> Iterator[bytes]:
        return (key for key, _ in self.pairs())

    def __len__(self) -> int:
        if self._count == UNKNOWN:
            self._count = self._count_taken = sum(1 for _ in self.pairs())
        return self._count

    def items(self) -> ItemsView[bytes, bytes]:
        """All entries in one pass."""
        return _Items(self)

    def is_empty(self) -> bool:
        """Whether the database holds nothing at all."""
        return next(iter(self._database.keys()), None) is None

    def take(self, dirty: dict[bytes, bytes | None]) -> None:
        """A flush begins to make these changes durable; what an earlier one has made so is only on disk from now on."""
        len(self)  # counted, if it wasn't
        if self._settled:
            for key, value in self._taken.items():
                if key in self._above and self._above[key] is value:  # else it has changed again
                    del self._above[key]
            self._taken, self._settled = {}, False
        self._taken = {**self._taken, **dirty}
        self._count_taken = self._count

    def settle(self, mark: Mark) -> None:
        """Write down what was taken: it is durable in the changelog up to `mark`."""
        self._write(self._taken, mark, self._count_taken)
        self._settled = True

    def load(self, changes: dict[bytes, bytes | None], mark: Mark) -> None:
        """Write down records of the changelog, which lead up to `mark`."""
        assert not self._above, "changes are loaded before any are made"
        if self._count != UNKNOWN:
            many = len(changes) * LOOK_UPS_PER_ENTRY > self._count  # then counting all at the end is cheaper than looking up each
            self._count = UNKNOWN if many else self._count + sum(self._difference(*change) for change in changes.items())
        self._write(changes, mark, self._count)

    def size_bytes(self) -> int:
        """About how much the keys and values on disk are, as the database estimates it."""
        return int(self._database.property_int_value("rocksdb.estimate-live-data-size") or 0)

    def close(self) -> None:
        """Let go of the database; what wasn't settled is forgotten."""
        self._database.close()

    def pairs(self) -> Iterator[tuple[bytes, bytes]]:
        """Keys with values: those on disk in their order, then those that are only in memory."""
        above = dict(self._above)
        for key, value in self._database.items():
            if key not in above and not key.startswith(RESERVED):
                yield bytes(key), bytes(value)
        for key, changed in above.items():
            if changed is not None:
                yield key, changed

    def _difference(self, key: bytes, value: bytes | None) -> int:
        return (value is not None) - (self._database.get(key) is not None)

    def _write(self, changes: dict[bytes, bytes | None], mark: Mark, count: int) -> None:
        from rocksdict import WriteBatch

        batch = WriteBatch(raw_mode=True)
        for key, value in changes.items():
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        self.held = Held(FORMAT, self._origin, count, mark)
        batch.put(HELD_KEY, msgspec.msgpack.encode(self.held))
        problem: Exception | None = None
        try:
            self._database.write(batch)
        except Exception as error:  # noqa: BLE001  # rocksdict raises nothing narrower
            problem = error
        if problem is not None:
            raise EngineError(f"can't write to {self._database.path()}: {problem}") from problem


class _Items(ItemsView[bytes, bytes]):
    """The view that a mapping inherits would look up each key."""

    def __init__(self, disk: Disk) -> None:
        super().__init__(disk)
        self._disk = disk

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        return self._disk.pairs()
