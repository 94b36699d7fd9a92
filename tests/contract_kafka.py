"""What the contract tests of Kafka's clients share: a topic of their own, and consumers set up as the engine sets up its own."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from time import monotonic
from typing import Any
from uuid import uuid4

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.cimpl import NewTopic
from kafka_cluster import make_topics
from running import eventually

from streams.engine.options import Settings, StageOptions, member_settings, reader_settings, writer_settings

SECONDS = 30.0  # generous: a shared machine may be busy
SESSION_SECONDS = 6.0  # the shortest that a broker allows

Callback = Callable[[Consumer, list[TopicPartition]], None]


def options(app: str, worker: str) -> StageOptions:
    """Options of a transactional worker."""
    return StageOptions(
        app=app,
        worker=worker,
        flush_seconds=0.1,
        flush_seconds_max=0.5,
        drain_seconds=0.1,
        batch_records=100,
        batches_under_way=2,
        fetch_queue_kilobytes=1024,
        kilobytes_under_way=131072,
        session_timeout_seconds=SESSION_SECONDS,
        transaction_timeout_seconds=SESSION_SECONDS,
        transactional=True,
    )


@dataclass
class Ground:
    """A topic of one test's own, and the clients made for it, which `clear` closes."""

    broker: str
    topic: str = field(default_factory=lambda: f"contract-{uuid4().hex[:8]}")
    consumers: list[Consumer] = field(default_factory=list)

    def make_topic(self, partitions: int = 1) -> "Ground":
        """Create the topic."""
        make_topics(self.broker, [NewTopic(self.topic, partitions, 1)])
        return self

    def place(self, offset: int, partition: int = 0) -> TopicPartition:
        """A position in the topic."""
        return TopicPartition(self.topic, partition, offset)

    def send(self, *values: str, partition: int = 0) -> None:
        """Write without a transaction."""
        producer = Producer(dict[str, Any](writer_settings({"bootstrap.servers": self.broker})))
        for value in values:
            producer.produce(self.topic, value, partition=partition)
        assert producer.flush(SECONDS) == 0

    def writer(self, name: str = "", more: Settings | None = None) -> Producer:
        """A transactional producer, ready to begin."""
        settings = {**writer_settings({"bootstrap.servers": self.broker}), "transactional.id": f"{self.topic}{name}"}
        producer = Producer(dict[str, Any](settings, **(more or {})))
        producer.init_transactions(SECONDS)
        return producer

    def reader(self, offset: int = 0) -> Consumer:
        """A reader of partition 0 with the engine's settings, in no group."""
        settings = {**reader_settings({"bootstrap.servers": self.broker}), "group.id": f"{self.topic}-reader"}
        consumer = Consumer(dict[str, Any](settings))
        consumer.assign([self.place(offset)])
        self.consumers.append(consumer)
        return consumer

    def member(self, worker: str = "", on_assign: Callback | None = None, more: Settings | None = None) -> Consumer:
        """A member of the group with the engine's settings, static where it has a worker's name."""
        settings = member_settings({"bootstrap.servers": self.broker}, options(self.topic, worker), "stage", static=bool(worker))
        consumer = Consumer(dict[str, Any](settings, **{"auto.offset.reset": "earliest", **(more or {})}))
        consumer.subscribe([self.topic], on_assign=on_assign or take, on_revoke=give)
        self.consumers.append(consumer)
        return consumer

    def clear(self) -> None:
        """Close what is still open."""
        for consumer in self.consumers:
            try:
                consumer.close()
            except RuntimeError:  # closed by the test
                continue


def take(consumer: Consumer, partitions: list[TopicPartition]) -> None:
    """Take what the group gives, as the engine does it."""
    consumer.incremental_assign(partitions)


def give(consumer: Consumer, partitions: list[TopicPartition]) -> None:
    """Give back what the group takes."""
    consumer.incremental_unassign(partitions)


def ground(broker: str, partitions: int) -> Iterator[Ground]:
    """A topic for the time of a fixture."""
    made = Ground(broker).make_topic(partitions)
    yield made
    made.clear()


def values(messages: Sequence[Message]) -> list[str]:
    """The records among messages."""
    return [(message.value() or b"").decode() for message in messages if message.error() is None]


def ends(messages: Sequence[Message]) -> list[int]:
    """The positions of the ends of the partition among messages."""
    codes = [(message.error(), message.offset()) for message in messages]
    return [offset for error, offset in codes if error is not None and error.code() == KafkaError._PARTITION_EOF and offset]


def read_until(consumer: Consumer, condition: Callable[[list[Message]], Any], what: str) -> list[Message]:
    """Everything that came until the condition held."""
    got: list[Message] = []

    def more() -> Any:
        got.extend(consumer.consume(1_000, 0.05))
        return condition(got)

    eventually(more, SECONDS, what)
    return got


def read_to_end(consumer: Consumer) -> list[Message]:
    """Everything up to the first end of the partition."""
    return read_until(consumer, ends, "the end of the partition")


def settle(*members: Consumer, partitions: int) -> list[list[int]]:
    """Poll all members until they own the partitions between them and nothing moves; what each owns."""

    def owned() -> list[list[int]] | None:
        for member in members:
            member.poll(0.05)
        found = [sorted(place.partition for place in member.assignment()) for member in members]
        spread = sorted(chain.from_iterable(found)) == list(range(partitions)) and all(found)
        return found if spread else None

    first: list[list[int]] = eventually(owned, SECONDS, "every partition has one owner")
    return first


def outlast_session() -> None:
    """Do nothing for longer than a session lasts."""
    over = monotonic() + SESSION_SECONDS + 1.0
    eventually(lambda: monotonic() > over, SESSION_SECONDS + SECONDS, "time passes")


def refused(call: Callable[[], object]) -> KafkaError:
    """The error that a call raises."""
    try:
        call()
    except KafkaException as error:
        inner: KafkaError = error.args[0]
        return inner
    raise AssertionError("the call was not refused")


def flags(error: KafkaError) -> tuple[str, ...]:
    """What librdkafka says can be done about an error of a transaction."""
    found = {"fatal": error.fatal(), "retriable": error.retriable(), "abort": error.txn_requires_abort()}
    return tuple(name for name, is_so in found.items() if is_so)


def offsets_in(producer: Producer, offsets: list[TopicPartition], metadata: object) -> Callable[[], None]:
    """Offsets of a group into a transaction, when called."""
    return partial(producer.send_offsets_to_transaction, offsets, metadata, SECONDS)
