"""Table partitions out of their changelog, and the stamp that says at which position of the source they stand.

The surprise: being at the end isn't enough. A transaction's end reaches the offsets and the changelog by different ways, so a
committed offset can be visible before the changelog records of the same transaction. Reading goes on until the stamp equals the
committed offset.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic

import msgspec
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition

from streams.engine.errors import EngineError, KafkaFailed, engine_error, kafka_errors
from streams.engine.options import Settings, reader_settings

STAMP_KEY = b"\x00stamp"  # reserved: no table key may be equal to it
SETTLE_SECONDS_MAX = (
    10.0  # the end of a decided transaction reaches all partitions within milliseconds, or when their broker is back
)
READ_RECORDS = 10_000  # per call; large, because a call costs more than a record


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """Where the state of a table partition stands in its source."""

    position: int
    worker: str = ""  # who wrote it, for people who look for the cause of a mismatch
    at_ms: int = 0


@dataclass
class Recovered:
    """One table partition as its changelog tells it."""

    entries: dict[bytes, bytes] = field(default_factory=dict)
    stamp: Stamp | None = None
    at_end: bool = False

    def apply(self, key: bytes, value: bytes | None) -> None:
        """Replay one changelog record."""
        if key == STAMP_KEY:
            self.stamp = None if value is None else msgspec.json.decode(value, type=Stamp)
        elif value is None:
            self.entries.pop(key, None)
        else:
            self.entries[key] = value

    def stands_at(self, committed: int | None) -> bool:
        """Whether this is the state of the committed offset, as far as one can know."""
        return self.at_end and (committed is None or (self.stamp is not None and self.stamp.position == committed))


def recover(client: Settings, topic: str, committed: Mapping[int, int | None], seconds_max: float) -> dict[int, Recovered]:
    """Read these partitions of a changelog, all at once, until each stands at its committed offset (None: wherever it ends).

    What doesn't get there is given back as it is, if at least its end was reached: the caller decides about the mismatch.
    """
    tables = {partition: Recovered() for partition in committed}
    settings: Settings = {
        **reader_settings(client),
        "group.id": f"{topic}-reader",
    }  # required by librdkafka; never joined, never committed
    deadline = monotonic() + seconds_max
    at_end: float | None = None
    with kafka_errors(f"can't read the changelog {topic}"):
        consumer = Consumer(settings)
        try:
            consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in committed])
            while monotonic() < deadline and not all(table.stands_at(committed[p]) for p, table in tables.items()):
                if at_end is None and all(table.at_end for table in tables.values()):
                    at_end = monotonic()
                    deadline = min(deadline, at_end + SETTLE_SECONDS_MAX)
                for message in consumer.consume(READ_RECORDS, 0.02):
                    _replay(topic, message, tables)
        finally:
            consumer.close()
    unread = [partition for partition, table in tables.items() if not table.at_end]
    if unread:
        raise KafkaFailed(f"the changelog {topic} could not be read within {seconds_max:.0f} s: partitions {unread}")
    return tables


def _replay(topic: str, message: Message, tables: Mapping[int, Recovered]) -> None:
    error, partition = message.error(), message.partition()
    if error is None:
        key = message.key()
        assert partition is not None
        assert key is not None, f"a record without key in {topic}"
        tables[partition].apply(key, message.value())
        tables[partition].at_end = False
    elif error.code() == KafkaError._PARTITION_EOF:
        assert partition is not None
        tables[partition].at_end = True
    elif error.fatal() or not error.retriable():
        raise engine_error(f"can't read the changelog {topic}: {error.str()}", error)


def encode_stamp(stamp: Stamp) -> bytes:
    """The stamp as it stands in the changelog."""
    return msgspec.json.encode(stamp)


def start_position(table: Recovered, committed: int | None, *, transactional: bool, where: str) -> int | None:
    """Where to read on: None for the earliest record. Raises EngineError when state and offsets tell different stories.

    Without transactions the stamp may be ahead of the committed offset (written just before a crash): it is right. With them only
    an expired offset (a group that was empty for a week) may be missing.
    """
    position = None if table.stamp is None else table.stamp.position
    if position is None and committed is None:
        return None
    if position is not None and (committed is None or not transactional or position == committed):
        return position
    stands = "has no stamp" if position is None else f"stands at {position}"
    raise EngineError(
        f"{where}: the group committed {committed}, but the state in its changelog {stands}: something else wrote one of them. "
        "Delete both the group and the changelog to start from the beginning, or choose another [app] name"
    )
