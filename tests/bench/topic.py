"""The topic of interactions on a broker that keeps its data from run to run: filled once, its sums beside it.

The surprise: the topic's name carries a fingerprint of the code that makes the events, so that a change there makes a new topic.
"""

import hashlib
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

import msgspec
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # its stubs forget to export it
from kafka_cluster import KafkaCluster
from running import eventually

from bench import interactions
from bench.interactions import Key

PARTITIONS = 4


@dataclass(frozen=True)
class Topic:
    """A filled topic, and what a contestant has to find in it."""

    name: str
    partitions: int
    events: int
    bytes_per_event: int
    sums: dict[Key, list[int]]
    contacts: dict[tuple[str, ...], int]
    types: dict[str, int]


class _Kept(msgspec.Struct):
    """`Topic` as a file."""

    events: int
    bytes: int
    sums: list[tuple[Key, list[int]]]
    contacts: list[tuple[tuple[str, ...], int]]
    types: dict[str, int]


def start_kafka(directory: Path) -> KafkaCluster:
    """A broker with the data of the last run, where its ports are still free; else an empty one."""
    addresses = directory / "bootstrap"
    if addresses.exists() and not _is_free(int(addresses.read_text().rpartition(":")[2])):
        rmtree(directory)
    directory.mkdir(parents=True, exist_ok=True)
    return KafkaCluster(directory)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return True
    return False


def fill(bootstrap: str, directory: Path, events: int, partitions: int = PARTITIONS, series: int = 1) -> Topic:
    """The topic with at least so many events, filled now if it isn't there."""
    made_by = hashlib.sha256(Path(interactions.__file__).read_bytes()).hexdigest()[:8]
    name = f"interactions-{made_by}-{events}-{partitions}-{series}"
    kept = directory / f"{name}.json"
    if not kept.exists() or _records(bootstrap, name, partitions) != _read(kept).events:
        create_topics(bootstrap, {name: partitions})
        kept.write_bytes(msgspec.json.encode(_fill(bootstrap, name, events, series)))
    found = _read(kept)
    return Topic(name, partitions, found.events, found.bytes // found.events, dict(found.sums), dict(found.contacts), found.types)


def _read(kept: Path) -> _Kept:
    return msgspec.json.decode(kept.read_bytes(), type=_Kept)


def _fill(bootstrap: str, name: str, events: int, series: int) -> _Kept:
    found = interactions.Found()
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "compression.type": "lz4",
            "linger.ms": 50,
            "partitioner": "murmur2_random",  # as Java and kafka-python, so that peers could join it with their own
            "queue.buffering.max.messages": 500_000,
        }
    )
    for made in interactions.make(events, found, interactions.Plan(series=series)):
        while True:
            try:
                producer.produce(name, made.value, made.interaction)
                break
            except BufferError:
                producer.poll(0.1)
    assert producer.flush(120) == 0
    return _Kept(found.events, found.bytes, list(found.sums.items()), list(found.contacts.items()), dict(found.types))


def create_topics(bootstrap: str, partitions: dict[str, int], **config: str) -> None:
    """Empty topics, one replica each; what there was under these names goes."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    delete_topics(bootstrap, lambda name: name in partitions)
    for created in admin.create_topics([NewTopic(name, count, 1, config=config) for name, count in partitions.items()]).values():
        created.result()


def delete_topics(bootstrap: str, which: Callable[[str], bool]) -> None:
    """Delete the topics whose names are chosen, and wait until they are gone."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    chosen = [name for name in admin.list_topics(timeout=30).topics if which(name)]
    if chosen:
        for deleted in admin.delete_topics(chosen, operation_timeout=30).values():
            deleted.result()
        eventually(lambda: not set(chosen) & set(admin.list_topics(timeout=30).topics), 30, f"{chosen} are gone")


def _records(bootstrap: str, name: str, partitions: int) -> int:
    """How many records a topic holds; 0 where there is none."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "counts-records", "log_level": 0})

    def ends() -> list[tuple[int, int]] | None:
        try:
            return [consumer.get_watermark_offsets(TopicPartition(name, p), timeout=30) for p in range(partitions)]
        except KafkaException:  # a broker that just started isn't the leader of its partitions yet
            return None

    try:
        if name not in consumer.list_topics(timeout=30).topics:
            return 0
        return sum(high - low for low, high in eventually(ends, 60, f"the broker leads {name}"))
    finally:
        consumer.close()
