"""Where a stage's table partitions come from and stay: in memory, or on disk under the worker's data directory.

What is on disk is a warm start, never the truth: that is the changelog. A copy that is too old, foreign or broken is dropped and
made anew. The surprise: old means a time, not a distance. After its retention the broker's cleaner forgets that a key was
deleted, and a copy that slept meanwhile would keep that key for ever.
"""

import logging
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from confluent_kafka import IsolationLevel, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # its stubs forget to export it

from streams.engine.changelog import Recovered
from streams.engine.disk import Disk, open_database
from streams.engine.errors import explain, kafka_errors
from streams.engine.options import Settings
from streams.engine.stamp import Mark, Stamp
from streams.engine.store import Store

if TYPE_CHECKING:
    from rocksdict import Cache

LOG = logging.getLogger(__name__)

AGE_MS_MAX = 30 * 60 * 1000  # half of what the cleaner waits before it forgets a deletion (edge/kafka.py)
ASK_SECONDS_MAX = 30.0  # a broker that just started answers late
MARK_SECONDS_MAX = 2.0  # a flush doesn't wait longer for what only saves reading


class Stores(Protocol):
    """The table partitions of one stage on this worker. Calls come from one thread at a time."""

    def begin(self, partitions: int) -> None:
        """The worker begins; the stage has so many partitions in all."""

    def end(self) -> None:
        """The worker ends; all was closed."""

    def open(self, partitions: Sequence[int]) -> dict[int, Recovered]:
        """What is there of these partitions, to be read on from the changelog."""

    def anew(self, partition: int) -> Recovered:
        """What is there of this open partition is no good: an empty table in its place."""

    def settle(self, stamps: Mapping[int, Stamp]) -> None:
        """What was taken from these open partitions is durable, up to these stamps."""

    def close(self, partitions: Iterable[int]) -> None:
        """Somebody else owns these now, or the worker ends. What isn't settled is forgotten."""


class InMemory:
    """Nothing is kept: each open begins with an empty table."""

    def begin(self, partitions: int) -> None:
        """Nothing to do."""

    def end(self) -> None:
        """Nothing to do."""

    def open(self, partitions: Sequence[int]) -> dict[int, Recovered]:
        """Empty tables."""
        return {partition: Recovered() for partition in partitions}

    def anew(self, partition: int) -> Recovered:  # noqa: ARG002  # the protocol's
        """An empty table."""
        return Recovered()

    def settle(self, stamps: Mapping[int, Stamp]) -> None:
        """Nothing to do: the changelog has it."""

    def close(self, partitions: Iterable[int]) -> None:
        """Nothing to do: whoever holds the table lets it go."""


