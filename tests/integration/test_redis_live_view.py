"""The live view against a real redis-server: what is written is read back, older versions never win, restarts heal."""

import asyncio
from contextlib import aclosing

import pytest
from alert_made_up import made_up_alert
from redis_process import RedisProcess

from streams.core import live
from streams.core.alert import Alert, AlertState
from streams.core.live import LiveChanges
from streams.core.series import series_of
from streams.core.trend import Clock, Expectation, KpiValue, Trend, Window, WindowKind
from streams.edge.redis import LiveReader, LiveView, LiveViewError

pytestmark = pytest.mark.integration

NOW_MS = 1_767_225_600_000  # 2026-01-01
DAY_MS = 86_400_000
BILLING = series_of("queue", "billing")


def trend(
    kind: WindowKind = "today", revision: int = 1, *, start_ms: int = NOW_MS, offered: int = 5, queue: str = "billing"
) -> Trend:
    """A trend of one queue."""
    return Trend(
        cut="queue",
        series={"queue": queue},
        window=Window(kind, start_ms, start_ms + 60_000, "UTC"),
        final=False,
        revision=revision,
        measures={"offered": offered},
        kpis={"volume": KpiValue(float(offered), offered), "asa": KpiValue(None, 0)},
        watermark_ms=start_ms,
        read_ms=start_ms,
        published_ms=start_ms + revision,
    )


def alert(version: int, state: AlertState, *, alert_id: str = "a1", published_ms: int = NOW_MS) -> Alert:
    """An alert of one queue."""
    over_ms = NOW_MS + 600_000 if state == "resolved" else None
    return made_up_alert(NOW_MS, alert_id=alert_id, version=version, state=state, resolved_ms=over_ms, published_ms=published_ms)


def minute(start_ms: int, actual: int = 3) -> Expectation:
    """A minute of one queue."""
    return Expectation(
        cut="queue",
        series={"queue": "billing"},
        start_ms=start_ms,
        end_ms=start_ms + 60_000,
        actual=actual,
        expected=4.0,
        low=1.0,
        high=9.0,
        published_ms=start_ms + 120_000,
    )


def clock(revision: int, shard: int = 0, shards: int = 1, published_ms: int = NOW_MS) -> Clock:
    """A pulse."""
    return Clock(
        shard=shard,
        shards=shards,
        watermark_ms=NOW_MS,
        closed_ms=NOW_MS,
        heard_ms=NOW_MS,
        event_ms=NOW_MS,
        revision=revision,
        published_ms=published_ms,
    )


def test_what_is_written_is_read_back(server: RedisProcess) -> None:
    async def scenario() -> None:
        view, reader = LiveView(server.url, 3600), LiveReader(server.url)
        changes = LiveChanges(
            trends=(trend("today"), trend("1m", offered=2), trend("today", queue="sales", offered=9)),
            expectations=(minute(NOW_MS), minute(NOW_MS + 60_000)),
            alerts=(alert(1, "firing"),),
            clocks=(clock(1, 0, 2), clock(1, 1, 2)),
        )
        await view.publish(changes)
        assert await reader.series("queue") == [series_of("queue", "sales"), BILLING]
        assert await reader.live(BILLING) == {"today": trend("today"), "1m": trend("1m", offered=2)}
        assert await reader.minutes(BILLING, NOW_MS + 1) == [minute(NOW_MS + 60_000)]
        assert await reader.alerts() == [alert(1, "firing")]
        assert await reader.clocks() == [clock(1, 0, 2), clock(1, 1, 2)]
        assert await reader.live(series_of("queue", "nobody")) == {}
        await view.close()
        await reader.close()

    asyncio.run(scenario())


def test_an_older_revision_never_wins_and_is_not_announced(server: RedisProcess) -> None:
    async def scenario() -> None:
        view, reader = LiveView(server.url, 3600), LiveReader(server.url)
        newest = LiveChanges(trends=(trend(revision=12, offered=7),), alerts=(alert(3, "resolved"),), clocks=(clock(10),))
        older = LiveChanges(trends=(trend(revision=9, offered=6),), alerts=(alert(2, "firing"),), clocks=(clock(9),))
        await view.publish(newest)
        async with aclosing(reader.subscribe()) as announced:
            assert await anext(announced) == LiveChanges()
            await view.publish(older)
            await view.publish(LiveChanges(clocks=(clock(11),)))
            assert await anext(announced) == LiveChanges(clocks=(clock(11),))
        assert await reader.live(BILLING) == {"today": trend(revision=12, offered=7)}
        assert await reader.alerts() == [alert(3, "resolved")]
        assert await reader.clocks() == [clock(11)]
        await view.close()
        await reader.close()

    asyncio.run(scenario())


