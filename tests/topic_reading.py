"""Committed records of a topic, again and again from where the last look ended: `Reading` keeps them all, `News` none."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from uuid import uuid4

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from streams.edge.reader import read
from streams.settings import Settings


class Read(NamedTuple):
    """A record."""

    partition: int
    key: bytes
    value: bytes | None
    headers: dict[str, bytes]


class Reading:
    """`records` grows with each `more`."""

    def __init__(self, broker: str, topic: str, partitions: int) -> None:
        self.records: list[Read] = []
        self._consumer = Consumer(
            {
                "bootstrap.servers": broker,
                "group.id": f"reading-{uuid4().hex}",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "log_level": 0,
            }
        )
        self._consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])

    def more(self) -> Sequence[Read]:
        """Read what has come; all records so far."""
        while messages := self._consumer.consume(10_000, 0.3):
            for message in messages:
                if message.error() is None:
                    headers: list[tuple[str, bytes]] = message.headers() or []  # type: ignore[assignment]  # pairs, never a dict
                    found = {name: bytes(value or b"") for name, value in headers}
                    self.records.append(Read(message.partition() or 0, message.key() or b"", message.value(), found))
                elif not (error := message.error()).retriable():  # type: ignore[union-attr]  # there is one
                    raise KafkaException(error)
        return self.records

    def close(self) -> None:
        """End."""
        self._consumer.close()


class News:
    """What came since the last look: who waits for something on a topic of a hundred thousand records reads each of them once."""

    def __init__(self, settings: Settings, topic: str) -> None:
        self._settings, self._topic = settings, topic
        self._positions: dict[int, int] = {}

    def look(self) -> Iterator[Message]:
        """The records from the last one that was taken to the end."""
        for message in read(self._settings, self._topic, positions=self._positions):
            self._positions[message.partition() or 0] = (message.offset() or 0) + 1
            yield message