class OnDisk:
    """A database for each partition. What was closed stays for when the partition comes back, until it is too old."""

    def __init__(self, directory: Path, cache: "Cache", client: Settings, changelog: str, now_ms: Callable[[], int]) -> None:
        self._directory = directory
        self._cache = cache
        self._changelog = changelog
        self._now_ms = now_ms
        self._admin = AdminClient(dict[str, Any](client, log_level=0))
        self._origin = ""
        self._open: dict[int, Store] = {}
        self._next: dict[int, int] = {}  # offsets of the changelog before which all is in the stores

    def begin(self, partitions: int) -> None:
        """Nothing to do."""

    def end(self) -> None:
        """Nothing to do."""

    def open(self, partitions: Sequence[int]) -> dict[int, Recovered]:
        """What the databases hold, where that can be read on from the changelog; empty tables elsewhere."""
        with kafka_errors(f"can't ask for the changelog {self._changelog}"):
            self._origin = self._origin or self._ask_origin()
            begins, ends = self._ask(partitions, ASK_SECONDS_MAX, first=True), self._ask(partitions, ASK_SECONDS_MAX)
        self._drop_old()
        return {partition: self._table(partition, range(begins[partition], ends[partition] + 1)) for partition in partitions}

    def anew(self, partition: int) -> Recovered:
        """An empty database."""
        self.close([partition])
        self._drop(partition, "doesn't lead to the committed offset")
        return self._table(partition, range(0))

    def settle(self, stamps: Mapping[int, Stamp]) -> None:
        """Write down what was taken. Only this worker writes to these partitions, so where they end now, all is in the stores."""
        try:
            self._next.update(self._ask(list(stamps), MARK_SECONDS_MAX))  # 2 ms beside a flush
        except KafkaException as error:
            # A leader moves, perhaps. The place from before is right, too, there is only more to read.
            LOG.info("can't ask for the end of %s: %s", self._changelog, explain(error))
        for partition, stamp in stamps.items():
            self._open[partition].settle(Mark(stamp, self._next[partition]))

    def close(self, partitions: Iterable[int]) -> None:
        """Close the databases; they stay."""
        for partition in partitions:
            store = self._open.pop(partition, None)
            if store is not None:
                store.close()

    def _table(self, partition: int, offsets: range) -> Recovered:
        disk = self._database(partition)
        problem = self._problem(disk, offsets)
        if problem:
            disk.close()
            self._drop(partition, problem)
            disk = self._database(partition)
        store = self._open[partition] = Store(disk=disk)
        mark = disk.held.mark if disk.held else Mark()
        self._next[partition] = mark.next
        return Recovered(store, mark.stamp, mark.next)

    def _database(self, partition: int) -> Disk:
        path = self._path(partition)
        try:
            return Disk(open_database(path, self._cache), self._origin)
        except Exception as error:  # noqa: BLE001  # rocksdict raises nothing narrower
            self._drop(partition, f"can't be opened: {error}")
        return Disk(open_database(path, self._cache), self._origin)

    def _problem(self, disk: Disk, offsets: range) -> str:
        """Why a database can't be read on; "" where it can."""
        if disk.held is None:
            return "" if disk.is_empty() else "has another format"
        mark = disk.held.mark
        if disk.held.origin != self._origin:
            return "belongs to another changelog"
        if mark.stamp is None:
            return "was never finished"
        if self._now_ms() - mark.stamp.at_ms > AGE_MS_MAX:
            return "is too old"
        return "" if mark.next in offsets else "is at an offset that its changelog doesn't have"

    def _path(self, partition: int) -> Path:
        return self._directory / str(partition)

    def _drop(self, partition: int, problem: str) -> None:
        LOG.warning("the local copy of %s/%d %s: it is made anew from the changelog", self._changelog, partition, problem)
        shutil.rmtree(self._path(partition))

    def _drop_old(self) -> None:
        """Remove what nobody has written to for so long that it couldn't be used any more."""
        for path in self._directory.glob("*"):
            newest = max((file.stat().st_mtime for file in path.glob("*")), default=0.0)
            if path.name not in map(str, self._open) and self._now_ms() - newest * 1000 > AGE_MS_MAX:
                LOG.info("removing the local copy %s: too old to be used", path)
                shutil.rmtree(path)

    def _ask_origin(self) -> str:
        topic = self._admin.describe_topics(TopicCollection([self._changelog]))[self._changelog].result(ASK_SECONDS_MAX)
        return f"{self._admin.list_topics(timeout=ASK_SECONDS_MAX).cluster_id}/{self._changelog}/{topic.topic_id}"

    def _ask(self, partitions: Sequence[int], seconds_max: float, *, first: bool = False) -> dict[int, int]:
        """Where the logs begin or end, pending transactions included."""
        spec = OffsetSpec.earliest() if first else OffsetSpec.latest()  # type: ignore[no-untyped-call]  # its stubs lack it
        asked = {TopicPartition(self._changelog, partition): spec for partition in partitions}
        if not asked:
            return {}
        answers = self._admin.list_offsets(asked, isolation_level=IsolationLevel.READ_UNCOMMITTED, request_timeout=seconds_max)
        return {place.partition: answer.result().offset for place, answer in answers.items()}
