"""`make bench`: events per second beside idiomatic Faust's, on the same real Kafka, topic and events, in one run.

Prints a table, and the figures as JSON on the last line, so that a run can be kept. A figure counts only if the counts are right:
each side's sum is compared with what was sent.
"""

import json
import os
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
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # its stubs forget to export it
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kafka_cluster import KafkaCluster
from running import System, committed, eventually, make_system

from streams.edge.reader import latest
from streams.settings import load

EVENTS = 1_500_000  # five seconds of the fastest: long enough for what was fetched before the first flush not to count
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


def rate_of_group(bootstrap: str, group: str, topic: str, process: "subprocess.Popen[bytes]", count: int) -> dict[str, float]:
    """Events per second of a group that has just been started, from its first flush to its last; the process's peak memory."""
    first = eventually(lambda: committed(bootstrap, group, topic), 60, "a first flush")
    began = time.perf_counter()
    eventually(lambda: committed(bootstrap, group, topic) >= count, 300, "the last flush")
    seconds = time.perf_counter() - began
    status = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    peak_kilobytes = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    return {"events_per_second": (count - first) / seconds, "seconds": seconds, "peak_mebibytes": peak_kilobytes / 1024}


def rate_of_intake(system: System, count: int) -> dict[str, float]:
    """A worker with its whole default job: all event types, five cuts, windows, detection, publishing."""
    environment = system.environment
    group, topic = f"{environment['STREAMS_APP_NAME']}-intake", environment["STREAMS_TOPICS_INTERACTIONS"]
    worker = system.children.start("worker", "worker")
    found = rate_of_group(environment["STREAMS_KAFKA_BOOTSTRAP_SERVERS"], group, topic, worker.process, count)
    eventually(lambda: offered(system) == count // len(TYPES), 60, "every contact in the trends, none twice")
    system.children.stop()
    return found


def rate_of_counting(system: System, count: int) -> dict[str, float]:
    """The counting job on this system's engine."""
    bootstrap, topic = system.environment["STREAMS_KAFKA_BOOTSTRAP_SERVERS"], system.environment["STREAMS_TOPICS_INTERACTIONS"]
    create_topics(bootstrap, {"bench-count-changelog": 4, "counting-trends": 4})
    command = [sys.executable, str(Path(__file__).with_name("counting.py")), bootstrap, "bench", topic, "counting-trends"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        found = rate_of_group(bootstrap, "bench-count", topic, process, count)
    finally:
        process.terminate()
        process.wait(20)
    counts = latest(load([], system.environment), "counting-trends")
    assert sum(int(value) for value in counts.values()) == count, "the counts are wrong"
    return found


def create_topics(bootstrap: str, partitions: dict[str, int]) -> None:
    """New topics, one replica each."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for created in admin.create_topics([NewTopic(name, count, 1) for name, count in partitions.items()]).values():
        created.result()


def offered(system: System) -> int:
    """Contacts in the trends topic, provisional and final days together."""
    days = system.lines("trends", "--cut", "total", "--window", "1d", "--json")
    return sum(day["measures"]["offered"] for day in days)


def rate_of_faust(system: System, directory: Path, count: int) -> dict[str, float]:
    """The same counting by Faust's own means."""
    result = directory / "faust.json"
    bootstrap, sink = system.environment["STREAMS_KAFKA_BOOTSTRAP_SERVERS"], "idiomatic-trends"
    create_topics(bootstrap, {sink: 4})
    arguments = [bootstrap, system.environment["STREAMS_TOPICS_INTERACTIONS"], sink]
    command = [sys.executable, str(Path(__file__).with_name("idiomatic_faust.py")), *arguments, str(count), str(result)]
    done = subprocess.run(command, timeout=300, check=False, capture_output=True, text=True)
    assert result.exists(), f"idiomatic Faust failed: {done.stderr[-2000:]}"
    found: dict[str, float] = json.loads(result.read_text())
    assert found["counted"] == count, f"idiomatic Faust counted {found['counted']} of {count}"
    return {"events_per_second": count / found["seconds"], **found}


def main() -> None:
    """Run all three and print the ratios."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        kafka = KafkaCluster(directory / "kafka")
        stack.callback(kafka.stop)
        system = make_system(directory, kafka.address)
        stack.callback(system.children.stop)
        size = fill(kafka.address, system.environment["STREAMS_TOPICS_INTERACTIONS"], EVENTS)
        rows = {
            "idiomatic Faust: the counting job": rate_of_faust(system, directory, IDIOMATIC_EVENTS),
            "streams engine: the counting job": rate_of_counting(system, EVENTS),
            "streams worker: the whole default job": rate_of_intake(system, EVENTS),
        }
    title = f"{size}-byte JSON, lz4, 4 partitions, real Kafka on the same {os.cpu_count()} cores; all counts exact"
    table = Table("", "events/s", "ratio", "seconds", "peak memory", title=title)
    slowest = min(row["events_per_second"] for row in rows.values())
    for name, row in rows.items():
        rate = row["events_per_second"]
        table.add_row(
            name, f"{rate:,.0f}", f"{rate / slowest:,.0f}", f"{row['seconds']:.1f}", f"{row['peak_mebibytes']:,.0f} MiB"
        )
    Console(width=110).print(table)
    print(json.dumps({"size": size, "rows": rows}))  # noqa: T201  # a line for scripts


if __name__ == "__main__":
    main()
