"""`make bench-restart OPEN=1000000 DISK=`: how soon a worker is ready again that left so many interactions open, and its memory.

A worker counts the events first, as it always does, so that the changelog is what such a worker leaves: written flush by flush,
partly compacted. Then it is started again, after an orderly end and after a kill -9. With DISK=intake,journey,merge these stages
keep their state in RocksDB. The surprise: `/ready` says yes when the first stage is ready; what counts here is that intake owns
all its partitions, with their interactions.
"""

import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import orjson
from confluent_kafka import Producer
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kafka_cluster import KafkaCluster
from running import System, ask, committed, eventually, make_system

from streams.commands.children import Child

PARTITIONS = 4  # the default of [topics] partitions
START_MS = 1_790_000_000_000
SPAN_MS = 10 * 3600 * 1000  # all begin within this, so that none has timed out when the last comes
QUEUES = ("billing", "technical", "sales", "orders", "retention")
CHANNELS = ("voice", "chat", "email")
READY_SECONDS_MAX = 300


def life(number: int, begin_ms: int) -> Iterator[bytes]:
    """Events of an interaction that stays open: offered, queued, and two of three times answered."""
    for step, name in enumerate(("offered", "queued", "answered")[: 2 + (number % 3 > 0)]):
        event = {
            "id": f"i-{number:08d}-{step}",
            "source": "bench",
            "type": name,
            "time": begin_ms + step * 1_000,
            "interaction_id": f"i-{number:08d}",
            "customer_id": f"c-{number % 9_973}",
            "channel": CHANNELS[number % len(CHANNELS)],
            "queue": QUEUES[number % len(QUEUES)],
        }
        yield orjson.dumps(event)


def fill(bootstrap: str, topic: str, interactions: int) -> int:
    """Write the events; how many they are."""
    producer = Producer({"bootstrap.servers": bootstrap, "compression.type": "lz4", "linger.ms": 20})
    count = 0
    for number in range(interactions):
        for value in life(number, START_MS + number * SPAN_MS // interactions):
            count += 1
            while True:
                try:
                    producer.produce(topic, value, f"i-{number:08d}")
                    break
                except BufferError:
                    producer.poll(0.1)
    assert producer.flush(60) == 0
    return count


def memory(child: Child) -> dict[str, int]:
    """Resident memory now and at its highest, in MiB."""
    status = Path(f"/proc/{child.process.pid}/status").read_text().splitlines()
    kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in status if line.startswith(("VmHWM", "VmRSS"))}
    return {"resident_mebibytes": kilobytes["VmRSS"] // 1024, "peak_mebibytes": kilobytes["VmHWM"] // 1024}


def cpu_seconds(child: Child) -> float:
    """Processor time used so far: tells more than the clock where other work runs beside."""
    fields = Path(f"/proc/{child.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_consumed(system: System, count: int) -> float:
    """Until everything is applied and durable; the seconds that it took."""
    environment, began = system.environment, time.perf_counter()
    group, topic = f"{environment['STREAMS_APP_NAME']}-intake", environment["STREAMS_TOPICS_INTERACTIONS"]
    bootstrap = environment["STREAMS_KAFKA_BOOTSTRAP_SERVERS"]
    eventually(lambda: committed(bootstrap, group, topic) >= count, 60 + count / 5_000, "all is committed")
    return time.perf_counter() - began


def restart(system: System) -> dict[str, Any]:
    """Start the worker and wait until intake has all its interactions."""
    began = time.perf_counter()
    child = system.children.start("worker", "worker")
    url = f"http://127.0.0.1:{system.worker_port}/ready"

    def owned() -> bool:
        assert child.process.poll() is None, child.last_words()
        answer = ask(url)
        return answer is not None and answer["stages"]["intake"]["partitions"] == PARTITIONS

    eventually(lambda: child.process.poll() is not None or ask(url), READY_SECONDS_MAX, "the worker answers that it is ready")
    first = time.perf_counter() - began
    eventually(owned, READY_SECONDS_MAX, "intake has its partitions")
    seconds = time.perf_counter() - began
    recovered = [line.split(": ", 1)[1] for line in child.log.read_text().splitlines() if "recovered stage=intake" in line]
    used = cpu_seconds(child)
    return {
        "ready_seconds": seconds,
        "first_stage_seconds": first,
        "cpu_seconds": used,
        **memory(child),
        "recovered": recovered,
    }


def end(system: System, number: signal.Signals) -> None:
    """End the worker."""
    (child,) = system.children.running
    child.process.send_signal(number)
    child.process.wait(60)
    system.children.running.clear()


def show(rows: dict[str, dict[str, Any]], interactions: int) -> None:
    """A table, and all of it as JSON on the last line."""
    table = Table("start", "intake ready, s", "first stage ready, s", "processor, s", "memory, MiB", "peak, MiB")
    for name, row in rows.items():
        seconds = (f"{row['ready_seconds']:.1f}", f"{row['first_stage_seconds']:.1f}", f"{row['cpu_seconds']:.1f}")
        table.add_row(name, *seconds, str(row["resident_mebibytes"]), str(row["peak_mebibytes"]))
    Console().print(f"{interactions:,} open interactions", table)
    sys.stdout.write(json.dumps(rows) + "\n")


def main(interactions: int, disk_stages: str) -> None:
    """Fill, count, start again and again."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        kafka = KafkaCluster(directory / "kafka")
        stack.callback(kafka.stop)
        system = make_system(directory, kafka.address, {"STREAMS_ENGINE_DISK_STAGES": disk_stages})
        stack.callback(system.children.stop)
        count = fill(kafka.address, system.environment["STREAMS_TOPICS_INTERACTIONS"], interactions)
        rows = {"first, with nothing": restart(system)}
        Console().print(f"{count:,} events in {wait_consumed(system, count):.0f} s")
        for name, number in (("after an orderly end", signal.SIGTERM), ("after a kill -9", signal.SIGKILL)) * 2:
            end(system, number)
            rows[name if name not in rows else f"{name}, again"] = restart(system)
        show(rows, interactions)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
