"""Writing to Kafka from an event loop: a record counts as written when all in-sync replicas have it.

librdkafka reports to a thread of ours, and that to the loop. One request is under way at a time: a retry overtakes nothing. The
surprise: who gave up waiting may find the record written all the same; sent again it is a duplicate by its id.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from streams.core.errors import StreamsError
from streams.edge.kafka import client_settings, partitions_of
from streams.engine.options import writer_settings
from streams.settings import Settings

# How long the reporting thread waits at a time; what it does when nothing is under way.
_POLL_SECONDS = 0.2
_CLOSE_SECONDS = 10.0


class Outgoing(NamedTuple):
    """A record to be written, into the partition of its key."""

    topic: str
    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes]]


class NotWrittenError(StreamsError):
    """Kafka didn't take a record in time."""


class Outlet:
    """A producer; `open` it, then `write` from one event loop, then `close`. `well`: Kafka took the last record that it got."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._closing = threading.Event()
        self._reports = threading.Thread(target=self._report, name="outlet", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._answered: deque[_Delivery] = deque()  # what the loop has yet to be told
        self.well = True

    def open(self) -> None:
        """StreamsError where no broker answers or a topic is missing."""
        topics = self._settings.topics
        for topic in (topics.interactions, topics.agents, topics.rejected):
            partitions_of(self._settings, topic)
        self._producer = Producer(
            {
                **writer_settings(client_settings(self._settings)),
                "client.id": f"{self._settings.app.name}-ingest",
                "max.in.flight.requests.per.connection": 1,
                "message.timeout.ms": self._settings.ingest.acknowledge_seconds_max * 1000,
                "error_cb": self._failed,
            }
        )
        self._reports.start()

    async def write(self, records: Sequence[Outgoing]) -> None:
        """All of them are written when this returns. NotWrittenError: at least one isn't, as far as is known."""
        if not records:
            return
        self._loop = asyncio.get_running_loop()
        delivery = _Delivery(self._loop.create_future(), len(records), self._answered)
        try:
            for record in records:
                headers: list[tuple[str, str | bytes | None]] = [*record.headers]
                self._producer.produce(record.topic, record.value, record.key, headers=headers, on_delivery=delivery.report)
        except (BufferError, KafkaException) as error:
            self.well = False
            raise NotWrittenError(f"Kafka can't take more now: {error}") from error
        failure = await delivery.all
        self.well = failure is None
        if failure is not None:
            raise NotWrittenError(f"Kafka did not acknowledge: {failure}")

    def close(self) -> None:
        """Wait, not for ever, until what was given to Kafka is there."""
        self._producer.flush(_CLOSE_SECONDS)
        self._closing.set()
        self._reports.join()

    def _report(self) -> None:
        while not self._closing.is_set():
            self._producer.poll(_POLL_SECONDS)
            self._wake()
        self._wake()

    def _wake(self) -> None:
        """Once for all that one call has reported: an answer of the broker is about the records of many requests."""
        if self._answered and self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended, and with it whoever waited
                self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        while self._answered:
            self._answered.popleft().tell()

    def _failed(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self.well = False


class _Delivery:
    """The records of one `write`: `all` is done when Kafka has answered for each, with the first failure or None."""

    def __init__(self, done: asyncio.Future[str | None], count: int, answered: "deque[_Delivery]") -> None:
        self.all = done
        self._left = count
        self._answered = answered
        self._failure: str | None = None

    def report(self, error: KafkaError | None, _message: Message) -> None:
        """Called in the reporting thread, one record after the other."""
        if error is not None:
            self._failure = self._failure or error.str()
        self._left -= 1
        if not self._left:
            self._answered.append(self)

    def tell(self) -> None:
        """Called in the loop."""
        if not self.all.done():  # the request may have been cut off meanwhile
            self.all.set_result(self._failure)
