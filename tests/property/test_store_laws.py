"""A table in memory and one in RocksDB are the same table, whatever is done to them and wherever they break off."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from laws import examples

from streams.engine.disk import Disk, make_cache, open_database
from streams.engine.stamp import Mark, Stamp
from streams.engine.store import Store

KEYS = st.sampled_from([b"a", b"b", b"ba", b"c", b"\xff"])
VALUES = st.binary(max_size=3)
STEPS = st.one_of(
    st.tuples(st.just("set"), KEYS, VALUES),
    st.tuples(st.just("delete"), KEYS),
    st.tuples(st.sampled_from(["take", "settle", "crash", "reopen"])),
    st.tuples(st.just("load"), st.dictionaries(KEYS, st.none() | VALUES)),
)


class Pair:
    """Both stores, and what of them is durable in a changelog."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.durable: dict[bytes, bytes] = {}
        self.flying: dict[bytes, bytes | None] | None = None
        self.number = 0
        self.memory = Store()
        self.disk = self.open()

    def open(self) -> Store:
        """The store on disk as a new process finds it."""
        return Store(disk=Disk(open_database(self.directory, make_cache(1)), "here"))

    def do(self, step: tuple[Any, ...]) -> None:
        """The same to both."""
        name, *arguments = step
        getattr(self, name)(*arguments)

    def set(self, key: bytes, value: bytes) -> None:
        self.memory[key] = self.disk[key] = value

    def delete(self, key: bytes) -> None:
        outcomes = [self._try(lambda: store.__delitem__(key)) for store in (self.memory, self.disk)]  # noqa: B023  # called at once
        assert outcomes[0] == outcomes[1]

    def take(self) -> None:
        """A flush begins, when the one before has ended."""
        self.settle()
        taken = self.memory.take_dirty()
        assert taken == self.disk.take_dirty()
        self.flying = taken

    def settle(self) -> None:
        """The flush under way is durable."""
        if self.flying is not None:
            self._remember(self.flying)
            self.flying = None
            self.disk.settle(self._mark())

    def load(self, changes: dict[bytes, bytes | None]) -> None:
        """Records of the changelog come in, which happens when nothing of one's own waits."""
        self.take()
        self.settle()
        self.reopen()
        self._remember(changes)
        mark = self._mark()
        for store in (self.memory, self.disk):
            store.load(dict(changes), mark)

    def crash(self) -> None:
        """Both lose what isn't durable; memory is read anew, disk stands where it stood last."""
        self.flying = None
        self.reopen()

    def reopen(self) -> None:
        self.disk.close()
        self.disk = self.open()
        self.memory = Store(self.durable)
        self.flying = None

    def assert_alike(self) -> None:
        assert dict(self.memory.items()) == dict(self.disk.items())
        assert sorted(self.memory) == sorted(self.disk)
        assert len(self.memory) == len(self.disk)
        for key in (b"a", b"b", b"ba", b"c", b"\xff", b"missing"):
            assert self.memory.get(key) == self.disk.get(key)
            assert (key in self.memory) == (key in self.disk)

    def _mark(self) -> Mark:
        self.number += 1
        return Mark(Stamp(position=self.number), self.number)

    def _remember(self, changes: dict[bytes, bytes | None]) -> None:
        for key, value in changes.items():
            if value is None:
                self.durable.pop(key, None)
            else:
                self.durable[key] = value

    def _try(self, call: Callable[[], None]) -> bool:
        try:
            call()
        except KeyError:
            return False
        return True


@examples(60)
@given(st.lists(STEPS, max_size=30))
def test_memory_and_rocksdb_are_alike_under_changes_flushes_crashes_and_restarts(steps: list[tuple[Any, ...]]) -> None:
    directory = Path(tempfile.mkdtemp())
    pair = Pair(directory / "table")
    try:
        for step in steps:
            pair.do(step)
            pair.assert_alike()
    finally:
        pair.disk.close()
        shutil.rmtree(directory)


def test_what_is_on_disk_tells_how_far_it_goes(tmp_path: Path) -> None:
    pair = Pair(tmp_path / "table")
    pair.set(b"a", b"1")
    pair.take()
    pair.set(b"a", b"2")
    pair.settle()
    pair.disk.close()
    disk = Disk(open_database(tmp_path / "table", make_cache(1)), "here")
    assert dict(disk) == {b"a": b"1"}
    assert disk.held is not None
    assert (disk.held.origin, disk.held.count, disk.held.mark) == ("here", 1, Mark(Stamp(position=1), 1))
    disk.close()


def test_a_key_that_is_not_there_can_not_be_deleted(tmp_path: Path) -> None:
    pair = Pair(tmp_path / "table")
    with pytest.raises(KeyError):
        del pair.disk[b"a"]
    pair.disk.close()
