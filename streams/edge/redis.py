"""The live view in Redis: its writer and its reader. The only module that imports redis; the layout is in core/live.py.

An older version never wins, whoever writes it and whenever: the guard is a script inside Redis. The surprise: a repeat of the
same version does win, so that a write that was cut off half-way may simply be repeated and is then announced.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any, TypeVar
from uuid import uuid4

import msgspec
from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from streams.core import live
from streams.core.alert import Alert
from streams.core.errors import StreamsError
from streams.core.forecast_record import ForecastDay
from streams.core.live import LiveChanges
from streams.core.trend import Clock, Expectation, Trend
from streams.edge import redis_scripts as scripts

# Redis is near: an answer that takes longer than this isn't coming.
TIMEOUT_SECONDS = 5.0
# A subscriber that hears nothing this long asks whether Redis is still there; clocks come each second.
LISTEN_SECONDS = 2.0
SILENT_MAX = 3

Decoded = TypeVar("Decoded")


class LiveViewError(StreamsError):
    """The live view can't be read or written: Redis is down, refuses, or holds another layout."""


def connect(url: str) -> "Redis":
    """A client that fails at once where Redis is down: who calls has its own pace of trying again."""
    try:
        return Redis.from_url(
            url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, retry=Retry(NoBackoff(), 0)
        )
    except ValueError as error:
        raise LiveViewError(f"[publish] redis_url: {error}; expected redis://host:port/number") from error


@contextmanager
def _spoken() -> Iterator[None]:
    """Errors of the client in our words, without the address: it may hold a password."""
    try:
        yield
        _heed_cancellation()
    except (exceptions.AuthenticationError, exceptions.NoPermissionError) as error:
        raise LiveViewError(f"Redis refuses: {error}; check user and password in [publish] redis_url") from error
    except (exceptions.RedisError, OSError, TimeoutError) as error:
        raise LiveViewError(f"Redis doesn't answer ({type(error).__name__}: {error}); see [publish] redis_url") from error


