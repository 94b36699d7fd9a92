"""Sending events to the topic `interactions` and states of agents to `agents`: the producer of replay and simulator, its pace.

Order within a partition is what the watermark lives on, so one request is under way at a time and nothing overtakes on a
retry (kafka-python's idempotence would do it too, but the embedded broker has none). A retry may repeat records; intake drops
repeats by id. The surprise: records get the wall clock as Kafka timestamp, not event time, or retention would eat old replays.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeAlias

import orjson
from kafka import KafkaProducer

from streams.core.errors import StreamsError
from streams.edge.clock import now_ms
from streams.edge.kafka import kafka_errors, partitions_of, python_settings
from streams.settings import Settings
from streams.sources.row import CanonicalEvent, is_state, key_of, time_of

# Batches of a quarter megabyte and 20 ms are where kafka-python stopped getting faster; a paced feed is late by at most 20 ms.
_BATCH_BYTES = 256 * 1024
_LINGER_MS = 20
# Progress and pace are looked at once in so many events when nothing has to be waited for.
_PROGRESS_EVENTS = 500
_CLOSE_SECONDS = 10
_CUT_OFF_SECONDS = 2
Progress: TypeAlias = Callable[[int], None]
# Given the time of the next event, how many seconds to wait before it is sent.
Pace: TypeAlias = Callable[[int], float]


class Sent(NamedTuple):
    """What a replay sent: events, heartbeats (counted once, not per partition), the last event time, and how long it took."""

    events: int
    heartbeats: int
    last_ms: int | None
    seconds: float


def at_speed(speed: float) -> Pace:
    """Event time against wall time from the first event on: 1 is real time, 10 ten times as fast, 0 as fast as it goes."""
    began: list[tuple[int, float]] = []

    def seconds_until(time_ms: int) -> float:
        if not speed:
            return 0.0
        if not began:
            began.append((time_ms, time.monotonic()))
        first_ms, began_seconds = began[0]
        return max(0.0, began_seconds + (time_ms - first_ms) / 1000 / speed - time.monotonic())

    return seconds_until


def as_it_happens(time_ms: int) -> float:
    """What lies in the past goes as fast as it can, what lies ahead waits for its moment: a simulated day that becomes live."""
    return max(0.0, (time_ms - now_ms()) / 1000)


class Sender:
    """A producer for one run: `send` events in time order, then `close`. Use it as a context manager."""

    def __init__(self, settings: Settings) -> None:
        self._kafka = settings.kafka
        self._settings = settings
        self._topic = settings.topics.interactions
        self._agents = ""  # the topic of agents' states, looked at when there is a state to send
        self._rejected = settings.topics.rejected
        self._failure: BaseException | None = None
        self._partitions = range(partitions_of(settings, self._topic))
        with kafka_errors(self._kafka):
            self._producer = KafkaProducer(
                client_id=f"{settings.app.name}-replay",
                compression_type="lz4",
                acks="all",
                enable_idempotence=False,
                max_in_flight_requests_per_connection=1,
                batch_size=_BATCH_BYTES,
                linger_ms=_LINGER_MS,
                max_block_ms=settings.kafka.connect_timeout_seconds * 1000,
                allow_auto_create_topics=False,
                **python_settings(settings),
            )

    def __enter__(self) -> "Sender":
        return self

    def __exit__(self, reason: type[BaseException] | None, *_: object) -> None:
        """Whoever interrupts wants an end now: kafka-python may wait in vain for what the interrupt cut off half-way."""
        self._producer.close(timeout=_CLOSE_SECONDS if reason is None else _CUT_OFF_SECONDS)

    def send(self, events: Iterable[CanonicalEvent], pace: Pace, progress: Progress) -> Sent:
        """Send events in their order, each when its moment has come, and wait until the broker has them all.

        `progress` gets the number of events since its last call. StreamsError if the broker refuses or goes away for too long.
        """
        began = time.monotonic()
        count, reported, heartbeats, last_ms = 0, 0, 0, None
        for event in events:
            if wait := pace(time_of(event)):
                progress(count - reported)
                reported = count
                time.sleep(wait)
            if event["type"] == "heartbeat":
                heartbeats += 1
                self._send_everywhere(event)
                continue
            self.send_one(event)
            last_ms = time_of(event)
            count += 1
            if count - reported >= _PROGRESS_EVENTS:
                progress(count - reported)
                reported = count
        self.flush()
        progress(count - reported)
        return Sent(count, heartbeats, last_ms, time.monotonic() - began)

    def flush(self) -> None:
        """Wait until everything sent is on the broker; raises what went wrong on the way."""
        with kafka_errors(self._kafka):
            self._producer.flush()
        self._check()

    def send_one(self, event: CanonicalEvent) -> None:
        """By interaction or agent: the producer's own partitioner, so that every producer agrees on the partition."""
        self.put(orjson.dumps(event), key_of(event), to_agents=is_state(event))

    def _send_everywhere(self, event: CanonicalEvent) -> None:
        value = orjson.dumps(event)
        for partition in self._partitions:
            self.put(value, None, partition)

    def put(
        self,
        value: bytes | None,
        key: bytes | None,
        partition: int = -1,
        headers: Sequence[tuple[str, bytes]] = (),
        *,
        to_agents: bool = False,
    ) -> None:
        """Send one record; into the partition of its key where there is no `partition` of that number."""
        if to_agents:
            self._put(self._agents_topic(), value, key, None, headers)
        else:
            self._put(self._topic, value, key, partition if partition in self._partitions else None, headers)

    def _agents_topic(self) -> str:
        if not self._agents:
            partitions_of(self._settings, self._settings.topics.agents)  # says which command to run where there is no topic
            self._agents = self._settings.topics.agents
        return self._agents

    def refuse(self, value: bytes, headers: Sequence[tuple[str, bytes]]) -> None:
        """Put a payload on the topic of what is refused."""
        self._put(self._rejected, value, None, None, headers)

    def _put(
        self, topic: str, value: bytes | None, key: bytes | None, partition: int | None, headers: Sequence[tuple[str, bytes]]
    ) -> None:
        self._check()
        with kafka_errors(self._kafka):
            sending = self._producer.send(topic, value, key, list(headers), partition)
        sending.add_errback(self._failed)

    def _failed(self, error: BaseException) -> None:
        self._failure = self._failure or error

    def _check(self) -> None:
        if self._failure is not None:
            raise StreamsError(
                f"Kafka at {self._kafka.bootstrap_servers} did not take an event: {self._failure}"
            ) from self._failure
