"""A member of a consumer group in a thread: reads record batches and answers the group.

It knows positions, not state. Who owns a stage or a tail gets called back, in this thread, when partitions come and go, and
may block there: librdkafka keeps heartbeating, and no record moves meanwhile.

The surprise: no other thread may touch the consumer. confluent-kafka holds a lock during a poll, and around a callback, and
another thread would wait for it for ever. So this thread keeps a copy of the group's metadata for flushes, and commits on their
behalf. An old copy does no harm: the broker refuses it.

Back-pressure first simply doesn't read, and pauses only when it lasts: pausing throws away what was already fetched.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from streams.engine.batch import Batch
from streams.engine.errors import EngineError, KafkaFailed, error_of, kafka_errors
from streams.engine.options import Settings
from streams.engine.outage import Outage
from streams.engine.reading import POLL_SECONDS, Prepare, Reader, Reading, offset_of
from streams.engine.reading import Place as Place  # whoever owns a source names its partitions
from streams.engine.room import Limits as Limits  # whoever makes a source names its limits
from streams.engine.room import Room

LOG = logging.getLogger(__name__)

# Between two looks at the membership and the ends of partitions. Both are questions to another thread, which Python's lock waits
# for, too: at 0.05 s they took 1.7 % of its time. Who looks late is refused once or twice more (MEMBERSHIP_ATTEMPTS).
TEND_SECONDS = 0.2
HOLD_WAITS = 10  # back-pressure that lasts longer than so many waits, one second, pauses the partitions


class Owner(Protocol):
    """Who is told, in the source's thread, what it owns."""

    def assigned(self, consumer: Consumer, places: Sequence[Place], assignment: int) -> dict[Place, int]:
        """Open the partitions; where to read on, as an offset or one of librdkafka's logical ones. None of them: it has none."""

    def revoked(self, places: Sequence[Place]) -> None:
        """Bring everything to safety: somebody else goes on when this returns."""

    def lost(self, places: Sequence[Place]) -> None:
        """Drop the partitions: somebody else already owns them."""