def _heed_cancellation() -> None:
    """End this task if that was asked for and lost: the client sends under asyncio.wait_for, which before Python 3.12 goes on as
    if nothing were where the end of a send and the cancellation meet (cpython#86296). A subscriber would listen for ever."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class LiveView:
    """The writer."""

    def __init__(self, url: str, expiry_seconds: int, writer: str = "") -> None:
        self._client = connect(url)
        self._expiry = expiry_seconds
        self._writer = live.writer_key(writer or uuid4().hex)
        self._guard = self._client.register_script(scripts.GUARD)
        self._minutes = self._client.register_script(scripts.MINUTES)
        self._prune_alerts = self._client.register_script(scripts.PRUNE_ALERTS)
        self._prune_series = self._client.register_script(scripts.PRUNE_SERIES)

    async def publish(self, changes: LiveChanges) -> bool:
        """Write what is not older than what is there and announce it; one pipeline.

        False where this writer's mark was missing: it is new, or Redis lost its content. LiveViewError: nothing is announced; the
        same changes may be written again.
        """
        with _spoken():
            async with self._client.pipeline(transaction=False) as pipe:
                pipe.set(live.LAYOUT_KEY, live.LAYOUT)
                pipe.set(self._writer, "1", ex=self._expiry, get=True)
                trends = [live.encode(trend) for trend in changes.trends]
                await self._queue_guarded(pipe, changes, trends)
                await self._queue_forecasts(pipe, changes.forecasts)
                await self._queue_minutes(pipe, changes.expectations)
                await self._queue_prune(pipe, changes)
                answers = await pipe.execute()
            won = _winners(changes, trends, [bool(answer) for answer in answers[2:]])
            if won != _Announced():
                await self._client.publish(live.CHANNEL, msgspec.json.encode(won))
        return answers[1] is not None

    async def _queue_guarded(self, pipe: "Pipeline", changes: LiveChanges, encoded: Sequence[bytes]) -> None:
        """Trends, alerts and clocks, in this order: _winners counts on it."""
        arguments: list[str | bytes | int]
        for trend, data in zip(changes.trends, encoded, strict=True):
            series = live.record_series(trend)
            keys = [live.live_key(series)]
            arguments = [trend.window.kind, live.version_of(trend), data, self._expiry]
            if trend.window.kind == "today":
                keys.append(live.rank_key(trend.cut))
                arguments += [series, trend.measures.get("offered", 0)]
            await self._guard(keys, arguments, client=pipe)
        for alert in changes.alerts:
            arguments = [alert.alert_id, live.version_of(alert), live.encode(alert), self._expiry]
            arguments += [alert.alert_id, live.alert_end(alert)]
            await self._guard([live.ALERTS_KEY, live.ALERTS_END_KEY], arguments, client=pipe)
        for clock in changes.clocks:
            arguments = [str(clock.shard), live.version_of(clock), live.encode(clock), live.CLOCK_EXPIRY_SECONDS]
            await self._guard([live.CLOCK_KEY], arguments, client=pipe)

    async def _queue_forecasts(self, pipe: "Pipeline", forecasts: Iterable[ForecastDay]) -> None:
        """Forecasts, by day. Those of days that are over are left out by the reader and go with the expiry of a silent series."""
        for forecast in forecasts:
            key = live.forecast_key(live.record_series(forecast))
            arguments: list[str | bytes | int] = [forecast.day, live.version_of(forecast), live.encode(forecast), self._expiry]
            await self._guard([key], arguments, client=pipe)

    async def _queue_minutes(self, pipe: "Pipeline", expectations: Iterable[Expectation]) -> None:
        """Minutes, one call per series."""
        for series, minutes in groupby(sorted(expectations, key=live.record_series), key=live.record_series):
            arguments: list[str | bytes | int] = [self._expiry, live.MINUTES_KEPT_MS]
            for minute in minutes:
                arguments += [minute.start_ms, live.encode(minute)]
            await self._minutes([live.minutes_key(series)], arguments, client=pipe)

    async def _queue_prune(self, pipe: "Pipeline", changes: LiveChanges) -> None:
        """List the series, let silent ones and alerts that ended long ago go; a living pipeline keeps its alerts alive."""
        for cut, trends in groupby(sorted(changes.trends, key=lambda trend: trend.cut), key=lambda trend: trend.cut):
            seen = {live.record_series(trend): trend.published_ms for trend in trends}
            pipe.zadd(live.series_key(cut), dict(seen), gt=True)
            pipe.expire(live.series_key(cut), self._expiry)
            limit_ms = max(seen.values()) - 1000 * self._expiry
            await self._prune_series([live.series_key(cut), live.rank_key(cut)], [limit_ms], client=pipe)
        published = [clock.published_ms for clock in changes.clocks] + [alert.published_ms for alert in changes.alerts]
        if published:
            pipe.expire(live.ALERTS_KEY, self._expiry)
            pipe.expire(live.ALERTS_END_KEY, self._expiry)
            arguments = [max(published) - live.ENDED_ALERTS_KEPT_MS, live.ENDED_ALERTS_MAX]
            await self._prune_alerts([live.ALERTS_KEY, live.ALERTS_END_KEY], arguments, client=pipe)

    async def reset(self) -> None:
        """Empty the live view: for a run that begins anew, whose revisions start at 1 and would lose against the old ones."""
        with _spoken():
            async for key in self._client.scan_iter(f"{live.PREFIX}*", count=1_000):
                await self._client.delete(key)

    async def close(self) -> None:
        """Let the connections go."""
        await self._client.aclose()


class _Announced(msgspec.Struct, frozen=True, omit_defaults=True):
    """LiveChanges as it is sent: a trend is encoded once, for the hash and for the message."""

    trends: tuple[msgspec.Raw, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    alerts: tuple[Alert, ...] = ()
    clocks: tuple[Clock, ...] = ()


def _winners(changes: LiveChanges, trends: Iterable[bytes], won: Sequence[bool]) -> _Announced:
    """The changes that the guard let in; minutes always are."""
    answers = iter(won)
    return _Announced(
        trends=tuple(msgspec.Raw(trend) for trend in trends if next(answers)),
        alerts=tuple(alert for alert in changes.alerts if next(answers)),
        clocks=tuple(clock for clock in changes.clocks if next(answers)),
        expectations=changes.expectations,
    )


def _values(answer: dict[bytes, bytes]) -> Iterator[tuple[str, bytes]]:
    """Fields of a hash without their versions."""
    return ((field.decode(), data) for field, data in answer.items() if not field.endswith(b":v"))


def _decoded(decode: Callable[[bytes], Decoded], data: bytes) -> Decoded:
    """A record of the live view; one that doesn't decode was written by another release."""
    try:
        return decode(data)
    except msgspec.DecodeError as error:
        raise LiveViewError(f"the live view in Redis holds something else ({error}): run one release everywhere") from error


def _from_today(found: Iterable[ForecastDay]) -> list[ForecastDay]:
    days = sorted(found, key=lambda one: one.day)
    newest_ms = max((one.origin_ms for one in days), default=0)
    return [one for one in days if one.starts_ms[-1] >= newest_ms]


