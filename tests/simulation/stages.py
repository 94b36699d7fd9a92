"""The shell of a stage as the simulation runs it: the engine's own source, table, opening and writer, without threads and loop.

It does what streams/engine/stage.py does, in the same order: batches reach the keeper one by one, a flush takes everything in one
step and writes while batches go on, partitions come and go under the lock that flushes hold.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from simulation.clients import Kafka
from simulation.world import Process, World

from streams.engine.batch import Batch
from streams.engine.opening import find
from streams.engine.options import Settings, StageOptions, member_settings
from streams.engine.outage import Outage
from streams.engine.producer import Transactions, Work, Writer
from streams.engine.source import Limits, Place, Source
from streams.engine.store import Store
from streams.engine.table import Table, together
from streams.pipeline import PREPARE, Applying

CLIENT: Settings = {"bootstrap.servers": "simulated"}
OPEN_SECONDS_MAX = 60.0
# Now and then the loop is busy elsewhere for longer than a session, while batches wait and partitions come and go.
BUSY, BUSY_SECONDS_MAX = 0.05, 4.0

Accept = Callable[[Table[Applying], Batch], Applying | None]


class SimulatedStage:
    """One stage of one worker."""

    def __init__(
        self,
        kafka: Kafka,
        process: Process,
        name: str,
        topic: str,
        open: Callable[[int, Store], Applying],  # noqa: A002  # the engine's word
        options: StageOptions,
        now_ms: Callable[[], int],
        take_note: Callable[[], object],
    ) -> None:
        self.name = name
        self.topic = topic
        self.process = process
        self.table = Table(name, topic, options.changelog(name), options.worker, open)
        self.accept: Accept = Table.accept
        self.channel: deque[Batch] = deque()
        self.stopping = False
        self.left = False
        self._kafka = kafka
        self._world: World = kafka.broker.world
        self._options = options
        self._now_ms = now_ms
        self._take_note = take_note
        self._locked = False
        self._read = False
        self._applied_bytes = 0
        outage = Outage(name)
        self.writer: Writer = Transactions(CLIENT, options.transactional_id(name), options.transaction_timeout_seconds, outage)
        settings = member_settings(CLIENT, options, name, static=True)
        limits = Limits(options.batch_records, options.batches_under_way, options.kilobytes_under_way)
        self.source = Source(settings, [topic], limits, self, self.channel.append, now_ms, outage, PREPARE.get(name))

    def run_source(self) -> None:
        """The source's thread."""
        self.writer.open(OPEN_SECONDS_MAX)
        self.source.run()
        self._read = True

    def run_agent(self) -> None:
        """The agent."""
        while True:
            self._world.wait("agent", lambda: bool(self.channel))
            if self._world.chance(BUSY):
                self._world.sleep(self._world.random.random() * BUSY_SECONDS_MAX)
            batch = self.channel.popleft()
            self.source.taken()
            keeper = self.accept(self.table, batch)
            if keeper is not None:
                keeper.apply(batch)

    def run_flushes(self) -> None:
        """The timer of flushes; at the end, the orderly stop."""
        while not self.stopping:
            self.flush()
            self._world.wait("between flushes", lambda: self.stopping, self._options.flush_seconds)
        self.source.stop()
        self._world.wait("stops reading", lambda: self._read)
        self._flush_all()
        self.table.close(list(self.table.opened))
        self.source.close()
        self._kafka.broker.groups[self._options.group(self.name)].leave(self._options.instance(self.name))
        self.left = True

    def flush(self) -> bool:
        """Make durable what has changed, in so many partitions as fit; whether there was anything."""
        with self._lock():
            self.process.in_flush += 1
            work = self._take()
            if work.offsets:
                self.writer.write(work, self.source.metadata)
            self.process.in_flush -= 1
            return bool(work.offsets)

    def _flush_all(self) -> None:
        with self._lock():
            self.table.left.clear()
        while self.flush() and self.table.left:
            pass

    def _take(self) -> Work:
        """What there is to write, partition by partition; others may go on in between."""
        parts: list[Work] = []
        told: list[object] = []
        if not self.table.left:
            self._applied_bytes = self.source.room.applied()
        for part in self.table.turn(self._now_ms, self._lag, self._options.flush_records_max):
            parts.append(part)
            told.append(self._take_note())
            self._world.pause("takes")
        if self.table.left:
            self._kafka.partial_flushes += 1
        else:
            self.source.drained(self._applied_bytes)
        self._kafka.notes[self.process, self._options.transactional_id(self.name)] = told
        return together(parts)

    def _lag(self, partition: int) -> int:
        position = self.table.position(partition)
        return -1 if position is None else self.source.lag((self.topic, partition), position)

    # The source's owner.

    def assigned(self, consumer: Any, places: Sequence[Place], assignment: int) -> dict[Place, int]:
        """Open the partitions."""
        if not places:
            return {}
        found = find(consumer, CLIENT, self.name, self.table.changelog, places, transactional=True)
        with self._lock():
            for place, (table, stamp) in found.items():
                self.table.open(place[1], table.store, stamp, assignment)
        return {place: partition.stamp.position for place, partition in found.items()}

    def revoked(self, places: Sequence[Place]) -> None:
        """Flush, then close."""
        self._flush_all()
        self.lost(places)

    def lost(self, places: Sequence[Place]) -> None:
        """Close."""
        with self._lock():
            self.table.close(partition for _topic, partition in places)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        self._world.wait("lock", lambda: not self._locked)
        self._locked = True
        try:
            yield
        finally:
            self._locked = False