class Source:
    """`run` in a thread, `stop` and then `close` from outside; `deliver` is called in the thread with each batch."""

    def __init__(
        self,
        settings: Settings,
        topics: Sequence[str],
        limits: Limits,
        owner: Owner,
        deliver: Callable[[Batch], None],
        now_ms: Callable[[], int],
        outage: Outage,
        prepare: Prepare | None = None,
    ) -> None:
        self._settings: Settings = {**settings, "error_cb": outage.reported}
        self._topics = list(topics)
        self._limits = limits
        self._owner = owner
        self._deliver = deliver
        self._now_ms = now_ms
        self._outage = outage
        self._reader = Reader(topics, prepare, outage)
        self._stopping = threading.Event()
        self._closing = False
        self._lock = threading.Lock()
        self.room = Room(limits)
        self._full = 0  # waits in a row that found no room
        self._paused = False
        self._assignment = 0
        self._assignments: dict[Place, int] = {}
        self._next: dict[Place, int] = {}
        self._moved: set[Place] = set()  # whose assignment changed during the current read
        self._ends: dict[Place, tuple[int, int]] = {}  # at the last end of partition: where the reader stood, the end
        self._high: dict[Place, int] = {}
        self._consumer: Consumer | None = None
        self._metadata: object = None
        self._member_id = ""
        self._to_commit: dict[Place, int] = {}
        self._tend_at = 0.0

    def run(self) -> None:
        """Join the group and read until stopped. Raises EngineError when Kafka refuses for good."""
        with kafka_errors(f"can't read {', '.join(self._topics)}"):
            consumer = self._consumer = Consumer(self._settings)
            consumer.subscribe(self._topics, on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost)
            while not self._stopping.is_set():
                self._tend(consumer)
                if self._has_room(consumer):
                    self._read(consumer)

    def stop(self) -> None:
        """Make `run` return soon; the membership lives on until `close`."""
        self._stopping.set()

    def close(self) -> None:
        """Give up the membership, after `run` has returned. The owner isn't asked any more."""
        self._closing = True
        if self._consumer is not None:
            with kafka_errors("can't close the consumer"):
                self._commit(self._consumer, wait=True)
                self._member_id = self._consumer.memberid() or self._member_id
                self._consumer.close()

    def metadata(self) -> object:
        """Who this member is and in which generation, for `send_offsets_to_transaction`; at most a moment old."""
        return self._metadata

    def member_id(self) -> str:
        """The broker's last name for this member; "" when it never was one."""
        return self._member_id

    def commit_soon(self, positions: Mapping[Place, int]) -> None:
        """Commit these offsets at the next opportunity, without a transaction."""
        with self._lock:
            self._to_commit.update(positions)

    def taken(self) -> None:
        """A batch has reached its agent."""
        self.room.leave()

    def drained(self, size_bytes: int) -> None:
        """All that follows from so many bytes, of the batches that reached their agents, is in a flush."""
        self.room.drained(size_bytes)

    def lag(self, place: Place, position: int) -> int:
        """How many offsets a state at this position is behind the end of its partition; -1 while unknown."""
        high = self._high.get(place, -1)
        stood, end = self._ends.get(place, (-1, -1))
        if position == stood and high <= end:  # behind it may be transaction markers, but no records
            return 0
        return max(0, high - position) if high >= 0 else -1

    def _tend(self, consumer: Consumer) -> None:
        self._commit(consumer, wait=False)
        if monotonic() < self._tend_at:
            return
        self._tend_at = monotonic() + TEND_SECONDS
        self._look_up_member(consumer)
        for place in self._next:
            watermarks = consumer.get_watermark_offsets(TopicPartition(*place), cached=True)
            if watermarks is not None and watermarks[1] >= 0:
                self._high[place] = watermarks[1]

    def _commit(self, consumer: Consumer, *, wait: bool) -> None:
        with self._lock:
            positions, self._to_commit = self._to_commit, {}
        if positions:
            offsets = [TopicPartition(*place, position) for place, position in positions.items()]
            if wait:
                consumer.commit(offsets=offsets, asynchronous=False)
            else:
                consumer.commit(offsets=offsets, asynchronous=True)

    def _has_room(self, consumer: Consumer) -> bool:
        """Wait for room a moment. After a while without, pause and answer the group only."""
        if self.room.wait(POLL_SECONDS):
            self._full = 0
            if self._paused:
                self._paused = False
                LOG.info("%s: reading goes on", ", ".join(self._topics))
                consumer.resume(consumer.assignment())
            return True
        self._full += 1
        if self._full >= HOLD_WAITS and not self._paused:
            self._paused = True
            LOG.info("%s: reading waits: enough is under way", ", ".join(self._topics))
            consumer.pause(consumer.assignment())
        if self._paused:
            message = consumer.poll(0)
            if message is not None and message.error() is None:  # fetched before the pause took hold
                place: Place = (message.topic(), message.partition())  # type: ignore[assignment]  # known of what was read
                consumer.seek(TopicPartition(*place, offset_of(message)))
        return False

    def _read(self, consumer: Consumer) -> None:
        self._moved.clear()
        reads, ends = self._reader.read(consumer, self.room.count())
        if not reads and not ends:
            return
        self._reread_moved(consumer, reads)
        read_ms = self._now_ms()
        for place, reading in reads.items():
            self._send(place, reading, read_ms)
        for place, end in ends.items():
            if place not in self._moved and place in self._next:
                self._ends[place] = (self._next[place], end)
        self._outage.over()

    def _reread_moved(self, consumer: Consumer, reads: dict[Place, Reading]) -> None:
        """Records that were read while their partition came or went may be of either assignment: read them again."""
        for place in self._moved & reads.keys():
            del reads[place]
            if place in self._next:
                with _not_yet_fetching():
                    consumer.seek(TopicPartition(*place, self._next[place]))

    def _send(self, place: Place, reading: Reading, read_ms: int) -> None:
        if place not in self._next:
            return
        first = self._next[place] if self._next[place] >= 0 else reading.first
        if reading.first < first:
            raise EngineError(f"{place[0]}/{place[1]}: got offset {reading.first} where {first} or later must follow")
        self._next[place] = reading.next
        self.room.enter(reading.count, reading.size_bytes)
        self._deliver(Batch(*place, first, reading.next, reading.records, read_ms, reading.count, self._assignments[place]))

    def _look_up_member(self, consumer: Consumer) -> None:
        # A membership that ends during a rebalance isn't told as lost: librdkafka joins anew and keeps what others have by now.
        metadata, member = consumer.consumer_group_metadata(), consumer.memberid() or ""
        if self._next and member and self._member_id not in ("", member):
            raise KafkaFailed(f"{', '.join(self._topics)}: this worker was silent too long, others have its partitions")
        self._metadata, self._member_id = metadata, member or self._member_id

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        places = [(partition.topic, partition.partition) for partition in partitions]
        self._assignment += 1
        self._look_up_member(consumer)
        told = bool(places) or self._assignment == 1  # a member that gets nothing is ready, too, and can't know otherwise
        starts = self._owner.assigned(consumer, places, self._assignment) if told else {}
        for place in places:
            self._assignments[place] = self._assignment
            self._next[place] = starts[place]
            self._moved.add(place)
        consumer.incremental_assign([TopicPartition(*place, starts[place]) for place in places])
        if self._paused:
            consumer.pause([TopicPartition(*place) for place in places])

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if not self._closing:
            self._look_up_member(consumer)
        places = self._forget(partitions)
        if not self._closing and places:
            self._owner.revoked(places)
            self._commit(consumer, wait=True)
        consumer.incremental_unassign(partitions)

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        places = self._forget(partitions)  # the metadata stay old: what is being flushed right now has to be refused
        if not self._closing and places:
            self._owner.lost(places)
        consumer.incremental_unassign(partitions)

    def _forget(self, partitions: list[TopicPartition]) -> list[Place]:
        places = [(partition.topic, partition.partition) for partition in partitions]
        for place in places:
            self._moved.add(place)
            for memory in (self._next, self._assignments, self._ends, self._high):
                memory.pop(place, None)
        return places


@contextmanager
def _not_yet_fetching() -> Iterator[None]:
    """A seek is refused, and not needed, where the new assignment hasn't begun to fetch."""
    try:
        yield
    except KafkaException as error:
        if error_of(error).code() != KafkaError._STATE:
            raise
