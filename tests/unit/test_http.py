"""edge.http: the worker's own HTTP, on loopback."""

import asyncio

import msgspec
import pytest
from aiohttp import ClientSession

from streams.core.errors import StreamsError
from streams.edge.http import WorkerHttp
from streams.edge.telemetry import Telemetry, make_registry


async def get(port: int, path: str) -> tuple[int, str, bytes]:
    """Status, content type and body."""
    async with ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status, answer.headers["Content-Type"], await answer.read()


def test_metrics_health_and_readiness_are_served_on_a_free_port() -> None:
    async def scenario() -> None:
        registry = make_registry()
        telemetry = Telemetry(registry, {"intake": ["interactions"]}, ["redis"])
        telemetry.build_info("0.1.0")
        now_ms = 1_000
        http = WorkerHttp("127.0.0.1", 0, registry, lambda: telemetry.health(now_ms))
        port = await http.start()

        status, content_type, body = await get(port, "/metrics")
        assert (status, content_type) == (200, "text/plain; version=0.0.4; charset=utf-8")
        assert b'streams_events_consumed_total{topic="interactions"} 0.0' in body

        assert (await get(port, "/ready"))[0] == 503
        telemetry.heartbeat("intake", now_ms)
        telemetry.assigned("intake", 2)
        assert (await get(port, "/ready"))[0] == 200
        status, content_type, body = await get(port, "/health")
        assert (status, content_type) == (200, "application/json")
        assert msgspec.json.decode(body) == {
            "ok": True,
            "ready": True,
            "version": "0.1.0",
            "watermark_ms": None,
            "stages": {"intake": {"alive": True, "partitions": 2, "watermark_ms": None}},
            "publishers": {},
        }
        now_ms = 60_000
        assert [(await get(port, path))[0] for path in ("/health", "/ready", "/else")] == [503, 503, 404]
        await http.stop()

    asyncio.run(scenario())


def test_a_taken_port_is_named_with_the_way_out() -> None:
    async def scenario() -> None:
        registry = make_registry()
        telemetry = Telemetry(registry)
        first = WorkerHttp("127.0.0.1", 0, registry, lambda: telemetry.health(0))
        port = await first.start()
        second = WorkerHttp("127.0.0.1", port, registry, lambda: telemetry.health(0))
        with pytest.raises(StreamsError) as refusal:
            await second.start()
        assert str(refusal.value) == f"port {port} on 127.0.0.1 is taken: set [worker] port or STREAMS_WORKER_PORT"
        await first.stop()
        again = WorkerHttp("127.0.0.1", port, registry, lambda: telemetry.health(0))
        assert await again.start() == port
        await again.stop()

    asyncio.run(scenario())


def test_a_host_that_is_not_ours_is_refused() -> None:
    telemetry = Telemetry(registry := make_registry())
    with pytest.raises(StreamsError, match=r"can't listen on 192\.0\.2\.1 port 6066"):
        asyncio.run(WorkerHttp("192.0.2.1", 6066, registry, lambda: telemetry.health(0)).start())
