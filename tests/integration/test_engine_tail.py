"""A tail begins where told, reads on, and says which partitions left it."""

import asyncio
from collections.abc import AsyncIterable, Callable
from pathlib import Path
from uuid import uuid4

import pytest
from confluent_kafka import Producer
from confluent_kafka.cimpl import NewTopic
from kafka_cluster import make_topics

from streams.edge.clock import now_ms
from streams.engine.app import make_app
from streams.engine.batch import Batch
from streams.engine.options import StageOptions
from streams.engine.tail import Tail

pytestmark = pytest.mark.integration

DAY_SECONDS = 86_400
SECONDS = 60.0


class Silent:
    """Telemetry that nobody reads."""

    def consumed(self, topic: str, n: int) -> None:
        """Not of interest."""

    def flushed(self, stage: str, seconds: float) -> None:
        """Not of interest."""

    def recovered(self, stage: str, partition: int, seconds: float, entries: int) -> None:
        """Not of interest."""

    def lag(self, topic: str, partition: int, records: int) -> None:
        """Not of interest."""

    def entries(self, stage: str, n: int) -> None:
        """Not of interest."""

    def assigned(self, stage: str, partitions: int) -> None:
        """Not of interest."""


def options(app: str, *, transactional: bool) -> StageOptions:
    """Options of one worker."""
    return StageOptions(
        app=app,
        worker="w",
        flush_seconds=0.1,
        flush_seconds_max=0.5,
        drain_seconds=0.1,
        batch_records=100,
        batches_under_way=2,
        fetch_queue_kilobytes=1024,
        kilobytes_under_way=131072,
        session_timeout_seconds=6,
        transaction_timeout_seconds=6,
        transactional=transactional,
    )


def send(broker: str, topic: str, values: list[str], at_ms: int = 0) -> None:
    """Write to partition 0, at a time of the past if given."""
    producer = Producer({"bootstrap.servers": broker})
    for value in values:
        producer.produce(topic, value.encode(), partition=0, timestamp=at_ms)
    assert producer.flush(10) == 0


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until a condition holds."""
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("broker", ["kafka", "tansu"])
def test_it_begins_at_the_beginning_or_so_many_seconds_ago_and_reads_on(
    broker: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    address = str(request.getfixturevalue(broker))
    app_name = f"tail-{uuid4().hex[:8]}"
    whole, young, old = (f"{app_name}-{name}" for name in ("whole", "young", "old"))
    make_topics(address, [NewTopic(topic, 2, 1) for topic in (whole, young, old)])
    for topic in (whole, young, old):
        send(address, topic, ["yesterday"], now_ms() - DAY_SECONDS * 1000)
    for topic in (whole, young):
        send(address, topic, ["now"], now_ms())

    async def run() -> None:
        app = make_app(app_name, tmp_path)
        revoked: list[tuple[str, int]] = []
        tail = Tail(
            app,
            "publish",
            {whole: None, young: 60, old: 60},
            {"bootstrap.servers": address},
            options(app_name, transactional=broker == "kafka"),
            now_ms,
            Silent(),
            lambda topic, partition: revoked.append((topic, partition)),
        )
        got: dict[str, list[bytes | None]] = {whole: [], young: [], old: []}

        async def agent(batches: AsyncIterable[Batch]) -> None:
            async for batch in batches:
                if tail.accept(batch):
                    got[batch.topic] += [record.value() for record in batch.records]

        app.agent(tail.channel, name="publish")(agent)
        await app.start()
        first = b"yesterday"
        skipped = [] if broker == "kafka" else [first]  # the embedded broker answers any time with the beginning
        await until(lambda: got == {whole: [first, b"now"], young: [*skipped, b"now"], old: skipped})
        for topic in (whole, young, old):
            await asyncio.to_thread(send, address, topic, ["later"])
        await until(lambda: [values[-1:] for values in got.values()] == [[b"later"]] * 3)
        assert got == {whole: [first, b"now", b"later"], young: [*skipped, b"now", b"later"], old: [*skipped, b"later"]}
        await app.stop()

    asyncio.run(run())
