"""Table partitions out of their changelog, and the stamp that says at which position of the source they stand.

The surprise: being at the end isn't enough. A transaction's end reaches the offsets and the changelog by different ways, so a
committed offset can be visible before the changelog records of the same transaction. Reading goes on until the stamp is that of
the flush that committed the offset.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from streams.engine.errors import EngineError, KafkaFailed, engine_error, kafka_errors
from streams.engine.options import Settings, reader_settings
from streams.engine.stamp import BEGINNING, STAMP_KEY, Committed, Mark, Stamp, decode_stamp, encode_stamp
from streams.engine.store import Store

__all__ = ["STAMP_KEY", "Recovered", "Stamp", "encode_stamp", "recover", "start_position"]

LOG = logging.getLogger(__name__)

SETTLE_SECONDS_MAX = (
    10.0  # the end of a decided transaction reaches all partitions within milliseconds, or when their broker is back
)
READ_RECORDS = 10_000  # per call; large, because a call costs more than a record
READ_SECONDS = 0.02
PROGRESS_SECONDS = 5.0  # a log line this often tells that a long read goes on
# Read ahead. An answer of a partition is taken in whole and a record of 75 bytes becomes one of 400 in the queue: with 8 MB and
# 100,000 records (as by default) a million of merge's left 260 MiB behind in the process; so it is 75, and as fast. That is given
# back at the end (`heap`).
FETCH_BYTES = 2 * 1024 * 1024
QUEUE_KILOBYTES = 32 * 1024
QUEUE_RECORDS = 20_000


@dataclass
class Recovered:
    """One table partition as its changelog tells it, as far as it was read."""

    store: Store = field(default_factory=Store)
    stamp: Stamp | None = None
    next: int = BEGINNING  # offset in the changelog from which on to read
    at_end: bool = False

    def replay(self, changes: dict[bytes, bytes | None], following: int) -> None:
        """Take in the last values of keys, from records up to the offset `following`."""
        if STAMP_KEY in changes:
            value = changes.pop(STAMP_KEY)
            self.stamp = None if value is None else decode_stamp(value)
        self.next = following
        self.store.load(changes, Mark(self.stamp, following))

    def stands_at(self, committed: Committed | None) -> bool:
        """Whether this is the state that goes with what was committed, as far as one can know."""
        return self.at_end and (committed is None or (self.stamp is not None and _is_of(self.stamp, committed)))


class Reader:
    """Reads partitions of a changelog on, each from where its table stands; by one thread at a time."""

    def __init__(self, client: Settings, topic: str, tables: Mapping[int, Recovered]) -> None:
        self._topic = topic
        self.records = 0
        settings: Settings = {
            **reader_settings(client),
            "group.id": f"{topic}-reader",  # required by librdkafka; never joined, never committed
            "max.partition.fetch.bytes": FETCH_BYTES,
            "queued.max.messages.kbytes": QUEUE_KILOBYTES,
            "queued.min.messages": QUEUE_RECORDS,
        }
        self._tables: dict[int, Recovered] = {}
        self._consumer = Consumer(settings)
        self.replace(tables)

    def replace(self, tables: Mapping[int, Recovered]) -> None:
        """Read these instead, each from where it stands."""
        self._tables = dict(tables)
        self._consumer.assign([TopicPartition(self._topic, p, table.next) for p, table in self._tables.items()])

    def read(self, seconds: float) -> int:
        """Take in what comes within this time, at most READ_RECORDS; how many records it was."""
        changes: dict[int | None, dict[bytes, bytes | None]] = {}
        last: dict[int | None, Message] = {}
        records = 0
        for message in self._consumer.consume(READ_RECORDS, seconds):  # 0.5 µs a record, this loop
            partition, error = message.partition(), message.error()
            if error is None:
                records += 1
                of_partition = changes.get(partition)
                if of_partition is None:
                    of_partition = changes[partition] = {}
                of_partition[message.key()] = message.value()  # type: ignore[index]  # asserted below
            elif error.code() != KafkaError._PARTITION_EOF:
                if error.fatal() or not error.retriable():
                    raise engine_error(f"can't read the changelog {self._topic}: {error.str()}", error)
                continue
            last[partition] = message
        for partition, message in last.items():
            if partition in self._tables:  # else it has just been given back
                self._replay(self._tables[partition], changes.get(partition, {}), message)
        self.records += records
        return records

    def close(self) -> None:
        """Let go of the broker."""
        self._consumer.close()

    def _replay(self, table: Recovered, changes: dict[bytes, bytes | None], last: Message) -> None:
        assert None not in changes, f"a record without key in {self._topic}"
        table.at_end = last.error() is not None
        if changes:
            table.replay(changes, (last.offset() or 0) + (not table.at_end))


def recover(
    client: Settings, topic: str, committed: Mapping[int, Committed | None], tables: Mapping[int, Recovered], seconds_max: float
) -> int:
    """Read these tables on, all at once, until each stands at its committed offset (None: wherever it ends); how many records.

    What doesn't get there stays as it is, if at least its end was reached: the caller decides about the mismatch.
    `seconds_max`: longest time without any record; a large state takes as long as it takes.
    """
    began = told = monotonic()
    deadline = began + seconds_max
    at_end: float | None = None
    with kafka_errors(f"can't read the changelog {topic}"):
        reader = Reader(client, topic, tables)
        try:
            while monotonic() < deadline and not all(table.stands_at(committed[p]) for p, table in tables.items()):
                if at_end is None and all(table.at_end for table in tables.values()):
                    at_end = monotonic()
                    deadline = min(deadline, at_end + SETTLE_SECONDS_MAX)
                if reader.read(READ_SECONDS) and at_end is None:
                    deadline = monotonic() + seconds_max
                if monotonic() - told > PROGRESS_SECONDS:
                    told = monotonic()
                    LOG.info("reading %s: %d records in %.0f s", topic, reader.records, told - began)
        finally:
            reader.close()
    unread = [partition for partition, table in tables.items() if not table.at_end]
    if unread:
        raise KafkaFailed(f"the changelog {topic} could not be read within {seconds_max:.0f} s: partitions {unread}")
    return reader.records


def _is_of(stamp: Stamp, committed: Committed) -> bool:
    return stamp.position == committed.position and committed.flush in (None, stamp.flush)


def start_position(table: Recovered, committed: Committed | None, *, transactional: bool, where: str) -> int | None:
    """Where to read on: None for the earliest record. Raises EngineError when state and offsets tell different stories.

    Without transactions the stamp may be ahead of the committed offset (written just before a crash): it is right. With them only
    an expired offset (a group that was empty for a week) may be missing.
    """
    stamp = table.stamp
    if stamp is None and committed is None:
        return None
    if stamp is not None and (committed is None or not transactional or _is_of(stamp, committed)):
        return stamp.position
    assert committed is not None
    stands = "has no stamp" if stamp is None else f"stands at {stamp.position}"
    if stamp is not None and stamp.position == committed.position:
        stands += f", flush {stamp.flush} and not {committed.flush}"
    raise EngineError(
        f"{where}: the group committed {committed.position}, but the state in its changelog {stands}: "
        "something else wrote one of them. "
        "Delete both the group and the changelog to start from the beginning, or choose another [app] name"
    )


def check_rules(where: str, stamp: Stamp | None, rules: Mapping[str, str]) -> None:
    """Raises EngineError where the state was made under settings without which it means something else."""
    made = {} if stamp is None else stamp.rules
    changed = [f"{key} = {made[key]}, now it is {rules[key]}" for key in rules if made.get(key, rules[key]) != rules[key]]
    if changed:
        raise EngineError(
            f"{where}: the state was made with {'; '.join(changed)}. "
            "Set it back, or choose another [app] name and other inner topics to count anew from the beginning"
        )
