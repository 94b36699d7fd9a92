"""How far a run of a command has read a topic, kept on Kafka as the offsets of a consumer group that nobody joins."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from confluent_kafka import Consumer, KafkaException, TopicPartition

from streams.edge.kafka import client_settings, no_broker, no_topic
from streams.settings import Settings


class Bookmark:
    """Of one topic. Positions are offsets by partition."""

    def __init__(self, settings: Settings, topic: str, name: str) -> None:
        self._topic = topic
        self._timeout = settings.kafka.connect_timeout_seconds
        group = f"{settings.app.name}-{name}"
        self._consumer = Consumer({**client_settings(settings), "group.id": group, "enable.auto.commit": False, "log_level": 0})

    def starts(self) -> dict[int, int]:
        """Where to go on; a partition that was never read is not in it."""
        answers = self._consumer.committed([TopicPartition(self._topic, n) for n in self._partitions()], timeout=self._timeout)
        return {answer.partition: answer.offset for answer in answers if answer.offset >= 0}

    def ends(self) -> dict[int, int]:
        """Where the topic ends now."""
        return {n: self._end(n) for n in self._partitions()}

    def put(self, positions: Mapping[int, int]) -> None:
        """Remember where to go on."""
        offsets = [TopicPartition(self._topic, n, offset) for n, offset in positions.items()]
        self._consumer.commit(offsets=offsets, asynchronous=False)

    def close(self) -> None:
        """Let the connection go."""
        self._consumer.close()

    def _partitions(self) -> list[int]:
        found = self._consumer.list_topics(self._topic, timeout=self._timeout).topics[self._topic]
        if found.error is not None or not found.partitions:
            raise no_topic(self._topic)
        return sorted(found.partitions)

    def _end(self, partition: int) -> int:
        watermarks = self._consumer.get_watermark_offsets(TopicPartition(self._topic, partition), timeout=self._timeout)
        return 0 if watermarks is None else watermarks[1]


@contextmanager
def bookmark(settings: Settings, topic: str, name: str) -> Iterator[Bookmark]:
    """A bookmark of a topic under a name. StreamsError where Kafka doesn't answer or there is no such topic."""
    made = Bookmark(settings, topic, name)
    try:
        yield made
    except KafkaException as error:
        raise no_broker(settings.kafka) from error
    finally:
        made.close()
