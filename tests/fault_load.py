"""Load that runs while faults strike, and the record of how far the group had come at which moment."""

import json
import threading
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

TICK_SECONDS = 0.05
DELIVER_SECONDS_MAX = 180  # longer than any fault lasts
BEHIND_SECONDS = (
    3.0  # a group that has done all but this much of the load is up to date: flushes take up to 1 s beside other work
)

Record = Callable[[int], tuple[int, bytes]]  # number → partition, value


class Load:
    """So many records a second into a topic, numbered from 0, each once: an idempotent producer that waits for all replicas."""

    def __init__(self, broker: str, topic: str, partitions: int, per_second: int, record: Record, most: int = 1 << 60) -> None:
        """`record` gives the n-th record, of `most`."""
        self._producer = Producer(
            {
                "bootstrap.servers": broker,
                "enable.idempotence": True,
                "linger.ms": 20,
                "message.timeout.ms": DELIVER_SECONDS_MAX * 1000,
                "log_level": 0,
            }
        )
        self._topic, self._partitions, self._per_second, self._record, self._most = topic, partitions, per_second, record, most
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.times: list[float] = []  # when `counts` records had been produced
        self.counts: list[int] = []
        self.events = 0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> int:
        """End, when all is delivered; how many there were."""
        self._stop.set()
        self._thread.join()
        left = self._producer.flush(DELIVER_SECONDS_MAX)
        assert left == 0, f"{left} of {self.events} records could not be produced"
        return self.events

    def is_over(self) -> bool:
        """Whether all of a feed that ends has been produced."""
        return self.events >= self._most

    def produced_at(self, moment: float) -> int:
        """How many records had been produced by then."""
        index = bisect_right(self.times, moment)
        return self.counts[index - 1] if index else 0

    def places(self) -> list[TopicPartition]:
        """Its partitions."""
        return [TopicPartition(self._topic, partition) for partition in range(self._partitions)]

    def _run(self) -> None:
        began = monotonic()
        while not self._stop.wait(TICK_SECONDS):
            wanted = min(self._most, int((monotonic() - began) * self._per_second))
            for number in range(self.events, wanted):
                partition, value = self._record(number)
                self._producer.produce(self._topic, value, partition=partition)
            self.events = max(self.events, wanted)
            self.times.append(monotonic())
            self.counts.append(self.events)
            self._producer.poll(0)


def counting_record(keys: int, partitions: int) -> Record:
    """The n-th record of a counting job."""
    return lambda number: (number % partitions, json.dumps({"key": f"k{number % keys}", "pad": "x" * 300}).encode())


@dataclass
class Watch:
    """Looks at the committed offsets five times a second, and remembers."""

    broker: str
    group: str
    load: Load
    samples: list[tuple[float, dict[int, int]]] = field(default_factory=list)
    fallen: list[str] = field(default_factory=list)  # offsets that went down

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        settings = {"bootstrap.servers": self.broker, "group.id": self.group, "log_level": 0, "socket.timeout.ms": 3000}
        self._consumer = Consumer(settings)  # never joins; an admin client that asks while a coordinator dies aborts the process
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        self._thread.join()
        self._consumer.close()

    def look(self) -> dict[int, int] | None:
        """Committed offsets by partition now; None where no broker tells."""
        try:
            places = self._consumer.committed(self.load.places(), timeout=3)
        except KafkaException:
            return None
        return {place.partition: max(0, place.offset) for place in places}

    def in_flight(self) -> int | None:
        """Records produced and not yet committed; None where no broker tells."""
        offsets = self.look()
        return None if offsets is None else self.load.events - sum(offsets.values())

    def up_to_date_since(self, origin: float) -> float | None:
        """When the group got up to date for good after `origin`; None while it isn't."""
        since: float | None = None
        for moment, offsets in self.samples:
            if moment >= origin:
                done = sum(offsets.values()) >= self.load.produced_at(moment - BEHIND_SECONDS)
                since = (since or moment) if done else None
        return since

    def _run(self) -> None:
        last: dict[int, int] = {}
        while not self._stop.wait(0.2):
            asked = monotonic()
            offsets = self.look()
            if offsets:
                self.fallen += [f"{p}: {last[p]} then {n}" for p, n in offsets.items() if n < last.get(p, 0)]
                last = offsets
                self.samples.append((asked, offsets))
