"""Reading a topic of the system from outside: all of it up to its end, or on and on. For people, scripts and tests.

It joins no group and commits nothing, so it disturbs nobody. The surprise: 'the end' is where the topic stood when the reader
came to it, partition by partition; while a worker writes, two readers may see different ends.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, KafkaException, Message, TopicPartition

from streams.core.errors import StreamsError
from streams.edge.kafka import client_settings, no_broker, no_topic
from streams.settings import Settings

# Handed over at once; the end of a quiet topic is seen at most this long after it was reached.
_BATCH_RECORDS = 5_000
_POLL_SECONDS = 0.2


def read(
    settings: Settings, topic: str, since_ms: int | None = None, positions: Mapping[int, int] | None = None
) -> Iterator[Message]:
    """Committed records of a topic to its end, from the first one written at or after `since_ms`.

    Without it: from these `positions` on (offsets by partition), and from the start of partitions that have none.
    """
    with _consumer(settings) as consumer:
        starts = _starts(settings, consumer, topic, since_ms, positions or {})
        consumer.assign(starts)
        unfinished = {start.partition for start in starts}
        while unfinished:
            for message in _poll(settings, consumer):
                error = message.error()
                if error is None:
                    yield message
                else:  # the end: _poll lets no other error through
                    unfinished.discard(message.partition())


def follow(settings: Settings, topic: str, since_ms: int | None = None) -> Iterator[Message | None]:
    """Committed records of a topic from its start (or `since_ms`) on, for ever; None whenever nothing is new."""
    with _consumer(settings) as consumer:
        consumer.assign(_starts(settings, consumer, topic, since_ms, {}))
        while True:
            messages = [message for message in _poll(settings, consumer) if message.error() is None]
            yield from messages
            if not messages:
                yield None


def latest(settings: Settings, topic: str, is_asked: Callable[[bytes], bool] | None = None) -> dict[bytes, bytes]:
    """The latest value of each key of a compacted topic; a key without a value has been deleted and is left out.

    Of keys that aren't `is_asked` for, where that is given, the values aren't looked at.
    """
    values: dict[bytes, bytes] = {}
    for message in read(settings, topic):
        key = message.key()
        if key is None or (is_asked is not None and not is_asked(key)):
            continue
        value = message.value()
        if value is None:
            values.pop(key, None)
        else:
            values[key] = value
    return values


@contextmanager
def _consumer(settings: Settings) -> Iterator[Consumer]:
    consumer = Consumer(
        {
            **client_settings(settings),
            "group.id": f"{settings.app.name}-reader",  # librdkafka wants one; without subscribe or commit it is never joined
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 100,  # how long the broker thinks about an empty fetch: the end of a quiet topic comes after it
            "log_level": 0,  # errors are said by StreamsError
        }
    )
    try:
        yield consumer
    finally:
        consumer.close()


def _starts(
    settings: Settings, consumer: Consumer, topic: str, since_ms: int | None, positions: Mapping[int, int]
) -> list[TopicPartition]:
    timeout = settings.kafka.connect_timeout_seconds
    try:
        found = consumer.list_topics(topic, timeout=timeout).topics[topic]
        if found.error is not None or not found.partitions:
            raise no_topic(topic)
        if since_ms is None:
            return [
                TopicPartition(topic, partition, positions.get(partition, OFFSET_BEGINNING)) for partition in found.partitions
            ]
        wanted = [TopicPartition(topic, partition, since_ms) for partition in found.partitions]
        starts = consumer.offsets_for_times(wanted, timeout=timeout)
    except KafkaException as error:
        raise no_broker(settings.kafka) from error
    # -1: nothing is that young.
    return [TopicPartition(topic, start.partition, OFFSET_END if start.offset < 0 else start.offset) for start in starts]


def _poll(settings: Settings, consumer: Consumer) -> list[Message]:
    """Records and partition ends; errors that librdkafka mends itself are passed over, others raise."""
    messages = []
    try:
        for message in consumer.consume(_BATCH_RECORDS, _POLL_SECONDS):
            error = message.error()
            if error is None or error.code() == KafkaError._PARTITION_EOF:
                messages.append(message)
            elif not error.retriable():
                raise StreamsError(f"reading from Kafka at {settings.kafka.bootstrap_servers} failed: {error.str()}")
    except KafkaException as error:
        raise no_broker(settings.kafka) from error
    return messages
