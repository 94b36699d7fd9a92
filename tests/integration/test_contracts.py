"""What the engine leans on in Faust, confluent-kafka and kafka-python. A new version that changes one fails here first."""

import asyncio
import threading
from collections.abc import AsyncIterable, Callable
from pathlib import Path

import faust
import pytest
from confluent_kafka import Consumer
from mode import Service
from running import eventually

from streams.engine.app import make_app, service_of
from streams.engine.errors import EngineError
from streams.engine.probe import find_broker, knows_transactions

pytestmark = pytest.mark.integration

SECONDS = 20.0  # generous: a shared machine may be busy


class Noting(Service):
    """Notes that it was started and stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[str] = []

    async def on_start(self) -> None:
        """Started."""
        self.noted.append("started")

    async def on_stop(self) -> None:
        """Stopped."""
        self.noted.append("stopped")


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until a condition holds."""
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.01)


def listen(app: faust.App, channel: faust.ChannelT[int], name: str) -> list[int]:
    """An agent that collects what comes out of a channel."""
    got: list[int] = []

    async def agent(values: AsyncIterable[int]) -> None:
        async for value in values:
            got.append(value)  # noqa: PERF401  # the loop never ends

    app.agent(channel, name=name)(agent)
    return got


def test_what_is_put_on_a_channel_reaches_every_agent_in_order(tmp_path: Path) -> None:
    async def run() -> None:
        app = make_app("contract", tmp_path)
        channel = app.channel(maxsize=0)
        one, two = listen(app, channel, "one"), listen(app, channel, "two")
        await app.start()
        for number in range(100):
            asyncio.run_coroutine_threadsafe(channel.put(number), asyncio.get_running_loop())  # type: ignore[arg-type]  # takes any value
        await until(lambda: len(one) == len(two) == 100)
        await app.stop()
        assert one == two == list(range(100))

    asyncio.run(run())


def test_a_channel_is_suspended_until_flow_control_is_resumed(tmp_path: Path) -> None:
    async def run() -> None:
        app = make_app("contract", tmp_path)
        app.flow_control.suspend()
        channel = app.channel(maxsize=0)
        got = listen(app, channel, "one")
        await app.start()
        put = asyncio.ensure_future(channel.put(1))  # type: ignore[arg-type]  # takes any value
        await asyncio.wait([put], timeout=0.2)
        assert not put.done()
        app.flow_control.resume()
        await put
        await until(lambda: got == [1])
        await app.stop()

    asyncio.run(run())


def test_a_service_instance_starts_and_stops_with_the_app(tmp_path: Path) -> None:
    async def run() -> list[str]:
        app = make_app("contract", tmp_path)
        service = Noting()
        service_of(app, service)
        await app.start()
        await app.stop()
        return service.noted

    assert asyncio.run(run()) == ["started", "stopped"]


def test_an_exception_in_an_agent_crashes_every_service_before_the_loop_goes_on(tmp_path: Path) -> None:
    """Otherwise a flush could run between the exception and the crash, and write half a batch."""

    async def run() -> tuple[bool, bool]:
        app = make_app("contract", tmp_path)
        channel = app.channel(maxsize=0)
        service = Noting()
        service_of(app, service)
        seen: list[bool] = []

        async def agent(values: AsyncIterable[int]) -> None:
            async for _ in values:
                asyncio.get_running_loop().call_soon(lambda: seen.append(service.crashed))
                raise RuntimeError("half a batch")

        app.agent(channel, name="one")(agent)
        await app.start()
        await channel.put(1)  # type: ignore[arg-type]  # takes any value
        await until(lambda: bool(seen))
        await app.stop()
        return seen[0], isinstance(app.crash_reason, RuntimeError)

    assert asyncio.run(run()) == (True, True)


def test_the_group_metadata_can_be_had_in_the_thread_that_polls(kafka: str) -> None:
    """From another thread the call may wait for ever, which is why the source keeps a copy."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "contract-metadata"})
    consumer.subscribe(["contract-metadata"])
    got: list[object] = []

    def poll() -> None:
        consumer.poll(0.1)
        got.append(consumer.consumer_group_metadata())
        consumer.close()

    threading.Thread(target=poll, daemon=True).start()
    eventually(lambda: got, SECONDS, "the metadata came")


def test_kafka_knows_transactions_and_the_embedded_broker_does_not(kafka: str, tansu: str) -> None:
    assert knows_transactions({"bootstrap.servers": kafka}, SECONDS) is True
    assert knows_transactions({"bootstrap.servers": tansu}, SECONDS) is False


def test_a_broker_that_is_not_there_is_named() -> None:
    nobody: dict[str, object] = {"bootstrap.servers": "127.0.0.1:1"}
    with pytest.raises(EngineError, match=r"no Kafka broker at 127\.0\.0\.1:1 within 1 s .*set \[kafka\] bootstrap_servers"):
        find_broker(nobody, 1)
    with pytest.raises(EngineError, match=r"127\.0\.0\.1:1"):
        knows_transactions(nobody, 1)
