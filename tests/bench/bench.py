"""`make bench`: intake's events per second beside idiomatic Faust's, on the same real Kafka, topic and events, in one run.

Prints a table and writes tests/bench/results.json's content to standard output's last line, so that a run can be kept. A figure
counts only if the counts are right: each side's sum is compared with what was sent.
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import orjson
from confluent_kafka import Consumer, Producer, TopicPartition
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kafka_cluster import KafkaCluster
from running import System, eventually, make_system

EVENTS = 600_000  # about five seconds of the faster side: long enough to leave the start behind
IDIOMATIC_EVENTS = 20_000  # about twenty seconds of the slower side
START_MS = 1_790_000_000_000
QUEUES = ("billing", "technical", "sales", "orders", "retention")
CHANNELS = ("voice", "chat", "email")
TYPES = ("offered", "queued", "answered", "completed")
# What a real system sends along and nobody here reads: brings an event to about 350 bytes.
PADDING = {"note": "x" * 60, "tenant": "north-america-1", "trace": "4bf92f3577b34da6a3ce929d0e0e4736"}


def events(count: int) -> Iterator[tuple[str, bytes]]:
    """(key, JSON) of `count` events: interactions of four events each, ten a second, in time order."""
    choose = random.Random(1)  # the same topic in every run
    for number in range(count // len(TYPES)):
        interaction, begin_ms = f"i-{number:08d}", START_MS + number * 100
        queue, channel = choose.choice(QUEUES), choose.choice(CHANNELS)
        for step, name in enumerate(TYPES):
            event: dict[str, Any] = {
                "id": f"{interaction}-{step}",
                "source": "bench",
                "type": name,
                "time": begin_ms + step * 1_000,
                "interaction_id": interaction,
                "customer_id": f"c-{number % 9_973}",
                "channel": channel,
                "queue": queue,
                **PADDING,
            }
            if name == "completed":
                event["talk_seconds"] = 120
            yield interaction, orjson.dumps(event)


def fill(bootstrap: str, topic: str, count: int) -> int:
    """Write the events; the mean size of one, in bytes."""
    producer = Producer({"bootstrap.servers": bootstrap, "compression.type": "lz4", "linger.ms": 20})
    size = 0
    for key, value in events(count):
        size += len(value)
        while True:
            try:
                producer.produce(topic, value, key)
                break
            except BufferError:
                producer.poll(0.1)
    assert producer.flush(60) == 0
    return size // count


def committed(consumer: Consumer, topic: str) -> int:
    """Records of the topic that the group has done."""
    places = consumer.committed([TopicPartition(topic, partition) for partition in range(4)], timeout=10)
    return sum(max(0, place.offset) for place in places)


def rate_of_intake(system: System, count: int) -> dict[str, float]:
    """Events per second of a worker with its whole default job, from the first flush to the last."""
    topic = system.environment["STREAMS_TOPICS_INTERACTIONS"]
    group = f"{system.environment['STREAMS_APP_NAME']}-intake"
    consumer = Consumer({"bootstrap.servers": system.environment["STREAMS_KAFKA_BOOTSTRAP_SERVERS"], "group.id": group})
    worker = system.children.start("worker", "worker")
    first = eventually(lambda: committed(consumer, topic), 60, "intake's first flush")
    began = time.perf_counter()
    eventually(lambda: committed(consumer, topic) >= count, 300, "intake's last flush")
    seconds = time.perf_counter() - began
    peak_kilobytes = next(
        int(line.split()[1]) for line in Path(f"/proc/{worker.process.pid}/status").read_text().splitlines() if "VmHWM" in line
    )
    consumer.close()
    return {"events_per_second": (count - first) / seconds, "seconds": seconds, "peak_mebibytes": peak_kilobytes / 1024}


def offered(system: System) -> int:
    """Contacts in the trends topic, provisional and final days together."""
    days = system.lines("trends", "--cut", "total", "--window", "1d", "--json")
    return sum(day["measures"]["offered"] for day in days)


def rate_of_faust(system: System, directory: Path, count: int) -> dict[str, float]:
    """The same counting by Faust's own means."""
    result = directory / "faust.json"
    arguments = [system.environment["STREAMS_KAFKA_BOOTSTRAP_SERVERS"], system.environment["STREAMS_TOPICS_INTERACTIONS"]]
    command = [sys.executable, str(Path(__file__).with_name("idiomatic_faust.py")), *arguments, str(count), str(result)]
    subprocess.run(command, timeout=300, check=False, capture_output=True)
    found: dict[str, float] = json.loads(result.read_text())
    assert found["counted"] == count, f"idiomatic Faust counted {found['counted']} of {count}"
    return {"events_per_second": count / found["seconds"], "seconds": found["seconds"]}


def main() -> None:
    """Run both and print the ratio."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        kafka = KafkaCluster(directory / "kafka")
        stack.callback(kafka.stop)
        system = make_system(directory, kafka.address)
        stack.callback(system.children.stop)
        size = fill(kafka.address, system.environment["STREAMS_TOPICS_INTERACTIONS"], EVENTS)
        ours = rate_of_intake(system, EVENTS)
        eventually(lambda: offered(system) == EVENTS // len(TYPES), 60, "every contact in the trends, none twice")
        system.children.stop()
        faust = rate_of_faust(system, directory, IDIOMATIC_EVENTS)
    ratio = ours["events_per_second"] / faust["events_per_second"]
    title = f"{size}-byte JSON, lz4, 4 partitions, real Kafka, 2 cores"
    table = Table("", "events/s", "events", "seconds", "counts", title=title)
    for name, side, count in (
        ("streams worker, whole default job", ours, EVENTS),
        ("idiomatic Faust, one table", faust, IDIOMATIC_EVENTS),
    ):
        table.add_row(name, f"{side['events_per_second']:,.0f}", f"{count:,}", f"{side['seconds']:.1f}", "exact")
    table.add_row("ratio", f"{ratio:,.0f}")
    Console().print(table)
    print(json.dumps({"size": size, "streams": ours, "faust": faust, "ratio": ratio}))  # noqa: T201 (a line for scripts)


if __name__ == "__main__":
    main()
