"""The table partitions of a stage that are open on this worker: who may change them, and what of them has to become durable.

It decides and does nothing else: no thread, no loop, no Kafka. Whoever calls keeps the calls apart; the stage does it with the
event loop and a lock, the simulation with a seed.

The surprise: `take` moves on before anything is written. If the writing then fails nothing is known, and the worker must stop.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from confluent_kafka import TopicPartition

from streams.engine.batch import Batch, Output
from streams.engine.errors import EngineError
from streams.engine.producer import Work
from streams.engine.stamp import NO_RULES, STAMP_KEY, Stamp, encode_stamp, to_commit
from streams.engine.store import Store


class Keeper(Protocol):
    """State of one partition; it reads and writes its Store and collects outputs."""

    def drain(self, now_ms: int, lag: int) -> list[Output]:
        """Put what changed into the store; the outputs since the last call. `lag`: records not yet applied, -1 while unknown."""


K = TypeVar("K", bound=Keeper)


@dataclass
class Opened(Generic[K]):
    """One open partition."""

    keeper: K
    store: Store
    position: int
    stamp: Stamp  # of what is durable, or is being made so
    assignment: int


class Table(Generic[K]):
    """The open partitions of one stage; each stands at exactly one position of its source."""

    def __init__(
        self,
        name: str,
        topic: str,
        changelog: str,
        worker: str,
        open: Callable[[int, Store], K],  # noqa: A002  # the word of the contract: opens a partition
        rules: Mapping[str, str] = NO_RULES,
    ) -> None:
        """`rules`: the settings without which the state means something else; they go into each stamp."""
        self.name = name
        self.topic = topic
        self.changelog = changelog
        self.opened: dict[int, Opened[K]] = {}
        self.left: list[int] = []  # whose turn is still to come in this round of flushes
        self._worker = worker
        self._open = open
        self._rules = dict(rules)

    def open(self, partition: int, store: Store, stamp: Stamp, assignment: int) -> None:
        """Take up a partition whose state stands at the position of this stamp."""
        self.take_up(partition, self.make(partition, store), store, stamp, assignment)

    def make(self, partition: int, store: Store) -> K:
        """The keeper of a partition, for `take_up`; what costs time where the state is large, and may be done in any thread."""
        store.size_bytes()  # counted here, not where it would hold up the loop: 50 ms where there are a million entries in memory
        len(store)  # for the same reason: on disk it has to be counted where it was made anew
        return self._open(partition, store)

    def take_up(self, partition: int, keeper: K, store: Store, stamp: Stamp, assignment: int) -> None:
        """As `open`, with a keeper that was made before."""
        self.opened[partition] = Opened(keeper, store, stamp.position, stamp, assignment)

    def close(self, partitions: Iterable[int]) -> None:
        """Let go of partitions, whatever they hold that isn't flushed."""
        for partition in partitions:
            self.opened.pop(partition, None)

    def accept(self, batch: Batch) -> K | None:
        """The keeper, its position moved; None where the partition has gone. Apply the batch before any other call."""
        opened = self.opened.get(batch.partition)
        if opened is None or opened.assignment != batch.assignment:
            return None
        if batch.first != opened.position:
            raise EngineError(
                f"{self.name}: {batch.topic}/{batch.partition} goes on at {batch.first}, "
                f"but the state stands at {opened.position}: a defect of the engine, start again"
            )
        opened.position = batch.next
        return opened.keeper

    def take(self, now_ms: int, lag: Callable[[int], int], partitions: Iterable[int] | None = None) -> Work:
        """Drain keepers (None: all), and what a flush has to write: outputs, changed keys and a stamp per partition that moved.

        What belongs to one partition is taken in one step. Partitions don't depend on each other: batches may come in between.
        """
        records: list[Output] = []
        offsets: list[TopicPartition] = []
        stamps: dict[int, Stamp] = {}
        for partition in list(self.opened) if partitions is None else partitions:
            opened = self.opened[partition]
            outputs = opened.keeper.drain(now_ms, lag(partition))
            dirty = opened.store.take_dirty()
            if outputs or dirty or opened.position != opened.stamp.position:
                flush = opened.stamp.flush + 1
                stamp = Stamp(position=opened.position, flush=flush, worker=self._worker, at_ms=now_ms, rules=self._rules)
                opened.stamp = stamps[partition] = stamp
                records += outputs
                records += [Output(self.changelog, value, key, partition) for key, value in dirty.items()]
                records.append(Output(self.changelog, encode_stamp(stamp), STAMP_KEY, partition))
                offsets.append(to_commit(self.topic, partition, stamp))
        return Work(records, offsets, stamps)

    def turn(self, now_ms: Callable[[], int], lag: Callable[[int], int], records_max: int) -> Iterator[Work]:
        """What one flush writes, by partition, until it has so many records. A new round begins when each has had its turn.

        No partition may come or go meanwhile; batches may come.
        """
        self.left = [partition for partition in self.left if partition in self.opened] or list(self.opened)
        records = 0
        while self.left and records < records_max:
            work = self.take(now_ms(), lag, [self.left.pop(0)])
            records += len(work.records)
            yield work

    def position(self, partition: int) -> int | None:
        """Where the state stands; None where the partition isn't open."""
        opened = self.opened.get(partition)
        return None if opened is None else opened.position

    def entries(self) -> int:
        """How many entries all open partitions hold."""
        return sum(len(opened.store) for opened in self.opened.values())

    def state_bytes(self) -> int:
        """Keys and values of all open partitions."""
        return sum(opened.store.size_bytes() for opened in self.opened.values())


def together(parts: Iterable[Work]) -> Work:
    """What was taken of different partitions, to be written in one flush."""
    records: list[Output] = []
    offsets: list[TopicPartition] = []
    stamps: dict[int, Stamp] = {}
    for part in parts:
        records += part.records
        offsets += part.offsets
        stamps.update(part.stamps)
    return Work(records, offsets, stamps)
