"""What is measured of a contestant: progress by the broker's clock, processor time and memory of its processes, exactness.

The output topic keeps the broker's time of each record (LogAppendTime), so progress needs no watching while it happens and is
the same for every contestant: the sum of all counts published so far. The surprise: what appears within `FIRST_MS` of the first
output counts as that output, because a flush of many records takes some milliseconds to be written.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from confluent_kafka import Consumer, Message, TopicPartition

from bench.reference import Key, decode_sums, key_in

FIRST_MS = 100
TICKS = os.sysconf("SC_CLK_TCK")


class Rate(NamedTuple):
    """Events between first and last durable progress, and how long they took."""

    events: int
    seconds: float
    cpu_seconds: float | None = None  # where a contestant measures it itself


@dataclass
class Usage:
    """Processor time and peak memory of processes with their children, as far as they were seen."""

    cpu_seconds: dict[int, float] = field(default_factory=dict)
    peak_kilobytes: dict[int, int] = field(default_factory=dict)
    first: tuple[int, float] | None = None  # events done and processor seconds at the first progress
    last: tuple[int, float] = (0, 0.0)

    def look(self, pids: Iterable[int], done: int) -> None:
        """Note what the processes have used so far, and for how many events."""
        for pid in [each for root in pids for each in tree(root)]:
            try:
                # Behind the command's name in parentheses; user and system time are the 12th and 13th field there.
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                status = Path(f"/proc/{pid}/status").read_text()
            except OSError:  # it has ended
                continue
            self.cpu_seconds[pid] = (int(fields[11]) + int(fields[12])) / TICKS
            peak = next((line for line in status.splitlines() if line.startswith("VmHWM")), "VmHWM: 0 kB")
            self.peak_kilobytes[pid] = max(int(peak.split()[1]), self.peak_kilobytes.get(pid, 0))

        self.last = done, sum(self.cpu_seconds.values())
        if done and self.first is None:
            self.first = self.last

    @property
    def cpu_us_per_event(self) -> float:
        """Processor time an event took, the start of the processes left out."""
        events, seconds = self.last[0] - (self.first or (0, 0))[0], self.last[1] - (self.first or (0, 0))[1]
        return seconds / events * 1e6 if events else 0.0

    @property
    def peak_mebibytes(self) -> float:
        """Sum of the peaks."""
        return sum(self.peak_kilobytes.values()) / 1024


def tree(pid: int) -> list[int]:
    """A process and its descendants."""
    found = [pid]
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [each for child in children.read_text().split() for each in tree(int(child))]
        except OSError:  # the thread has ended
            continue
    return found


def reader(bootstrap: str, topic: str, partitions: int, wait_ms: int = 500) -> Consumer:
    """Reads the committed records of a topic from its beginning, in no group; `wait_ms`: how long the broker waits for some."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "bench-reads",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "fetch.wait.max.ms": wait_ms,
            "fetch.queue.backoff.ms": 5,
        }
    )
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
    return consumer


class Outputs:
    """Reads an output topic while it is written; `counted` is the sum of the latest counts of all keys."""

    def __init__(self, bootstrap: str, topic: str, partitions: int) -> None:
        self.counted = 0
        self._latest: dict[bytes, bytes] = {}
        self._counts: dict[bytes, int] = {}
        self._history: list[tuple[int, bytes, int]] = []  # broker's time, key, count
        self._consumer = reader(bootstrap, topic, partitions)

    def read(self, seconds: float) -> int:
        """Take in what has been written, waiting at most so long; how much is counted by now."""
        for message in self._consumer.consume(50_000, seconds):
            if message.error() is None and message.value():
                self._take(message)
        return self.counted

    def _take(self, message: Message) -> None:
        key, value = message.key() or b"", message.value() or b""
        count = decode_sums(value).count
        self.counted += count - self._counts.get(key, 0)
        self._counts[key], self._latest[key] = count, value
        self._history.append((message.timestamp()[1], key, count))

    def close(self) -> None:
        """Give the connection back."""
        self._consumer.close()

    def sums(self) -> dict[Key, list[int]]:
        """What has been published, parts added up."""
        total: dict[Key, list[int]] = {}
        for name, value in self._latest.items():
            sums = decode_sums(value)
            add(total, key_in(name), [sums.count, sums.sum, sums.max])
        return total

    def rate(self) -> Rate:
        """From the first output to the one that completed the count."""
        counts: dict[bytes, int] = {}
        counted, began_ms, first, ended_ms = 0, 0, 0, 0
        for at_ms, key, count in sorted(self._history):
            began_ms = began_ms or at_ms
            counted += count - counts.get(key, 0)
            counts[key] = count
            if at_ms <= began_ms + FIRST_MS:
                first = counted
            if counted >= self.counted and not ended_ms:
                ended_ms = at_ms
        return Rate(counted - first, (ended_ms - began_ms) / 1000)


def add(total: dict[Key, list[int]], key: Key, sums: list[int]) -> None:
    """Add the sums of a part."""
    held = total.get(key)
    total[key] = sums if held is None else [held[0] + sums[0], held[1] + sums[1], max(held[2], sums[2])]


def difference(expected: dict[Key, list[int]], actual: dict[Key, list[int]]) -> str:
    """'' where both are equal, else the first key that differs."""
    for key in sorted({*expected, *actual}):
        if expected.get(key) != actual.get(key):
            return f"{key}: expected {expected.get(key)}, found {actual.get(key)}"
    return ""
