"""The stream: a viewer gets everything once, goes on where it broke off, and costs no memory when it is slow."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec
import pytest

from streams.board.pulse import Pulse
from streams.board.stream import QUEUE_MAX, Hub, Pending, Viewer
from streams.board.view import Changes, view_trend
from streams.core.alert import Alert
from streams.core.live import LiveChanges
from streams.core.trend import Clock, KpiValue, Trend, Window
from streams.edge.redis import LiveReader, LiveView

NOW = 1_700_000_000_000


def trend(queue: str, revision: int, offered: int) -> Trend:
    return Trend(
        cut="queue",
        series={"queue": queue},
        window=Window("today", 0, 1, "UTC"),
        final=False,
        revision=revision,
        measures={"offered": offered},
        kpis={"offered": KpiValue(offered, offered)},
        watermark_ms=0,
        read_ms=NOW - 250,
        published_ms=NOW,
    )


def clock(revision: int) -> Clock:
    return Clock(
        shard=0, shards=1, watermark_ms=NOW, closed_ms=NOW, heard_ms=NOW, event_ms=NOW, revision=revision, published_ms=NOW
    )


def test_a_viewer_that_falls_behind_loses_its_queue_and_takes_a_snapshot() -> None:
    viewer = Viewer([])
    for number in range(QUEUE_MAX):
        viewer.offer(str(number).encode())
    assert viewer.behind is False
    viewer.offer(b"one too many")
    assert viewer.behind is True
    viewer.behind = False
    viewer.offer(b"after the snapshot")
    assert viewer.take() == b"after the snapshot"


def test_what_comes_after_a_pause_is_sent_at_once() -> None:
    async def scenario() -> Changes | None:
        pending = Pending()
        waiting = asyncio.create_task(pending.wait(60))
        pending.add(Changes([view_trend(trend("billing", 1, 3))], [], []))
        async with asyncio.timeout(5):
            await waiting
        return pending.take()

    changes = asyncio.run(scenario())
    assert changes is not None
    assert [view.revision for view in changes.trends] == [1]


async def steps(count: int) -> None:
    """Let the others of the loop go on so many times."""
    async with asyncio.timeout(10):
        for _ in range(count):
            await asyncio.sleep(0)


def test_a_wait_that_is_cancelled_just_as_something_comes_ends() -> None:
    async def scenario() -> bool:
        pending = Pending()
        waiting = asyncio.create_task(pending.wait(60))
        await steps(3)
        pending.add(Changes([view_trend(trend("billing", 1, 3))], [], []))
        waiting.cancel()
        await asyncio.wait([waiting], timeout=10)
        return waiting.cancelled()

    assert asyncio.run(scenario())


@pytest.mark.integration
def test_a_hub_ends_at_any_moment_of_its_start(redis_server: Any) -> None:
    async def scenario(before: int) -> bool:
        reader = LiveReader(redis_server.url)
        following = asyncio.create_task(Hub(reader, Pulse(3_000, 60_000, "UTC"), ("total",), 5, lambda: NOW).run())
        await steps(before)
        following.cancel()
        await asyncio.wait([following], timeout=2)
        ended = following.cancelled()
        following.cancel()  # so that the test ends where the hub doesn't
        await asyncio.wait([following], timeout=2)
        await reader.close()
        return ended

    assert [before for before in range(80) if not asyncio.run(scenario(before))] == []


class Run:
    """A hub at work on a real Redis, and a writer beside it."""

    def __init__(self, url: str) -> None:
        self.view = LiveView(url, expiry_seconds=600)
        self.hub = Hub(LiveReader(url), Pulse(3_000, 60_000, "UTC"), ("total", "queue", "segment"), 5, lambda: NOW)

    async def write(self, *trends: Trend, alerts: tuple[Alert, ...] = (), revision: int = 1) -> None:
        await self.view.publish(LiveChanges(trends=trends, alerts=alerts, clocks=(clock(revision),)))


@asynccontextmanager
async def running(url: str) -> AsyncIterator[Run]:
    """A run that follows an empty live view; ended afterwards."""
    run = Run(url)
    await run.view.reset()
    following = asyncio.create_task(run.hub.run())
    await until(lambda: run.hub.health().status != "down")
    yield run
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
    await run.view.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.02)


class Listener:
    """Reads a stream message by message."""

    def __init__(self, messages: AsyncIterator[bytes]) -> None:
        self._messages = messages
        self._held: list[tuple[str, Any]] = []
        self.last_id: str | None = None

    async def next(self, name: str) -> Any:
        """The data of the next message with this name."""
        async with asyncio.timeout(10):
            while True:
                while self._held:
                    found, data = self._held.pop(0)
                    if found == name:
                        return data
                for block in (await anext(self._messages)).decode().split("\n\n"):
                    fields = dict(line.split(": ", 1) for line in block.splitlines())
                    self.last_id = fields.get("id", self.last_id)
                    if "event" in fields:
                        self._held.append((fields["event"], json.loads(fields["data"])))


def in_loop(test: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        await test()

    asyncio.run(run())


@pytest.mark.integration
def test_a_viewer_gets_a_snapshot_and_then_changes(redis_server: Any) -> None:
    async def test() -> None:
        async with running(redis_server.url) as run:
            await run.write(trend("billing", 1, 5))
            await until(lambda: b"billing" in run.hub.start())
            listener = Listener(run.hub.messages(None))
            snapshot = await listener.next("snapshot")
            assert [view["kpis"]["offered"]["value"] for view in snapshot["trends"]] == [5]
            await run.write(trend("billing", 2, 6), revision=2)
            values: list[float] = []
            while 6 not in values:
                values = [view["kpis"]["offered"]["value"] for view in (await listener.next("changes"))["trends"]]
            health = await listener.next("status")
            assert (health["status"], health["freshness_seconds"]) == ("ok", 0.25)

    in_loop(test)


@pytest.mark.integration
def test_figures_of_few_people_are_neither_in_the_snapshot_nor_in_changes(redis_server: Any) -> None:
    def segment(revision: int, offered: int) -> Trend:
        return msgspec.structs.replace(trend("", revision, offered), cut="segment", series={"segment": "premium"})

    async def test() -> None:
        async with running(redis_server.url) as run:
            await run.write(segment(1, 3))
            await until(lambda: b"premium" in run.hub.start())
            listener = Listener(run.hub.messages(None))
            values = [view["kpis"]["offered"]["value"] for view in (await listener.next("snapshot"))["trends"]]
            for revision, offered in ((2, 4), (3, 5)):
                await run.write(segment(revision, offered), revision=revision)
                values += [view["kpis"]["offered"]["value"] for view in (await listener.next("changes"))["trends"]]
            assert values == [None, None, 5]

    in_loop(test)


@pytest.mark.integration
def test_a_viewer_that_comes_back_soon_goes_on_where_it_broke_off(redis_server: Any) -> None:
    async def test() -> None:
        async with running(redis_server.url) as run:
            first = run.hub.messages(None)
            listener = Listener(first)
            await listener.next("snapshot")
            await first.aclose()  # type: ignore[attr-defined]  # an async generator, typed as its protocol
            await run.write(trend("billing", 1, 5))
            await until(lambda: b"billing" in run.hub.start())
            again = Listener(run.hub.messages(listener.last_id))
            assert [view["key"] for view in (await again.next("changes"))["trends"]] == ["queue\x1fbilling"]

    in_loop(test)


@pytest.mark.integration
def test_a_viewer_of_another_board_gets_a_snapshot(redis_server: Any) -> None:
    async def test() -> None:
        async with running(redis_server.url) as run:
            nothing: dict[str, list[object]] = {"trends": [], "minutes": [], "alerts": []}
            for last_id in ("12345-0", f"{NOW:x}-99", "nonsense"):
                assert await Listener(run.hub.messages(last_id)).next("snapshot") == nothing

    in_loop(test)


@pytest.mark.integration
def test_what_left_the_live_view_leaves_the_viewers(redis_server: Any) -> None:
    async def test() -> None:
        async with running(redis_server.url) as run:
            await run.write(trend("billing", 1, 5), trend("orders", 1, 7))
            await until(lambda: b"orders" in run.hub.start())
            listener = Listener(run.hub.messages(None))
            await listener.next("snapshot")
            await run.view.reset()
            await run.write(trend("billing", 1, 2))
            await run.hub.load()
            snapshot = await listener.next("snapshot")
            assert [view["kpis"]["offered"]["value"] for view in snapshot["trends"]] == [2]

    in_loop(test)


@pytest.mark.integration
def test_streams_end_when_the_server_ends(redis_server: Any) -> None:
    async def test() -> None:
        async with running(redis_server.url) as run:
            stream = run.hub.messages(None)
            await anext(stream)
            run.hub.tie(lambda: True, lambda: None)
            async with asyncio.timeout(5):
                async for _ in stream:
                    pass

    in_loop(test)
