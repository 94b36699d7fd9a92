"""The board's POST and DELETE of an acknowledgement: from a real live view to a real broker, as `streams ack` sends it."""

from collections.abc import Awaitable, Callable
from typing import Any

import board_asked
import httpx
import msgspec
import pytest
from board_asked import ALERT, NOW
from own_topics import own_environment
from typer.testing import CliRunner

from streams import settings as all_settings
from streams.__main__ import build
from streams.core.acknowledgement import Acknowledgement, Order, decode_order
from streams.core.live import LiveChanges
from streams.edge.reader import read
from streams.settings import Settings

pytestmark = pytest.mark.integration

OVER = msgspec.structs.replace(ALERT, alert_id="a2", state="resolved", resolved_ms=NOW)
ANNA = Acknowledgement(by="anna", comment="on it", at_ms=NOW, until_ms=NOW + 7_200_000)


@pytest.fixture
def settings(redis_server: str, tansu: str) -> Settings:
    """A system with topics of its own."""
    environment = own_environment(tansu, {"STREAMS_PUBLISH_REDIS_URL": redis_server})
    made = CliRunner().invoke(build(), ["topics", "create"], env=environment)
    assert made.exit_code == 0, made.output
    return all_settings.load([], environment)


def ask(settings: Settings, test: Callable[[httpx.AsyncClient], Awaitable[None]], base: str = "http://127.0.0.1:8080") -> None:
    """Run a test against the application on a live view of two alerts."""
    board_asked.ask(settings.publish.redis_url, test, LiveChanges(alerts=(ALERT, OVER)), settings, base=base, at_ms=NOW)


def orders(settings: Settings) -> list[Order]:
    """What detect would read."""
    return [decode_order(value) for message in read(settings, settings.topics.minutes) if (value := message.value())]


def test_an_acknowledgement_and_its_end_reach_the_topic_that_detect_reads(settings: Settings) -> None:
    async def test(client: httpx.AsyncClient) -> None:
        given: dict[str, Any] = {"by": "anna", "comment": "on it", "for_minutes": 120}
        answer = await client.post("/api/v1/alerts/a1/ack", json=given)
        assert (answer.status_code, answer.json()) == (
            202,
            {"alert_id": "a1", "acknowledged": {"by": "anna", "comment": "on it", "at_ms": NOW, "until_ms": NOW + 7_200_000}},
        )
        answer = await client.delete("/api/v1/alerts/a1/ack")
        assert (answer.status_code, answer.json()) == (202, {"alert_id": "a1", "acknowledged": None})

    ask(settings, test)
    assert orders(settings) == [Order(alert_id="a1", acknowledgement=ANNA), Order(alert_id="a1", acknowledgement=None)]


def test_what_is_refused_sends_nothing(settings: Settings) -> None:
    async def test(client: httpx.AsyncClient) -> None:
        for alert_id, status, said in (("a2", 409, "a2 is resolved"), ("a3", 404, "no alert a3 here")):
            answer = await client.post(f"/api/v1/alerts/{alert_id}/ack", json={"by": "anna"})
            assert answer.status_code == status
            assert said in answer.json()["detail"]
        assert (await client.post("/api/v1/alerts/a1/ack", data={"by": "anna"})).status_code == 415
        long = {"by": "anna", "comment": "a" * 9_000}
        assert (await client.post("/api/v1/alerts/a1/ack", json=long)).status_code == 413
        preflight = await client.options("/api/v1/alerts/a1/ack", headers={"Origin": "http://evil.example"})
        assert (preflight.status_code, "access-control-allow-origin" in preflight.headers) == (405, False)

    async def elsewhere(client: httpx.AsyncClient) -> None:
        assert (await client.post("/api/v1/alerts/a1/ack", json={"by": "anna"})).status_code == 403
        assert (await client.delete("/api/v1/alerts/a1/ack")).status_code == 403

    ask(settings, test)
    ask(settings, elsewhere, base="http://evil.example:8080")
    assert orders(settings) == []


def test_without_a_broker_it_says_so(settings: Settings) -> None:
    async def test(client: httpx.AsyncClient) -> None:
        answer = await client.post("/api/v1/alerts/a1/ack", json={"by": "anna"})
        assert answer.status_code == 503
        assert "Kafka" in answer.json()["detail"]

    gone = msgspec.structs.replace(settings.kafka, bootstrap_servers="127.0.0.1:1", connect_timeout_seconds=1)
    ask(msgspec.structs.replace(settings, kafka=gone), test)