def test_the_newest_window_wins_over_a_higher_revision_of_an_older_one(server: RedisProcess) -> None:
    async def scenario() -> None:
        view, reader = LiveView(server.url, 3600), LiveReader(server.url)
        await view.publish(LiveChanges(trends=(trend("1m", 1, start_ms=NOW_MS + 60_000),)))
        await view.publish(LiveChanges(trends=(trend("1m", 50, start_ms=NOW_MS),)))
        assert await reader.live(BILLING) == {"1m": trend("1m", 1, start_ms=NOW_MS + 60_000)}
        await view.close()
        await reader.close()

    asyncio.run(scenario())


def test_minutes_are_replaced_and_kept_for_a_day_of_event_time(server: RedisProcess) -> None:
    async def scenario() -> None:
        view, reader = LiveView(server.url, 3600), LiveReader(server.url)
        await view.publish(LiveChanges(expectations=(minute(NOW_MS), minute(NOW_MS + 60_000))))
        await view.publish(LiveChanges(expectations=(minute(NOW_MS + 60_000, actual=8),)))
        assert await reader.minutes(BILLING, 0) == [minute(NOW_MS), minute(NOW_MS + 60_000, actual=8)]
        await view.publish(LiveChanges(expectations=(minute(NOW_MS + DAY_MS + 60_000),)))
        assert await reader.minutes(BILLING, 0) == [minute(NOW_MS + 60_000, actual=8), minute(NOW_MS + DAY_MS + 60_000)]
        await view.close()
        await reader.close()

    asyncio.run(scenario())


def test_an_ended_alert_leaves_after_a_day_and_an_open_one_stays(server: RedisProcess) -> None:
    async def scenario() -> None:
        view, reader = LiveView(server.url, 3600), LiveReader(server.url)
        await view.publish(LiveChanges(alerts=(alert(2, "resolved", alert_id="old"), alert(1, "firing", alert_id="open"))))
        await view.publish(LiveChanges(clocks=(clock(1, published_ms=NOW_MS + DAY_MS - 1),)))
        assert {held.alert_id for held in await reader.alerts()} == {"old", "open"}
        await view.publish(LiveChanges(clocks=(clock(2, published_ms=NOW_MS + DAY_MS),)))
        assert await reader.alerts() == [alert(1, "firing", alert_id="open")]
        await view.close()
        await reader.close()

    asyncio.run(scenario())


def test_a_series_that_is_silent_for_the_expiry_leaves_list_and_ranking(server: RedisProcess) -> None:
    async def scenario() -> None:
        view, reader = LiveView(server.url, 60), LiveReader(server.url)
        await view.publish(LiveChanges(trends=(trend(queue="old"),)))
        await view.publish(LiveChanges(trends=(trend(start_ms=NOW_MS + 61_000),)))
        assert await reader.series("queue") == [BILLING]
        await view.close()
        await reader.close()

    asyncio.run(scenario())


def test_another_layout_is_reported(server: RedisProcess) -> None:
    async def scenario() -> None:
        view, reader = LiveView(server.url, 60), LiveReader(server.url)
        await view._client.set(live.LAYOUT_KEY, "2")
        with pytest.raises(LiveViewError, match="layout 2 of the live view, this program reads 1"):
            await reader.alerts()
        await view.close()
        await reader.close()

    asyncio.run(scenario())


def test_an_emptied_view_takes_smaller_revisions_again(server: RedisProcess) -> None:
    async def scenario() -> None:
        view, reader = LiveView(server.url, 60), LiveReader(server.url)
        await view.publish(LiveChanges(trends=(trend(revision=12),)))
        await view.reset()
        await view.publish(LiveChanges(trends=(trend(revision=1),)))
        assert await reader.live(BILLING) == {"today": trend(revision=1)}
        await view.close()
        await reader.close()

    asyncio.run(scenario())


def test_a_refused_password_is_said_without_the_password(server: RedisProcess) -> None:
    async def scenario() -> None:
        view = LiveView(server.url, 60)
        await view._client.config_set("requirepass", "right")
        reader = LiveReader(server.url.replace("redis://", "redis://:wr0ng@"))
        with pytest.raises(
            LiveViewError, match=r"Redis refuses: .*; check user and password in \[publish\] redis_url"
        ) as refusal:
            await reader.alerts()
        assert "wr0ng" not in str(refusal.value)
        await view.close()
        await reader.close()

    asyncio.run(scenario())


def test_an_address_that_is_none_is_refused_in_one_line() -> None:
    with pytest.raises(LiveViewError, match=r"\[publish\] redis_url"):
        LiveView("localhost:6379", 60)