class LiveReader:
    """The reader: what the board may ask. Every method raises LiveViewError where Redis is down or holds another layout."""

    def __init__(self, url: str) -> None:
        self._client = connect(url)

    async def series(self, cut: str) -> list[str]:
        """The series of a cut that are live, the one with most contacts today first."""
        listed, ranked = await self._read(("ZRANGE", live.series_key(cut), 0, -1), ("ZREVRANGE", live.rank_key(cut), 0, -1))
        place = {series: number for number, series in enumerate(ranked)}
        return [series.decode() for series in sorted(listed, key=lambda series: (place.get(series, len(place)), series))]

    async def live(self, series: str) -> dict[str, Trend]:
        """Window kind → latest trend of a series; empty where it isn't live."""
        return (await self.live_many([series]))[series]

    async def live_many(self, series: Sequence[str]) -> dict[str, dict[str, Trend]]:
        """The same for many series, in one round trip."""
        answers = await self._read(*(("HGETALL", live.live_key(one)) for one in series))
        return {
            one: {kind: _decoded(live.decode_trend, data) for kind, data in _values(answer)}
            for one, answer in zip(series, answers, strict=True)
        }

    async def minutes(self, series: str, since_ms: int) -> list[Expectation]:
        """The minutes of a series that start at or after since_ms, in order."""
        (answer,) = await self._read(("ZRANGEBYSCORE", live.minutes_key(series), since_ms, "+inf"))
        return [_decoded(live.decode_expectation, data) for data in answer]

    async def forecasts(self, series: str) -> list[ForecastDay]:
        """The forecast of each local day of a series from today on, in order; empty where there is none yet."""
        return (await self.forecasts_many([series]))[0]

    async def forecasts_many(self, series: Sequence[str]) -> list[list[ForecastDay]]:
        """The same for many series, in one round trip."""
        answers = await self._read(*(("HGETALL", live.forecast_key(one)) for one in series))
        return [_from_today(_decoded(live.decode_forecast, data) for _, data in _values(answer)) for answer in answers]

    async def alerts(self) -> list[Alert]:
        """All alerts: pending, firing, and those that ended within 24 h; the newest first."""
        (answer,) = await self._read(("HGETALL", live.ALERTS_KEY))
        alerts = [_decoded(live.decode_alert, data) for _, data in _values(answer)]
        return sorted(alerts, key=lambda alert: (-alert.detected_ms, alert.alert_id))

    async def clocks(self) -> list[Clock]:
        """The pulse of each shard, in order; shards of an earlier, larger count are left out."""
        (answer,) = await self._read(("HGETALL", live.CLOCK_KEY))
        clocks = sorted((_decoded(live.decode_clock, data) for _, data in _values(answer)), key=lambda clock: clock.shard)
        shards = max(clocks, key=lambda clock: clock.published_ms).shards if clocks else 0
        return [clock for clock in clocks if clock.shard < shards]

    async def subscribe(self) -> AsyncGenerator[LiveChanges, None]:
        """Changes as they are written. An empty one (the first is) says: from here on nothing is missed, take a snapshot now.

        Ends with LiveViewError when the connection is lost or silent; subscribe again.
        """
        with _spoken():
            async with self._client.pubsub() as channel:
                await channel.subscribe(live.CHANNEL)
                silent = 0
                while silent < SILENT_MAX:
                    _heed_cancellation()
                    message = await channel.get_message(timeout=LISTEN_SECONDS)
                    silent = silent + 1 if message is None else 0
                    if message is None:
                        await channel.ping()
                    elif message["type"] == "subscribe":
                        yield LiveChanges()
                    elif message["type"] == "message":
                        yield _decoded(live.decode_changes, message["data"])
        raise LiveViewError("Redis has stopped answering; see [publish] redis_url")

    async def _read(self, *commands: tuple[str | int, ...]) -> list[Any]:
        """Answers of commands in one round trip, after a look at the layout."""
        with _spoken():
            async with self._client.pipeline(transaction=False) as pipe:
                pipe.get(live.LAYOUT_KEY)
                for command in commands:
                    pipe.execute_command(*command)
                layout, *answers = await pipe.execute()
        if layout is not None and layout.decode() != live.LAYOUT:
            raise LiveViewError(
                f"Redis holds layout {layout.decode()} of the live view, this program reads {live.LAYOUT}: run one release"
            )
        return answers

    async def close(self) -> None:
        """Let the connections go."""
        await self._client.aclose()
