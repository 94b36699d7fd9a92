"""The live view's publisher against a real redis-server that is down, comes back and loses everything."""

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing

import msgspec
import pytest
from alert_made_up import made_up_alert
from redis_process import RedisProcess

from streams.core.live import LiveChanges
from streams.core.series import series_of
from streams.core.trend import Clock, Expectation, Trend, Window
from streams.edge.live import LivePublisher
from streams.edge.publisher import Pace, run
from streams.edge.redis import LiveReader, LiveView, LiveViewError

pytestmark = pytest.mark.integration

NOW_MS = 1_767_225_600_000  # 2026-01-01
BILLING = series_of("queue", "billing")
CLOCK = Clock(
    shard=0, shards=1, watermark_ms=NOW_MS, closed_ms=NOW_MS, heard_ms=NOW_MS, event_ms=NOW_MS, revision=1, published_ms=NOW_MS
)
MINUTE = Expectation(
    cut="queue",
    series={"queue": "billing"},
    start_ms=NOW_MS,
    end_ms=NOW_MS + 60_000,
    actual=3,
    expected=4.0,
    low=1.0,
    high=9.0,
    published_ms=NOW_MS,
)
ALERT = made_up_alert(NOW_MS)
TREND = Trend(
    cut="queue",
    series={"queue": "billing"},
    window=Window("today", NOW_MS, NOW_MS + 60_000, "UTC"),
    final=False,
    revision=1,
    measures={"offered": 5},
    kpis={},
    watermark_ms=NOW_MS,
    read_ms=None,
    published_ms=NOW_MS,
)


def trend(revision: int) -> Trend:
    """The trend in a later revision."""
    return msgspec.structs.replace(TREND, revision=revision)


class Reports:
    """Remembers what a publisher's loop reports."""

    def __init__(self) -> None:
        self.states: list[bool] = []

    def publisher(self, name: str, up: bool, problem: str = "") -> None:
        """Keep changes only."""
        assert name == "redis"
        assert up or "Redis" in problem
        if not self.states or self.states[-1] != up:
            self.states.append(up)

    def outbox(self, name: str, waiting: int, dropped: int) -> None:
        """Nothing is given up in these tests."""
        assert (name, waiting >= 0, dropped) == ("redis", True, 0)


async def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        await asyncio.sleep(0.02)


def test_redis_down_at_start_and_restarted_empty_stops_nothing_and_heals(server: RedisProcess) -> None:
    async def scenario() -> None:
        server.stop()
        publisher, reader, reports, stop = (
            LivePublisher(LiveView(server.url, 60)),
            LiveReader(server.url),
            Reports(),
            asyncio.Event(),
        )
        publisher.put("alerts", 0, ALERT)
        publisher.put("expectations", 0, MINUTE)
        publisher.put("trends", 0, trend(1))
        pace = Pace(publish_seconds=0.02, retry_seconds_max=0.2)
        task = asyncio.create_task(run(publisher, pace, reports, lambda: NOW_MS, stop))
        await eventually(lambda: reports.states == [False])
        publisher.put("trends", 0, trend(2))

        server.start()
        await eventually(lambda: reports.states == [False, True])
        assert await reader.live(BILLING) == {"today": trend(2)}
        assert publisher.waiting == 0

        server.stop()
        publisher.put("trends", 0, trend(3))
        await eventually(lambda: reports.states == [False, True, False])
        with pytest.raises(LiveViewError, match="Redis doesn't answer"):
            await reader.alerts()
        server.start()
        await eventually(lambda: reports.states == [False, True, False, True])
        assert await reader.live(BILLING) == {"today": trend(3)}
        await eventually(lambda: publisher.waiting == 0)
        assert await reader.alerts() == [ALERT]
        assert await reader.minutes(BILLING, 0) == [MINUTE]

        publisher.put("trends", 0, trend(4))
        stop.set()
        await asyncio.wait_for(task, 5)
        assert await reader.live(BILLING) == {"today": trend(4)}
        await reader.close()

    asyncio.run(scenario())


def test_a_subscriber_hears_of_a_restart(server: RedisProcess) -> None:
    async def scenario() -> None:
        reader = LiveReader(server.url)
        async with aclosing(reader.subscribe()) as announced:
            assert await anext(announced) == LiveChanges()
            server.stop()
            with pytest.raises(LiveViewError):
                await anext(announced)
        server.start()
        view = LiveView(server.url, 60)
        async with aclosing(reader.subscribe()) as announced:
            assert await anext(announced) == LiveChanges()
            await view.publish(LiveChanges(clocks=(CLOCK,)))
            assert await anext(announced) == LiveChanges(clocks=(CLOCK,))
        await view.close()
        await reader.close()

    asyncio.run(scenario())
