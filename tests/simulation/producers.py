"""A transactional producer as confluent-kafka's, on the simulated broker. Records leave in the background, or at commit.

The surprise: what a process had handed over when it died may still reach the broker later.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from greenlet import GreenletExit
from simulation.broker import Broker
from simulation.groups import Metadata, Offset
from simulation.log import Headers
from simulation.transactions import ABORT, RETRIABLE, Place, Transaction, refused
from simulation.world import Process, World

Sent = tuple[Place, tuple[bytes | None, bytes | None, Headers]]


@dataclass
class Weather:
    """How often the network fails; set to nothing when faults are over."""

    retriable: float = 0.0
    abortable: float = 0.0
    lost_answer: float = 0.0
    struck: int = 0


class Producing:
    """What the engine calls of confluent_kafka.Producer."""

    def __init__(self, broker: Broker, weather: Weather, settings: dict[str, Any], note: Callable[[], object]) -> None:
        self._world: World = broker.world
        self._broker = broker
        self._weather = weather
        self._process: Process = broker.world.process
        self._id = str(settings["transactional.id"])
        self._timeout_ms = int(settings["transaction.timeout.ms"])
        self._note = note
        self._transaction: Transaction | None = None
        self._epoch = -1
        self._queue: list[Sent] = []
        self._failed: KafkaException | None = None
        self._ending = False  # EndTxn was sent: from here on the broker alone decides

    def init_transactions(self, _timeout: float) -> None:
        """Take the id over."""
        world, coordinator = self._world, self._broker.coordinator
        while True:
            world.pause("init_transactions")
            found = coordinator.begin_id(self._id, self._timeout_ms)
            if found is not None:
                self._transaction, self._epoch = found
                return
            world.wait("init_transactions waits", lambda: coordinator.ids[self._id].state in ("none", "open"))

    def begin_transaction(self) -> None:
        """Nothing happens at the broker."""
        self._world.pause("begin_transaction")
        self._queue.clear()
        self._ending = False

    def produce(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        partition: int,
        headers: Headers,
        on_delivery: object = None,  # noqa: ARG002  # a transaction reports by its commit
    ) -> None:
        """Queue a record; some leave at once."""
        if partition < 0:
            partition = sum(key or b"") % self._broker.partitions[topic]
        self._queue.append(((topic, partition), (key, value, headers)))
        if self._world.chance(0.03):
            self._world.pause("produce")
            self._send(self._world.random.randrange(len(self._queue) + 1))

    def send_offsets_to_transaction(self, offsets: list[TopicPartition], metadata: Metadata, _timeout: float) -> None:
        """Offsets, with the member's generation."""
        self._world.pause("send_offsets_to_transaction")
        if not offsets:
            return
        self._trouble()
        self._add(metadata.group)
        self._world.pause("TxnOffsetCommit")
        positions = {(offset.topic, offset.partition): Offset(offset.offset, offset.metadata or "") for offset in offsets}
        group = self._broker.groups[metadata.group]
        self._raise_failure()
        assert self._transaction is not None
        group.stage_offsets(self._transaction.producer, self._epoch, metadata, positions)
        self._lose_answer()

    def commit_transaction(self, _timeout: float) -> None:
        """Send what is queued, then decide."""
        self._world.pause("commit_transaction flushes")
        if not self._ending:
            self._trouble()
        while self._queue and self._failed is None:
            self._send(1 + self._world.random.randrange(len(self._queue)))
            self._world.pause("flushed some")
        self._raise_failure()
        self._end(commit=True)

    def abort_transaction(self, _timeout: float) -> None:
        """Drop what is queued; decide."""
        self._world.pause("abort_transaction")
        self._queue.clear()
        self._failed = None
        self._end(commit=False)

    def orphan(self) -> None:
        """The process is dead; some of what it had queued arrives all the same."""
        sent, self._queue = self._queue, []
        if self._transaction is None or not sent:
            return
        transaction, epoch, coordinator = self._transaction, self._epoch, self._broker.coordinator
        head = self._world.random.randrange(len(sent) + 1)
        for place, record in sent[:head]:
            try:
                if transaction.state == "open" and coordinator.add(transaction, epoch, place, None):
                    self._broker.append(place, record, transaction, epoch)
            except KafkaException:
                return

    def _send(self, count: int) -> None:
        if self._failed is not None or self._transaction is None:
            return
        sent, self._queue = self._queue[:count], self._queue[count:]
        try:
            for place in dict.fromkeys(place for place, _record in sent):
                self._add(place)
            for place, record in sent:
                self._broker.append(place, record, self._transaction, self._epoch)
        except KafkaException as error:
            self._failed = error

    def _add(self, target: Place | str) -> None:
        transaction, coordinator = self._transaction, self._broker.coordinator
        assert transaction is not None
        if self._process.dead:
            raise GreenletExit
        while not coordinator.add(transaction, self._epoch, target, self._note()):
            self._world.wait("AddPartitionsToTxn waits", lambda: transaction.state not in ("committing", "aborting"))

    def _end(self, *, commit: bool) -> None:
        self._ending = True
        self._world.pause("EndTxn")
        assert self._transaction is not None
        self._broker.coordinator.end(self._transaction, self._epoch, commit=commit)
        self._lose_answer()

    def _raise_failure(self) -> None:
        if self._failed is not None:
            raise self._failed

    def _trouble(self) -> None:
        """The network fails, in a way that may be tried again or that spoils the transaction."""
        weather, world = self._weather, self._world
        if world.chance(weather.retriable):
            weather.struck += 1
            raise refused(KafkaError._TIMED_OUT, "no answer", RETRIABLE)
        if world.chance(weather.abortable):
            weather.struck += 1
            raise refused(KafkaError._TIMED_OUT, "a record was not delivered", ABORT)

    def _lose_answer(self) -> None:
        """It is done, but whoever asked has to ask again."""
        if self._world.chance(self._weather.lost_answer):
            self._weather.struck += 1
            raise refused(KafkaError._TIMED_OUT, "no answer", RETRIABLE)
