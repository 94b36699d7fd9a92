"""Committed records of a topic, again and again from where the last look ended: `Reading` keeps them all, `News` none.

The surprise: no silence is an end. A broker that is busy, or has just come up, may take seconds to begin; so the ends are asked
for first, and then read up to.
"""

from collections.abc import Iterator, Mapping, Sequence
from time import monotonic
from typing import Any, NamedTuple
from uuid import uuid4

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from streams.edge.reader import read
from streams.settings import Settings

SECONDS_MAX = 60.0  # without any record; a broker may be coming up


class Read(NamedTuple):
    """A record."""

    partition: int
    key: bytes
    value: bytes | None
    headers: dict[str, bytes]


class Reading:
    """Partitions of a topic."""

    def __init__(self, broker: str, topic: str, partitions: int, settings: Mapping[str, Any] | None = None) -> None:
        """`settings`: more of them, for librdkafka."""
        self._topic = topic
        self._records: list[Read] = []
        self._next = dict.fromkeys(range(partitions), 0)  # where to read on
        self._consumer = Consumer(
            {
                "bootstrap.servers": broker,
                "group.id": f"reading-{uuid4().hex}",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "log_level": 0,
                **(settings or {}),
            }
        )
        self._consumer.assign([TopicPartition(topic, partition, 0) for partition in self._next])

    def all(self) -> Sequence[Read]:
        """Read up to where the topic ends at this moment; all records so far. AssertionError where it can't get there."""
        ends = {partition: self._end(partition) for partition in self._next}
        deadline = monotonic() + SECONDS_MAX
        while any(self._next[partition] < end for partition, end in ends.items()):
            assert monotonic() < deadline, f"{self._topic} ends at {ends}, and is read to {self._next} only"
            for message in self._consumer.consume(10_000, 0.1):
                deadline = monotonic() + SECONDS_MAX
                self._take(message)
        return self._records

    def close(self) -> None:
        """End."""
        self._consumer.close()

    def _end(self, partition: int) -> int:
        """Where what is committed ends, the markers of transactions included."""
        answer = self._consumer.get_watermark_offsets(TopicPartition(self._topic, partition), timeout=SECONDS_MAX)
        assert answer is not None, f"nobody tells where {self._topic}/{partition} ends"
        return answer[1]

    def _take(self, message: Message) -> None:
        error, partition, offset = message.error(), message.partition() or 0, message.offset() or 0
        if error is None:
            headers: list[tuple[str, bytes]] = message.headers() or []  # type: ignore[assignment]  # pairs, never a dict
            found = {name: bytes(value or b"") for name, value in headers}
            self._records.append(Read(partition, message.key() or b"", message.value(), found))
            self._next[partition] = offset + 1
        elif error.code() == KafkaError._PARTITION_EOF:
            self._next[partition] = offset  # behind a marker, which is no record
        elif not error.retriable():
            raise KafkaException(error)


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
