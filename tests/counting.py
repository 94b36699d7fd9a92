"""Counting workers of counting_worker.py: topics, input, processes, and what they counted."""

import json
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.cimpl import NewTopic
from kafka_cluster import make_topics
from running import NO_COORDINATOR, eventually

from streams.edge.embedded import end_with_parent

WORKER = Path(__file__).parent / "counting_worker.py"
PARTITIONS = 4
KEYS = 100
READ_SECONDS_MAX = 60
STAMP = b"\x00stamp"


@dataclass
class Job:
    """A counting job on topics of its own."""

    broker: str
    directory: Path
    transactional: bool = True
    app: str = field(default_factory=lambda: f"job-{uuid4().hex[:8]}")
    events: int = 0
    workers: "dict[str, subprocess.Popen[str]]" = field(default_factory=dict)

    def create_topics(self, replicas: int = 1, **changelog: str) -> None:
        """Events, what was counted, and the changelog with these settings of its own."""
        compact = {"cleanup.policy": "compact", **{name.replace("_", "."): value for name, value in changelog.items()}}
        topics = [NewTopic(f"{self.app}-{name}", PARTITIONS, replicas) for name in ("events", "counted")]
        topics.append(NewTopic(f"{self.app}-count-changelog", PARTITIONS, replicas, config=compact))
        make_topics(self.broker, topics)

    def produce(self, events: int) -> None:
        """Fill the topic evenly."""
        producer = Producer({"bootstrap.servers": self.broker, "linger.ms": 20, "queue.buffering.max.messages": 1_000_000})
        for number in range(self.events, self.events + events):
            value = json.dumps({"key": f"k{number % KEYS}", "pad": "x" * 300})
            producer.produce(f"{self.app}-events", value, partition=number % PARTITIONS)
            producer.poll(0)
        assert producer.flush(60) == 0
        self.events += events

    def start(self, worker: str, **plan: object) -> None:
        """Start a worker, or start it again."""
        arguments = {
            "broker": self.broker,
            "worker": worker,
            "app": self.app,
            "directory": str(self.directory),
            "transactional": self.transactional,
            **plan,
        }
        with (self.directory / f"log-{worker}").open("a") as log:
            self.workers[worker] = subprocess.Popen(
                [sys.executable, WORKER, json.dumps(arguments)], stderr=log, text=True, preexec_fn=end_with_parent()
            )

    def send(self, worker: str, number: signal.Signals) -> None:
        """Send a signal to a worker."""
        self.workers[worker].send_signal(number)

    def end(self, worker: str, seconds: float = 60) -> int:
        """Wait for a worker's end; its exit code."""
        return self.workers[worker].wait(seconds)

    def stop(self) -> None:
        """End all workers, whatever they do."""
        for process in self.workers.values():
            process.kill()
            process.wait(10)

    def log(self, worker: str) -> str:
        """What a worker said."""
        return (self.directory / f"log-{worker}").read_text()

    def logs(self) -> str:
        """What all workers said."""
        return "".join(f"--- {worker}\n{self.log(worker)}" for worker in self.workers)

    def notes(self, worker: str, fact: str) -> list[Any]:
        """What a worker noted of a fact."""
        return [value for _at, value in self.timed_notes(worker, fact)]

    def timed_notes(self, worker: str, fact: str) -> list[tuple[float, Any]]:
        """The same with the moment. A line that a kill cut short is none."""
        path = self.directory / f"notes-{worker}"
        lines = path.read_text().splitlines() if path.exists() else []
        notes = map(json.loads, (line for line in lines if line.endswith("}")))
        return [(note["at"], note[fact]) for note in notes if fact in note]

    def consumed(self, *workers: str) -> int:
        """Records that agents took, repeats included."""
        return sum(sum(self.notes(worker, "consumed")) for worker in workers)

    def committed(self) -> int:
        """Sum of the committed offsets of the source."""
        return sum(self.offsets().values())

    def offsets(self) -> dict[int, int]:
        """Committed offsets of the source by partition."""
        consumer = Consumer({"bootstrap.servers": self.broker, "group.id": f"{self.app}-count", "log_level": 0})
        try:
            places = consumer.committed([TopicPartition(f"{self.app}-events", p) for p in range(PARTITIONS)], timeout=10)
        except KafkaException as error:
            if error.args[0].code() in NO_COORDINATOR:
                return {}
            raise
        finally:
            consumer.close()
        return {place.partition: max(0, place.offset) for place in places}

    def wait_done(self, seconds: float = 120) -> None:
        """Until everything is committed."""
        eventually(lambda: self.committed() == self.events, seconds, f"all committed, are {self.committed()} of {self.events}")

    def counted(self) -> Counter[bytes]:
        """Sums of the outputs by key."""
        sums: Counter[bytes] = Counter()
        for _partition, key, value in self._read("counted"):
            sums[key] += int(value or 0)
        return sums

    def tables(self) -> Counter[bytes]:
        """Sums of the tables by key, from the changelog."""
        latest = {(partition, key): value for partition, key, value in self._read("count-changelog") if key != STAMP}
        sums: Counter[bytes] = Counter()
        for (_partition, key), value in latest.items():
            sums[key] += int(value or 0)
        return sums

    def stamps(self) -> int:
        """Sum of the positions at which the tables stand."""
        return sum(position for position, _table in self.replayed().values())

    def replayed(self) -> dict[int, tuple[int, dict[bytes, int]]]:
        """By partition: where the table stands, and the table, as the changelog tells them."""
        latest = {(partition, key): value for partition, key, value in self._read("count-changelog")}
        stamps = {partition: json.loads(value or b"")["position"] for (partition, key), value in latest.items() if key == STAMP}
        return {
            partition: (
                position,
                {key: int(value or 0) for (owner, key), value in latest.items() if owner == partition and key != STAMP},
            )
            for partition, position in stamps.items()
        }

    def changelog(self) -> list[tuple[int, bytes, bytes | None]]:
        """All records of the changelog: partition, key, value."""
        return self._read("count-changelog")

    def expected(self) -> Counter[bytes]:
        """What the input holds, by key."""
        return Counter({b"k%d" % key: len(range(key, self.events, KEYS)) for key in range(KEYS)})

    def _read(self, name: str) -> list[tuple[int, bytes, bytes | None]]:
        """All records up to the end of the log. A reader of committed records sees no further than an open transaction: wait."""
        topic = f"{self.app}-{name}"
        ends = self._ends(topic)
        consumer = Consumer(
            {
                "bootstrap.servers": self.broker,
                "group.id": "reads-all",
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "enable.auto.commit": False,
            }
        )
        consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
        records: list[tuple[int, bytes, bytes | None]] = []
        stands = dict.fromkeys(ends, 0)

        def at_end() -> bool:
            for message in consumer.consume(10_000, 0.1):
                partition = message.partition() or 0
                if message.error() is None:
                    records.append((partition, message.key() or b"", message.value()))
                else:
                    stands[partition] = message.offset() or 0
            return all(stands[partition] >= end for partition, end in ends.items())

        eventually(at_end, READ_SECONDS_MAX, f"{name} is read to its ends {ends}, stands at {stands}")
        consumer.close()
        return records

    def _ends(self, topic: str) -> dict[int, int]:
        """Where the log ends, open transactions included."""
        consumer = Consumer({"bootstrap.servers": self.broker, "group.id": "asks-ends", "isolation.level": "read_uncommitted"})
        ends = {p: consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=10)[1] for p in range(PARTITIONS)}
        consumer.close()
        return ends


def has_consumed(job: Job, records: int) -> bool:
    """Whether worker a has taken more than so many records."""
    return job.consumed("a") > records


def assert_exact(job: Job) -> None:
    """Outputs, tables, stamps and offsets all tell of the input, each record once."""
    job.wait_done()
    assert job.expected() == job.counted()
    assert job.expected() == job.tables()
    assert job.events == job.stamps()
