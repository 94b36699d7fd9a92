"""Alerts in a real Alertmanager: they arrive, stay while repeated, resolve, and survive its absence."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

import msgspec
import pytest
from aiohttp import ClientError, ClientSession, web
from alert_made_up import made_up_alert
from alertmanager_server import AlertmanagerServer

from streams.core.alert import Alert
from streams.edge.alertmanager import AlertmanagerPublisher
from streams.edge.clock import now_ms
from streams.edge.publisher import Pace, PublisherDown, run

pytestmark = pytest.mark.integration


class Reports:
    """What the publisher's loop reported last."""

    up: bool | None = None
    waiting = 0

    def publisher(self, name: str, up: bool, problem: str = "") -> None:
        """Keep the state."""
        assert name == "alertmanager"
        assert up or "see [publish] alertmanager_urls" in problem
        self.up = up

    def outbox(self, name: str, waiting: int, dropped: int) -> None:
        """Keep what waits."""
        assert (name, dropped) == ("alertmanager", 0)
        self.waiting = waiting


class Turned:
    """The wall clock, turned ahead by hand."""

    ahead_ms = 0

    def now_ms(self) -> int:
        """Now, as turned."""
        return now_ms() + self.ahead_ms


def firing(alert_id: str = "1a2b", version: int = 1) -> Alert:
    """A spike that began five minutes ago."""
    now = now_ms()
    return made_up_alert(
        now,
        alert_id=alert_id,
        version=version,
        onset_ms=now - 300_000,
        detected_ms=now - 120_000,
        fired_ms=now - 120_000,
        observed=60,
        ratio=3.0,
        excess=40.0,
        runbook="https://runbooks.example/spike",
    )


def resolved(alert: Alert) -> Alert:
    """The same alert, over since a minute."""
    now = now_ms()
    return msgspec.structs.replace(
        alert, version=alert.version + 1, state="resolved", resolved_ms=now - 60_000, updated_ms=now, published_ms=now
    )


async def held(url: str) -> dict[str, str]:
    """What Alertmanager says fires: alert id → severity; empty while it isn't up."""
    try:
        async with ClientSession() as session, session.get(f"{url}/api/v2/alerts") as answer:
            return {alert["labels"]["alert_id"]: alert["annotations"]["severity"] for alert in await answer.json()}
    except ClientError:
        return {}


async def eventually(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait up to 20 s for a condition."""
    deadline = monotonic() + 20
    while not await condition():
        assert monotonic() < deadline, what
        await asyncio.sleep(0.05)


def test_an_alert_fires_stays_one_when_it_grows_worse_and_resolves(alertmanager: AlertmanagerServer) -> None:
    told: list[tuple[str, str]] = []

    async def hear(request: web.Request) -> web.Response:
        told.extend((alert["labels"]["alert_id"], alert["status"]) for alert in (await request.json())["alerts"])
        return web.Response()

    async def scenario() -> None:
        app = web.Application()
        app.router.add_post("/told", hear)
        runner = web.AppRunner(app, handle_signals=False)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", alertmanager.webhook_port).start()
        publisher, reports, stop = AlertmanagerPublisher(f"{alertmanager.url}/"), Reports(), asyncio.Event()
        task = asyncio.create_task(run(publisher, Pace(publish_seconds=0.05, retry_seconds_max=0.2), reports, now_ms, stop))
        alert = firing()

        publisher.put("alerts", 0, alert)
        await eventually(lambda: _is(held(alertmanager.url), {"1a2b": "warning"}), "it arrives")
        publisher.put("alerts", 0, msgspec.structs.replace(alert, version=2, severity="critical"))
        await eventually(lambda: _is(held(alertmanager.url), {"1a2b": "critical"}), "one alert, worse")
        await eventually(lambda: _has(told, ("1a2b", "firing")), "the webhook hears of it")
        publisher.put("alerts", 0, resolved(msgspec.structs.replace(alert, version=2)))
        await eventually(lambda: _is(held(alertmanager.url), {}), "it resolves")
        await eventually(lambda: _has(told, ("1a2b", "resolved")), "the webhook hears of its end")

        stop.set()
        await asyncio.wait_for(task, 5)
        await runner.cleanup()

    asyncio.run(scenario())


def test_an_alertmanager_that_is_down_or_restarted_hears_what_fires(alertmanager: AlertmanagerServer) -> None:
    async def scenario() -> None:
        alertmanager.stop()
        publisher, reports, stop, clock = AlertmanagerPublisher(alertmanager.url), Reports(), asyncio.Event(), Turned()
        pace = Pace(publish_seconds=0.05, retry_seconds_max=0.2)
        task = asyncio.create_task(run(publisher, pace, reports, clock.now_ms, stop))
        publisher.put("alerts", 0, firing())
        await eventually(lambda: _true(reports.up is False and reports.waiting == 1), "down at the start")
        alertmanager.start()
        await eventually(lambda: _is(held(alertmanager.url), {"1a2b": "warning"}), "it arrives when Alertmanager does")
        await eventually(lambda: _true(reports.up is True and reports.waiting == 0), "up")

        alertmanager.stop()
        alertmanager.start()
        clock.ahead_ms = 61_000
        await eventually(lambda: _is(held(alertmanager.url), {"1a2b": "warning"}), "told again within a minute")
        stop.set()
        await asyncio.wait_for(task, 5)

    asyncio.run(scenario())


def test_what_ended_long_ago_is_not_told(alertmanager: AlertmanagerServer) -> None:
    async def scenario() -> None:
        publisher = AlertmanagerPublisher(alertmanager.url)
        old = msgspec.structs.replace(resolved(firing()), published_ms=now_ms() - 300_000)
        publisher.put("alerts", 0, old)
        alertmanager.stop()
        await publisher.publish(now_ms())  # would be refused if there were something to tell
        assert publisher.waiting == 0
        await publisher.close()

    asyncio.run(scenario())


def test_a_refusal_says_who_refuses(alertmanager: AlertmanagerServer) -> None:
    async def scenario() -> None:
        publisher = AlertmanagerPublisher(f"{alertmanager.url}/nothing/here")
        publisher.put("alerts", 0, firing())
        await eventually(lambda: _answers(alertmanager.url), "Alertmanager is up")
        with pytest.raises(PublisherDown, match="answers 404"):
            await publisher.publish(now_ms())
        await publisher.close()

    asyncio.run(scenario())


async def _is(answer: Awaitable[dict[str, str]], expected: dict[str, str]) -> bool:
    return await answer == expected


async def _has(told: list[tuple[str, str]], expected: tuple[str, str]) -> bool:
    return expected in told


async def _true(condition: bool) -> bool:
    return condition


async def _answers(url: str) -> bool:
    try:
        async with ClientSession() as session, session.get(f"{url}/-/ready") as answer:
            return answer.status == 200
    except ClientError:
        return False
