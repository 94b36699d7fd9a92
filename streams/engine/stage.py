"""A stage: a consumer group that feeds an agent, and tables that stand at exactly one position of their source.

This is the shell: service, threads, lock. `table` and `opening` decide, `source` and `producer` talk to Kafka.

Four times a second what changed becomes durable in one transaction: outputs, changed keys, a stamp and the offsets. Draining a
keeper and taking what is dirty is one step on the event loop, between two batches; the writing runs in a thread meanwhile.

The surprise: partitions come and go only while no flush is under way. The lock that ensures it is what makes repeating an aborted
transaction safe.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from time import monotonic, sleep
from typing import Generic

import faust
from confluent_kafka import Consumer
from mode import Service

from streams.engine.admin import leave_group, static_member
from streams.engine.app import service_of
from streams.engine.batch import Batch
from streams.engine.collection import collection_paused
from streams.engine.errors import EngineError, Stuck
from streams.engine.opening import OPEN_SECONDS_MAX, Found, find
from streams.engine.options import Settings, StageOptions, member_settings
from streams.engine.outage import Outage
from streams.engine.pace import REST_SECONDS, pause_seconds
from streams.engine.producer import Plain, Transactions, Work, Writer
from streams.engine.reading import Prepare
from streams.engine.source import Limits, Place, Source
from streams.engine.stamp import NO_RULES
from streams.engine.store import Store
from streams.engine.stores import InMemory, Stores
from streams.engine.table import K, Table, together
from streams.engine.telemetry import EngineTelemetry, Vitals
from streams.engine.threads import in_thread, wait_for
from streams.engine.topics import partitions_of

LOG = logging.getLogger(__name__)

STOP_SECONDS_MAX = 10.0  # an orderly stop waits this long for the reader before it goes on without
GATHER_SECONDS = 0.02  # batches of other partitions that were read together are applied within this
RIVAL_PAUSE_SECONDS = 0.5  # between two questions who has our name


class Stage(Service, Generic[K]):
    """Starts and stops with its app. Batches come out of `channel`; the agent asks `accept` for the keeper to apply each to."""

    def __init__(
        self,
        app: faust.App,
        name: str,
        topic: str,
        open: Callable[[int, Store], K],  # noqa: A002  # the word of the contract: opens a partition
        client: Settings,
        options: StageOptions,
        now_ms: Callable[[], int],
        telemetry: EngineTelemetry,
        stores: Stores | None = None,
        rules: Mapping[str, str] = NO_RULES,
        prepare: Prepare | None = None,
    ) -> None:
        """`stores`: where tables are kept, by default in memory; `rules`: the settings that their meaning depends on.

        `prepare`: adds messages to what a batch holds, in the reader's thread, which gives way to the loop; an agent doesn't.
        """
        super().__init__()
        self.name = name
        self.topic = topic
        self.changelog = options.changelog(name)
        self.channel = app.channel(maxsize=0)  # unbounded: `batches_under_way` is the bound
        self._client = client
        self._options = options
        self._now_ms = now_ms
        self._telemetry = telemetry
        self._table = Table(name, topic, self.changelog, options.worker, open, rules)
        self._stores = stores or InMemory()
        self._rules = rules
        self._outage = Outage(name)
        self._writer: Writer = (
            Transactions(client, options.transactional_id(name), options.transaction_timeout_seconds, self._outage)
            if options.transactional
            else Plain(client, self._outage)
        )
        self._source = Source(
            member_settings(client, options, name, static=options.transactional),
            [topic],
            Limits(options.batch_records, options.batches_under_way, options.kilobytes_under_way),
            self,
            self._deliver,
            now_ms,
            self._outage,
            prepare,
        )
        self._lock = asyncio.Lock()
        self._moved = asyncio.Event()  # something was applied since the last flush
        self._reading: asyncio.Future[None] | None = None
        self._applied_bytes = 0  # when this round of flushes began
        self._last = False  # the last flush has begun: what is applied now would be in none, and be done again by the next owner
        service_of(app, self)

    def accept(self, batch: Batch) -> K | None:
        """The keeper, its position moved; None where the partition has gone. Apply the batch at once, without an await."""
        self._source.taken()
        keeper = None if self._last else self._table.accept(batch)
        if keeper is not None:
            self._moved.set()
            self._telemetry.consumed(self.topic, batch.messages)
        return keeper

    def lag(self, partition: int) -> int:
        """Records of this partition not yet applied; -1 while unknown."""
        position = self._table.position(partition)
        return -1 if position is None else self._source.lag((self.topic, partition), position)

    def vitals(self) -> Vitals:
        """How it is, at this moment."""
        room = self._source.room
        return Vitals(room.batches(), self._table.state_bytes(), room.held_seconds, self._writer.aborted)

    def has_rival(self) -> bool:
        """Whether another process lives under this worker's name. Ask after the stop; blocks, up to two session time-outs.

        Another member id isn't enough: the answer that told ours may be lost. What nobody is doesn't outlast its session.
        """
        member = self._source.member_id()
        if not member or not self._options.transactional:
            return False
        deadline = monotonic() + 2 * self._options.session_timeout_seconds
        try:
            while static_member(self._client, self._options, self.name, OPEN_SECONDS_MAX) not in ("", member):
                if monotonic() > deadline:
                    return True
                sleep(RIVAL_PAUSE_SECONDS)
            return False
        except EngineError as error:
            LOG.info("%s: can't tell whether another worker has this name: %s", self.name, error)
            return False

    async def on_start(self) -> None:
        """Begin to read and to flush; failures of either stop the worker."""
        self._loop_ = asyncio.get_running_loop()
        self.add_future(self._read())
        self.add_future(self._flush_for_ever())

    async def on_stop(self) -> None:
        """Flush what was applied, then leave. After a crash nothing is flushed: half a batch may be in the state."""
        self._source.stop()
        if self._reading is not None:
            await asyncio.wait([self._reading], timeout=STOP_SECONDS_MAX)
        self._last = True
        try:
            await self._flush_all()
        except EngineError as error:
            await self.crash(error)
        partitions = list(self._table.opened)
        self._table.close(partitions)
        self._stores.close(partitions)
        self._stores.end()
        await asyncio.wait([in_thread(f"{self.name}-close", self._leave)], timeout=STOP_SECONDS_MAX)

    def _leave(self) -> None:
        self._source.close()
        # After a crash it comes back under its name and goes on at once, except where another worker may be better off.
        if not self.crashed or isinstance(self.crash_reason, Stuck):
            leave_group(self._client, self._options, self.name)

    async def _read(self) -> None:
        self._reading = in_thread(f"{self.name}-source", self._run)
        await self._reading

    def _run(self) -> None:
        partitions = partitions_of(self._client, [self.topic, self.changelog])
        if partitions[self.topic] != partitions[self.changelog]:
            raise EngineError(
                f"topic {self.topic} has {partitions[self.topic]} partitions, "
                f"its changelog {self.changelog} {partitions[self.changelog]}; they must be equal"
            )
        self._stores.begin(partitions[self.topic])
        self._writer.open(OPEN_SECONDS_MAX)
        self._source.run()

    async def _flush_for_ever(self) -> None:
        """At most every flush_seconds; after a pause at once, so that what comes seldom doesn't wait for the clock."""
        options = self._options
        while not self.should_stop:
            began = monotonic()
            if await self.flush():
                await self._rest(pause_seconds(monotonic() - began, options, behind=self._is_behind()))
            else:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._moved.wait(), options.drain_seconds)
                    await self.sleep(GATHER_SECONDS)

    async def _rest(self, seconds: float) -> None:
        """Less where the next flush can't grow any more."""
        until = monotonic() + seconds
        while (left := until - monotonic()) > 0 and not (self._table.left or self._source.room.is_full() or self.should_stop):
            await self.sleep(min(left, REST_SECONDS))

    def _is_behind(self) -> bool:
        """Whether more waits than is read at once: a catch-up."""
        return any(self.lag(partition) > self._options.batch_records for partition in self._table.opened)

    async def _flush_all(self) -> None:
        """Make durable what has changed in all partitions of this worker: a round from its beginning."""
        async with self._lock:
            self._table.left.clear()
        while await self.flush() and self._table.left:
            pass

    async def flush(self) -> bool:
        """Make durable what has changed, in so many partitions as go into one transaction; whether there was anything."""
        async with self._lock:
            if self.crashed:
                return False
            self._moved.clear()
            work = await self._take()
            if self.crashed:  # not even what was taken before: a batch may have failed half-way meanwhile
                return False
            if work.offsets:
                began = monotonic()
                await asyncio.shield(in_thread(f"{self.name}-flush", lambda: self._write(work)))
                if not self._options.transactional:
                    self._source.commit_soon({(self.topic, offset.partition): offset.offset for offset in work.offsets})
                self._telemetry.flushed(self.name, monotonic() - began)
            return bool(work.offsets)

    def _write(self, work: Work) -> None:
        self._writer.write(work, self._source.metadata)
        self._stores.settle(work.stamps)

    async def _take(self) -> Work:
        """What there is to write. Between two partitions others get their turn: in a catch-up each takes up to 0.1 s."""
        if not self._table.left:  # what comes after a round's beginning counts again, though part of it gets into a flush of it
            self._applied_bytes = self._source.room.applied()
        for partition in self._table.opened:
            self._telemetry.lag(self.topic, partition, self.lag(partition))
        parts: list[Work] = []
        for part in self._table.turn(self._now_ms, self.lag, self._options.flush_records_max):
            parts.append(part)
            await asyncio.sleep(0)
        if not self._table.left:
            self._source.drained(self._applied_bytes)
        self._telemetry.entries(self.name, self._table.entries())
        return together(parts)

    # What follows is called in the source's thread.

    def _deliver(self, batch: Batch) -> None:
        asyncio.run_coroutine_threadsafe(self.channel.put(batch), self._loop_)  # type: ignore[arg-type]  # takes any value

    def assigned(self, consumer: Consumer, places: Sequence[Place], assignment: int) -> dict[Place, int]:
        """Open the partitions: committed offsets first, the changelog after them, so that it can't be older."""
        if not places:
            wait_for(self._open_all({}, {}, assignment, 0.0), self._loop_)
            return {}
        began = monotonic()
        with collection_paused():
            found = find(
                consumer,
                self._client,
                self.name,
                self.changelog,
                places,
                transactional=self._options.transactional,
                stores=self._stores,
                rules=self._rules,
            )
            keepers = {place: self._table.make(place[1], partition.table.store) for place, partition in found.items()}
        wait_for(self._open_all(found, keepers, assignment, monotonic() - began), self._loop_)
        return {place: partition.stamp.position for place, partition in found.items()}

    def revoked(self, places: Sequence[Place]) -> None:
        """Flush, then close: the next owner reads what was written here."""
        wait_for(self._close(places, flush=True), self._loop_)

    def lost(self, places: Sequence[Place]) -> None:
        """Close without a flush, which would be refused."""
        LOG.warning("%s: lost %d partitions: this worker was silent too long; others go on with them", self.name, len(places))
        wait_for(self._close(places, flush=False), self._loop_)

    async def _open_all(self, found: dict[Place, Found], keepers: dict[Place, K], assignment: int, seconds: float) -> None:
        async with self._lock:
            for place, (table, stamp) in found.items():
                self._table.take_up(place[1], keepers[place], table.store, stamp, assignment)
                self._telemetry.recovered(self.name, place[1], seconds, len(table.store))
            self._telemetry.assigned(self.name, len(self._table.opened))

    async def _close(self, places: Sequence[Place], *, flush: bool) -> None:
        if flush:
            await self._flush_all()
        async with self._lock:
            self._table.close(partition for _topic, partition in places)
            self._stores.close([partition for _topic, partition in places])
            self._telemetry.assigned(self.name, len(self._table.opened))
